import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { type ProviderRef, SecretsError, systemClock } from '@keyturn/core/provider';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EnvOptions, env } from '../src/index.js';

const call = { clock: systemClock, signal: new AbortController().signal };
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'env-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function file(content: string | Uint8Array): string {
  const path = join(mkdtempSync(join(folder, 'f-')), 'secret');
  writeFileSync(path, content);
  return path;
}

async function textOf(path: string, options: EnvOptions): Promise<string> {
  const { data } = await env(options).fetch({ path }, call);
  return Buffer.from(data as string | Uint8Array).toString('utf8');
}

async function failureOf(ref: ProviderRef, options: EnvOptions): Promise<SecretsError> {
  const thrown = await env(options)
    .fetch(ref, call)
    .then(
      () => new Error('it did not fail'),
      (error: unknown) => error,
    );
  if (!(thrown instanceof SecretsError)) throw thrown;
  return thrown;
}

describe('a variable', () => {
  test('of the process is looked up at each fetch', async () => {
    const provider = env();
    process.env.KEYTURN_TEST = 'one';
    try {
      const one = await provider.fetch({ path: 'KEYTURN_TEST' }, call);
      expect(one).toMatchObject({ data: 'one', metadata: { variable: 'KEYTURN_TEST' } });
      process.env.KEYTURN_TEST = 'two';
      const two = await provider.fetch({ path: 'KEYTURN_TEST' }, call);
      expect(two.data).toBe('two');
      expect(two.version).not.toBe(one.version);
    } finally {
      delete process.env.KEYTURN_TEST;
    }
  });

  test('has the prefix before its name', async () => {
    const variables = { APP_TOKEN: 'with', TOKEN: 'without' };
    expect(await textOf('TOKEN', { env: variables, prefix: 'APP_' })).toBe('with');
    expect(await textOf('TOKEN', { env: variables })).toBe('without');
  });

  test('is kept as it is, with spaces and line ends', async () => {
    expect(await textOf('TOKEN', { env: { TOKEN: ' a\n' } })).toBe(' a\n');
  });

  test('has a version that is equal for equal data, also from a file, and of this provider alone', async () => {
    const variables = { A: 'same', B: 'same', C: 'other', D_FILE: file('same\n') };
    const provider = env({ env: variables });
    const version = async (path: string) => (await provider.fetch({ path }, call)).version;
    const [a, b, c, d] = await Promise.all([version('A'), version('B'), version('C'), version('D')]);
    expect([b, d]).toEqual([a, a]);
    expect(c).not.toBe(a);
    expect((await env({ env: variables }).fetch({ path: 'A' }, call)).version).not.toBe(a);
  });

  test('F21: that is empty is a bad response, and its file is not read in its place', async () => {
    const error = await failureOf({ path: 'TOKEN' }, { env: { TOKEN: '', TOKEN_FILE: file('x') } });
    expect(error.code).toBe('bad-response');
    expect(error.remedy).toContain('TOKEN_FILE');
  });

  test('cannot be watched', () => expect(env().watch).toBeUndefined());
});

describe('a variable that is not set', () => {
  test.each([
    ['a misspelling', 'DATABSE_URL', 'Is it DATABASE_URL that is meant?'],
    ['another case', 'database_url', 'Is it DATABASE_URL that is meant?'],
    ['one letter more', 'TOKENS', 'Is it TOKEN that is meant?'],
    ['nothing near', 'STRIPE_KEY', 'Set it, or set STRIPE_KEY_FILE'],
    ['a property of every object', 'constructor', 'Set it'],
    ['the prototype', '__proto__', 'Set it'],
  ])('%s: %s', async (_, path, hint) => {
    const variables = { DATABASE_URL: 'postgres://canary', TOKEN: 'canary', PATH: 'canary' };
    const error = await failureOf({ path }, { env: variables });
    expect(error.code).toBe('not-found');
    expect(error.message).toContain(hint);
    expect(error.message).not.toContain('canary');
  });

  test('has the hint with its prefix', async () => {
    const error = await failureOf({ path: 'TOKN' }, { env: { APP_TOKEN: 'x', TOKN: 'y' }, prefix: 'APP_' });
    expect(error.message).toContain('The variable APP_TOKN is not set. Is it APP_TOKEN that is meant?');
  });

  test('says so when its file would be there and is turned off', async () => {
    const error = await failureOf({ path: 'TOKEN' }, { env: { TOKEN_FILE: file('x') }, files: false });
    expect(error.code).toBe('not-found');
    expect(error.message).toContain('the option files is false');
  });
});

