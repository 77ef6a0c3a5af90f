import { jsonText, parseJson } from '@keyturn/core/provider';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readBody } from '../src/response-body.js';

/** What the fields of an answer are as texts. */
function fieldsIn(text: string): Record<string, string> {
  const body = readBody('application/json', text);
  if (body.kind !== 'json') throw new Error(`not read: ${text}`);
  return Object.fromEntries(Object.entries(body.content).map(([name, value]) => [name, jsonText(value)]));
}

/** A number in any way that JSON lets it be written. */
const literal = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.constant('0'), fc.bigInt({ min: 1n, max: 10n ** 25n }).map(String)),
    fc.oneof(
      fc.constant(''),
      fc.integer({ min: 0, max: 10 ** 9 }).map((digits) => `.${digits}0`),
    ),
    fc.constantFrom('', 'e5', 'E-7', 'e+400'),
  )
  .map((parts) => parts.join(''));
const space = fc.constantFrom('', ' ', '\n\t');

it.each(['0', '-0', '999999999999999', '9007199254740993', '-9007199254740993', '1.50', '1e2', '2E-7'])(
  '%s alone is given back as it was written',
  (number) => {
    expect(fieldsIn(`{"a":${number}}`)).toEqual({ a: number });
    expect(fieldsIn(`{"a":[${number}]}`)).toEqual({ a: `[${number}]` });
    expect(fieldsIn(`{"a":[1,${number}]}`)).toEqual({ a: `[1,${number}]` });
  },
);

it('every number is given back as it was written, wherever it stands', () => {
  fc.assert(
    fc.property(literal, literal, space, (one, other, gap) => {
      const text = `{${gap}"a"${gap}:${gap}${one},"b":[${gap}${other}${gap},${gap}${one}],"c":{"d":${other}}}`;
      expect(fieldsIn(text)).toEqual({ a: one, b: `[${other},${one}]`, c: `{"d":${other}}` });
    }),
    { numRuns: 500 },
  );
});

it('anything is read as the parser that keeps digits reads it', () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string().filter((name) => name !== '__proto__'),
        fc.jsonValue(),
      ),
      (content) => {
        const text = JSON.stringify(content);
        const slowly = Object.entries(parseJson(text) as object).map(([name, value]) => [
          name,
          jsonText(value),
        ]);
        expect(fieldsIn(text)).toEqual(Object.fromEntries(slowly));
      },
    ),
    { numRuns: 500 },
  );
});
