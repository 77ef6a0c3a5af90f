import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonError, JsonTooComplex, scanJson } from '../src/http/json-scan.js';

describe('scanJson', () => {
  test('agrees with JSON.parse on every value, and finds its end', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom('', ' ', '\n'), (value, space) => {
        const text = `${space}${JSON.stringify(value, null, space)}${space}`;
        const end = scanJson(text);
        expect(JSON.parse(text.slice(0, end))).toEqual(JSON.parse(text));
      }),
    );
  });

  test('refuses whatever JSON.parse refuses, and accepts whatever it accepts', () => {
    const json = fc
      .json({ maxDepth: 3 })
      .chain((text) =>
        fc
          .tuple(fc.nat(text.length), fc.constantFrom('', ',', '}', ']', '"', ':', 'x', '-', '0', '\\', '\t'))
          .map(([at, insert]) => text.slice(0, at) + insert + text.slice(at + (insert === '' ? 1 : 0))),
      );
    fc.assert(
      fc.property(json, (text) => {
        const end = accepted(() => scanJson(text));
        const whole = typeof end === 'number' && text.slice(end).trim() === '';
        if (whole) expect(() => JSON.parse(text)).not.toThrow();
        if (accepted(() => JSON.parse(text)) !== FAILED) expect(whole).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['{"a":', 'unexpected EOF'],
    ['{a:1}', "invalid character 'a' looking for beginning of value"],
    ['{1:2}', 'object member name must be a string'],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b":2}', `invalid character '"' after object key:value pair`],
    ['{"a":1,}', "invalid character ',' looking for beginning of value"],
    ['[1 2]', "invalid character '2' after array element"],
    ['{"a":trux}', "invalid character 'x' in literal true (expecting 'e')"],
    ['{"a":-}', "invalid character '}' in numeric literal"],
    ['{"a":"\t"}', "invalid character '\\t' in string"],
    ['{"a":"\\x"}', 'invalid escape sequence `\\x` in string'],
    ['{}x', "invalid character 'x' looking for beginning of value"],
    ['\ufeff{}', "invalid character '\\ufeff' looking for beginning of value"],
  ])('%s: %s', (text, message) => {
    expect(() => scanJson(text)).toThrow(new JsonError(message));
  });

  test('says at most one character or escape of what it was given', () => {
    const message = failure(() => scanJson('{"password": canary-secret}'));
    expect(message).toBe("invalid character 'c' looking for beginning of value");
  });

  test('bounds the number of strings and the depth, whatever the stack', () => {
    expect(() => scanJson(JSON.stringify(Array(1_001).fill('x')))).toThrow(JsonTooComplex);
    expect(scanJson(JSON.stringify(Array(1_000).fill('x')))).toBeTypeOf('number');
    expect(scanJson('['.repeat(10_000) + ']'.repeat(10_000))).toBe(20_000);
    expect(() => scanJson('['.repeat(10_001) + ']'.repeat(10_001))).toThrow('exceeded max depth');
  });

  test('nothing is no value', () => {
    expect(scanJson('')).toBeUndefined();
    expect(scanJson(' \n\t')).toBeUndefined();
  });
});

const FAILED = Symbol('failed');

function accepted<T>(read: () => T): T | typeof FAILED {
  try {
    return read();
  } catch {
    return FAILED;
  }
}

function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
  return '';
}
