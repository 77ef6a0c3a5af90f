import { describe, expect, test } from 'vitest';
import { createRedactor, type Redactor, type TokenShape } from '../src/index.js';
import { insideOf } from '../src/redactor-inside.js';
import vectors from './vectors/masking-vectors.json' with { type: 'json' };

/** A case from the tests of other maskers, in the form in which they were collected. */
interface Vector {
  readonly source: string;
  readonly name: string;
  readonly secrets: readonly string[];
  readonly writes: readonly (string | { readonly addSecrets: readonly string[] })[];
  readonly expected: string;
  /** Prefixes of tokens that are masked to the end of the word. */
  readonly prefixes?: readonly string[];
}

const TOO_SHORT = 'values under four characters are reported, not masked';
const WORDS_ONLY = 'values under eight characters are masked as words only';
const NO_LIMIT = 'there is no limit to the number of shapes';
const EMPTY = 'an empty value is left as it is: there is nothing to mask';
const PASSWORD_ONLY = 'the password is masked; a text that is no URL is not replaced as a whole';

/** Where the project decided otherwise, and why. */
const deviations: ReadonlyMap<string, string> = new Map([
  ['buildkite/agent TestReplacerLoremIpsum: Vowels / one write', TOO_SHORT],
  ['buildkite/agent TestReplacerLoremIpsum: Vowels / one byte per write', TOO_SHORT],
  ['buildkite/agent TestReplacerMultibyte: multibyte', TOO_SHORT],
  ['buildkite/agent TestURLCredentials: unparsable scheme url with creds', PASSWORD_ONLY],
  ['gitlab-runner masker TestMasking: secretssecrets', WORDS_ONLY],
  ['gitlab-runner masker TestMasking: ssecrets', WORDS_ONLY],
  ['gitlab-runner masker TestMasking: s|secrets', WORDS_ONLY],
  ['gitlab-runner masker TestMasking: at the start of the buffer', TOO_SHORT],
  ['gitlab-runner masker TestMasking: all values are masked', TOO_SHORT],
  ['gitlab-runner masker TestMasking: prefixed and suffixed: xfoox ybary ffoo barr ffooo bbarr', TOO_SHORT],
  [
    'gitlab-runner masker TestMasking: prefix|ed, su|ffi|xed |and split|:| xfo|ox y|bary ffo|o ba|r',
    TOO_SHORT,
  ],
  ['gitlab-runner masker TestMasking: sp|lit al|l val|ues ar|e |mask|ed', TOO_SHORT],
  ['gitlab-runner urlsanitizer: query string with no value: http://example.com/?x-amz-creden', EMPTY],
  ['gitlab-runner urlsanitizer: terminated before mask: ?x-amz-credential=', EMPTY],
  ['gitlab-runner urlsanitizer: terminated before mask: ?x-amz-credential=|', EMPTY],
  ['gitlab-runner tokensanitizer: ignored sixteenth prefix and more', NO_LIMIT],
  ['azure-pipelines-agent SecretMaskerL0 ReplacesValue: ReplacesValue', TOO_SHORT],
  ['azure-pipelines-agent SecretMaskerL0 ReplacesMultipleInstances: ReplacesMultipleInstances', TOO_SHORT],
  [
    'azure-pipelines-agent SecretMaskerL0 ReplacesMultipleAdjacentInstances: ReplacesMultipleAdjacentInstances',
    TOO_SHORT,
  ],
  ['azure-pipelines-agent SecretMaskerL0 ReplacesMultipleSecrets: ReplacesMultipleSecrets', TOO_SHORT],
  ['azure-pipelines-agent SecretMaskerL0 ReplacesOverlappingSecrets: ReplacesOverlappingSecrets', TOO_SHORT],
  ['azure-pipelines-agent SecretMaskerL0 ReplacesAdjacentSecrets: ReplacesAdjacentSecrets', TOO_SHORT],
]);

describe('vectors of other maskers', () => {
  const named = (vectors as Vector[]).map((vector) => [`${vector.source}: ${vector.name}`, vector] as const);

  test('every deviation is a vector', () => {
    const names = new Set<string>(named.map(([name]) => name));
    expect([...deviations.keys()].filter((name) => !names.has(name))).toEqual([]);
  });

  test.each(named)('%s', (name, vector) => {
    const masked = collapsed(mask(vector));
    const expected = collapsed(vector.expected.replaceAll('<MASK>', '[REDACTED]'));
    if (deviations.has(name)) expect(masked, deviations.get(name)).not.toBe(expected);
    else expect(masked).toBe(expected);
  });
});

function mask({ secrets, writes, prefixes = [] }: Vector): string {
  const redactor = createRedactor({ moreShapes: prefixes.map(wordAfter) });
  addAll(redactor, secrets);
  const held = insideOf(redactor).hold();
  let out = '';
  for (const write of writes) {
    if (typeof write === 'string') out += held.push(Buffer.from(write).toString('latin1'));
    else {
      out += held.flush();
      addAll(redactor, write.addSecrets);
    }
  }
  return Buffer.from(out + held.flush(), 'latin1').toString();
}

function addAll(redactor: Redactor, secrets: readonly string[]): void {
  for (const secret of secrets) redactor.add(secret, 'vectors:secret');
}

/** A prefix after which everything up to the end of the word is secret. */
function wordAfter(prefix: string): TokenShape {
  return { id: prefix, prefix, pattern: '[A-Za-z0-9_=.-]{1,200}', example: '', counterExample: '' };
}

function collapsed(text: string): string {
  return text.replace(/(?:\[REDACTED\])+/g, '[REDACTED]');
}
