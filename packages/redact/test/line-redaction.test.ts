import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assertNoLeak, createRedactor, lineRedaction, type Redactor } from '../src/index.js';
import { secretText } from './support/arbitrary-text.js';

function lines(...secrets: string[]): (line: string) => string {
  const redactor = createRedactor();
  for (const secret of secrets) redactor.add(secret, 'vault:db');
  return lineRedaction(redactor, 'test');
}

describe('a redacted line', () => {
  test.each([
    ['a text', '{"a":"x the-password"}\n', '{"a":"x [REDACTED]"}\n'],
    ['a number', '{"a":12345678,"b":[12345678]}\n', '{"a":"[REDACTED]","b":["[REDACTED]"]}\n'],
    ['a part of a number', '{"a":-1.12345678e5}', '{"a":"-1.[REDACTED]e5"}'],
    [
      'a number beside a text that looks like one',
      '{"a":12345678,"b":"[REDACTED] \\" 1"}',
      '{"a":"[REDACTED]","b":"[REDACTED] \\" 1"}',
    ],
    [
      'what stands between two fields',
      '{"level":30,"time":5,"a":"x","b":"y"}\r\n',
      '{"level":30,"time":5,"msg":"[REDACTED]"}\r\n',
    ],
    ['no JSON', 'info: 12345678 {the-password', 'info: [REDACTED] {[REDACTED]'],
  ])('masks %s', (_, line, expected) => {
    expect(lines('the-password', '12345678', 'x","b":')(line)).toBe(expected);
  });

  test('keeps no level or time that is itself secret', () => {
    expect(lines('x","b":', '123456789')('{"level":30,"time":123456789,"a":"x","b":"y"}')).toBe(
      '{"level":30,"msg":"[REDACTED]"}',
    );
  });

  test('something that is no redactor is refused at once', () => {
    expect(() => lineRedaction({} as Redactor, 'test')).toThrow(
      expect.objectContaining({ code: 'invalid-config' }),
    );
  });

  test('is JSON if it was, whatever the secret and wherever it stands', () => {
    const secret = fc.oneof(
      secretText,
      fc.stringMatching(/^[",:{}[\]0-9ab]{4,9}$/),
      fc.bigInt(1000n, 10n ** 12n).map(String),
    );
    const entry = fc.tuple(
      fc.constantFrom('a', 'b', 'S'),
      fc.constantFrom<unknown>('S', 'x S', ['S'], { S: 'S' }, 7, 'a'),
    );
    fc.assert(
      fc.property(secret, fc.array(entry, { minLength: 1 }), (value, entries) => {
        fc.pre(value.trim().length >= 4);
        const redactor = createRedactor();
        redactor.add(value, 'vault:db');
        const line = JSON.stringify({ level: 30, time: 12_345, ...Object.fromEntries(entries) })
          .replaceAll('S', () => JSON.stringify(value).slice(1, -1))
          .replace('7', () => (/^[1-9]\d+$/.test(value) ? value : '7'));
        const masked = lineRedaction(redactor, 'test')(`${line}\n`);
        expect(() => JSON.parse(masked)).not.toThrow();
        expect(masked).toMatch(/^[^\n]+\n$/);
        if (!/[[\]]|REDA/.test(value)) assertNoLeak(masked, redactor);
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 500) },
    );
  });
});
