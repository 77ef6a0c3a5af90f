import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonNumber, jsonText, parseJson } from '../../src/model/json.js';

it('keeps every digit of a number', () => {
  const digits = fc.bigInt({ min: 2n ** 53n, max: 2n ** 200n });
  fc.assert(
    fc.property(digits, (number) => {
      const parsed = parseJson(`{"id":${number}}`) as { id: unknown };
      expect(jsonText(parsed.id)).toBe(String(number));
    }),
  );
});

it('gives text as it is, and everything else as JSON', () => {
  expect(['a', true, null, [1], { a: 'b' }, undefined].map(jsonText)).toEqual([
    'a',
    'true',
    'null',
    '[1]',
    '{"a":"b"}',
    '',
  ]);
});

it('reads numbers, its own and the host’s, and nothing else', () => {
  const { ttl } = parseJson('{"ttl":3600}') as { ttl: unknown };
  expect([ttl, 1.5, '7', null, {}].map(jsonNumber)).toEqual([3600, 1.5, undefined, undefined, undefined]);
});

it('refuses what is no JSON', () => {
  expect(() => parseJson('{"a":')).toThrow(SyntaxError);
});