describe('NAME_FILE', () => {
  test.each([
    ['one line', 'secret\n', 'secret'],
    ['one line, Windows', 'secret\r\n', 'secret'],
    ['no line end', 'secret', 'secret'],
    ['several lines', 'a\nb\n', 'a\nb\n'],
  ])('is read when NAME is not set: %s', async (_, written, read) => {
    expect(await textOf('TOKEN', { env: { TOKEN_FILE: file(written) } })).toBe(read);
  });

  test('yields bytes as they are', async () => {
    const bytes = Uint8Array.from([0xff, 0x00, 0x0a]);
    const { data } = await env({ env: { KEY_FILE: file(bytes) } }).fetch({ path: 'KEY' }, call);
    expect(Uint8Array.from(data as Uint8Array)).toEqual(bytes);
  });

  test('gives way to NAME', async () => {
    expect(await textOf('TOKEN', { env: { TOKEN: 'own', TOKEN_FILE: '/nowhere' } })).toBe('own');
  });

  test('is read anew at each fetch', async () => {
    const path = file('one');
    const provider = env({ env: { TOKEN_FILE: path } });
    const one = await provider.fetch({ path: 'TOKEN' }, call);
    writeFileSync(path, 'two');
    const two = await provider.fetch({ path: 'TOKEN' }, call);
    expect(Buffer.from(two.data as Uint8Array).toString()).toBe('two');
    expect(two.version).not.toBe(one.version);
  });

  test.each([
    ['missing', () => join(folder, 'nothing'), 'not-found', 'does not exist'],
    ['empty', () => file(''), 'bad-response', 'is empty'],
    ['only a line end', () => file('\n'), 'bad-response', 'is empty'],
    ['a folder', () => folder, 'bad-response', 'is not a regular file'],
    ['too large', () => file(new Uint8Array(1_048_577)), 'bad-response', 'is larger than 1 MiB'],
    ['no path at all', () => '', 'not-found', 'does not exist'],
    ['below a file', () => join(file('x'), 'below'), 'not-found', 'does not exist'],
  ])('that is %s names the variable', async (_, path, code, problem) => {
    const error = await failureOf({ path: 'TOKEN' }, { env: { TOKEN_FILE: path() } });
    expect(error.code).toBe(code);
    expect(error.problem).toBe(`The file that TOKEN_FILE names ${problem}.`);
    expect(error.remedy).toContain('TOKEN_FILE');
  });

  test.skipIf(process.platform === 'win32')('that is a pipe does not hang', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect((await failureOf({ path: 'TOKEN' }, { env: { TOKEN_FILE: pipe } })).code).toBe('bad-response');
  });

  test('F49: that holds the secret itself is not shown', async () => {
    for (const canary of ['canary-1b2c3d', 'canary'.repeat(100), `canary/${'x'.repeat(300)}`]) {
      const error = await failureOf({ path: 'TOKEN' }, { env: { TOKEN_FILE: canary } });
      expect(error.code).toBe('not-found');
      expect(`${inspect(error)} ${JSON.stringify(error)} ${error.stack}`).not.toContain('canary');
    }
  });
});

test.each(['a/b', '', 'a=b', 'a\0b'])('the path %j is refused', async (path) => {
  expect((await failureOf({ path }, { env: {} })).code).toBe('invalid-ref');
});

test('versions and stages are refused', async () => {
  for (const ref of [
    { path: 'A', version: '1' },
    { path: 'A', stage: 's' },
  ]) {
    expect((await failureOf(ref, { env: { A: 'x' } })).code).toBe('unsupported');
  }
});

test.each(['A=', 'A\0', 7])('the prefix %j is refused by name', (prefix) => {
  expect(() => env({ prefix } as EnvOptions)).toThrow(/^invalid-config: env: The setting prefix/);
});

test('a fetch whose signal was aborted rejects with its reason', async () => {
  const reason = new Error('nobody waits');
  const aborted = { clock: systemClock, signal: AbortSignal.abort(reason) };
  await expect(env({ env: { A: 'x' } }).fetch({ path: 'A' }, aborted)).rejects.toBe(reason);
});

test('F49: neither the provider nor its errors show a value', async () => {
  const canary = 'canary-9f8e7d';
  const provider = env({ env: { TOKEN: canary, BLANK: '', TOKEN_FILE: canary } });
  await provider.fetch({ path: 'TOKEN' }, call);
  const errors = await Promise.all(
    ['TOKE', 'BLANK', 'canary/x'].map((path) => provider.fetch({ path }, call).catch((error) => error)),
  );
  for (const thing of [provider, ...errors]) {
    const printed = `${inspect(thing, { depth: Infinity, showHidden: true })} ${JSON.stringify(thing)} ${thing.stack}`;
    expect(printed).not.toContain(canary);
  }
});
