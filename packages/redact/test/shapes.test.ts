import { describe, expect, test } from 'vitest';
import { createRedactor } from '../src/index.js';
import { TOKEN_TABLE } from '../src/shapes/token-table.js';
import { HARMLESS } from './support/harmless-lines.js';
import { lot, makeToken } from './support/make-token.js';
import { VENDOR_FORMATS } from './support/vendor-formats.js';

const redactor = createRedactor();
const draw = lot(1);

describe('the table of token shapes', () => {
  test('has each id once', () => {
    const ids = TOKEN_TABLE.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test.each(TOKEN_TABLE.map((shape) => [shape.id, shape] as const))(
    '%s: its example is masked',
    (_, shape) => {
      for (let count = 0; count < 20; count++) {
        const token = makeToken(shape.example, draw);
        const masked = redactor.redact(`upstream refused ${token} for tenant 7`);
        expect(masked).not.toContain(token);
        expect(masked).toMatch(/^upstream refused \S*\[REDACTED\] for tenant 7$/);
        if (shape.before === undefined) expect(masked).toContain(shape.prefix);
      }
    },
  );

  test.each(TOKEN_TABLE.map((shape) => [shape.id, shape] as const))(
    '%s: its counter-example stays',
    (_, shape) => {
      for (let count = 0; count < 20; count++) {
        const line = `upstream refused ${makeToken(shape.counterExample, draw)} for tenant 7`;
        expect(redactor.redact(line)).toBe(line);
      }
    },
  );
});

describe('measured', () => {
  test('six of ten published formats are recognized without a word beside them', () => {
    const missed = VENDOR_FORMATS.filter(([, format]) => {
      const token = makeToken(format, draw);
      return redactor.redact(`call with ${token} was refused`).includes(token);
    }).map(([vendor]) => vendor);
    const share = 1 - missed.length / VENDOR_FORMATS.length;
    console.log(
      `recognized ${(share * 100).toFixed(1)} % of ${VENDOR_FORMATS.length} formats; not: ${missed.join(', ')}`,
    );
    expect(share).toBeGreaterThanOrEqual(0.6);
  });

  test('formats without a fixed text are recognized beside a word that says what they are', () => {
    const missed = VENDOR_FORMATS.filter(([, format]) => {
      const token = makeToken(format, draw);
      return redactor.redact(`api_key: ${token}`).includes(token);
    }).map(([vendor]) => vendor);
    console.log(`beside a keyword not: ${missed.join(', ')}`);
    expect(1 - missed.length / VENDOR_FORMATS.length).toBeGreaterThanOrEqual(0.9);
  });

  test('at most three of a hundred harmless lines of any kind are changed', () => {
    const changed: string[] = [];
    for (const [kind, make] of Object.entries(HARMLESS)) {
      const lines = Array.from({ length: 200 }, () => make(draw));
      const wrong = lines.filter((line) => redactor.redact(line) !== line);
      changed.push(...wrong.slice(0, 2).map((line) => `${kind}: ${redactor.redact(line).slice(0, 200)}`));
      expect(
        wrong.length / lines.length,
        `${kind}: ${wrong[0]} -> ${redactor.redact(wrong[0] ?? '')}`,
      ).toBeLessThanOrEqual(0.03);
    }
    console.log(changed.join('\n'));
  });
});
