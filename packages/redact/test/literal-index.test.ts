import { describe, expect, test } from 'vitest';
import type { Literal, Piece } from '../src/known/literal.js';
import { LiteralIndex } from '../src/known/literal-index.js';
import { eachWindow } from '../src/text-window.js';
import { lot } from './support/make-token.js';

const piece: Piece = { key: '', weak: false, owners: new Map(), isLine: false, ref: undefined };

function literal(text: string): Literal {
  return { text, piece, bounded: false, before: undefined, after: undefined };
}

/** How often a literal had to be compared with the text, and how often it stood there. */
function comparisons(index: LiteralIndex, text: string): { compared: number; found: number } {
  let compared = 0;
  let found = 0;
  eachWindow(text, (window) => {
    index.scan(window, ({ text: sought }, start) => {
      compared++;
      if (text.startsWith(sought, start)) found++;
    });
  });
  return { compared, found };
}

describe('the index of literals', () => {
  test.each([4, 5, 6, 7, 8, 10, 11, 14, 15, 18, 19, 22, 23, 30, 100])(
    'finds a literal of %i characters wherever it stands',
    (length) => {
      const index = new LiteralIndex();
      const text = lot(length).text('base62', length);
      index.add(literal(text));
      for (let at = 0; at < 48; at++) {
        expect(comparisons(index, '.'.repeat(at) + text).found).toBe(1);
        expect(comparisons(index, `${'.'.repeat(at)}${text}..`).found).toBe(1);
      }
    },
  );

  test.each([
    ['a prefix', (tail: string) => `hvs.CAESIJ-the-same-for-all-${tail}`],
    ['everything around', (middle: string) => `postgres://app:${middle}@db.internal.example.com:5432/orders`],
    ['all but four digits', (_: string, number: number) => `customer-key-${String(number).padStart(4, '0')}`],
  ])('values that share %s cause no burst of comparisons where that text occurs', (_, make) => {
    const index = new LiteralIndex();
    const draw = lot(7);
    for (let number = 0; number < 2_000; number++) index.add(literal(make(draw.text('base62', 20), number)));
    const innocent = `${make('####################', 9_999)} `.repeat(100);
    expect(comparisons(index, innocent).compared).toBeLessThan(100 * 64);
    expect(comparisons(index, innocent).found).toBe(0);
    expect(comparisons(index, make(lot(7).text('base62', 20), 0)).found).toBe(1);
  });

  test('forgets what is removed, through any number of rebuildings, and finds the rest', () => {
    const index = new LiteralIndex();
    const draw = lot(3);
    const literals = Array.from({ length: 3_000 }, () => literal(draw.text('base62', 4 + draw.below(40))));
    for (const one of literals) index.add(one);
    const [kept, removed] = [
      literals.filter((_, at) => at % 3 === 0),
      literals.filter((_, at) => at % 3 !== 0),
    ];
    for (const one of removed) index.remove(one);
    expect(index.size).toBe(kept.length);
    for (const one of kept) expect(comparisons(index, `.${one.text}.`).found).toBeGreaterThanOrEqual(1);
    const keptTexts = kept.map(({ text }) => text);
    for (const { text } of removed) {
      if (!keptTexts.some((other) => text.includes(other)))
        expect(comparisons(index, `.${text}.`).found).toBe(0);
    }
    for (const one of removed) index.add(one);
    for (const one of literals) expect(comparisons(index, `.${one.text}.`).found).toBeGreaterThanOrEqual(1);
    for (const one of literals) index.remove(one);
    expect(index.size).toBe(0);
  });

  test('tells apart characters of which it sees the same byte', () => {
    const index = new LiteralIndex();
    index.add(literal('пароль-от-базы-данных'));
    const other = [...'пароль-от-базы-данных']
      .map((one) => String.fromCharCode(one.charCodeAt(0) & 0xff))
      .join('');
    expect(comparisons(index, other).found).toBe(0);
    expect(comparisons(index, 'x пароль-от-базы-данных y').found).toBe(1);
  });
});
