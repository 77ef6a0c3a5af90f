import { describe, expect, test } from 'vitest';
import { AnchorIndex } from '../src/shapes/anchor-index.js';
import { TOKEN_TABLE } from '../src/shapes/token-table.js';
import { eachWindow } from '../src/text-window.js';

const anchors = [
  ...TOKEN_TABLE.map(({ prefix }) => ({ text: prefix, anyCase: false })),
  ...['token', 'api_key', 'authorization', 'pwd', 'sig=', '://', '-----begin '].map((text) => ({
    text,
    anyCase: true,
  })),
];
const index = new AnchorIndex(anchors);

function places(text: string, sought: string): number[] {
  const found: number[] = [];
  eachWindow(text, (window) => {
    index.scan(window, text, (anchor, start) => {
      if (anchor.text === sought) found.push(start);
    });
  });
  return found;
}

describe('the index of anchors', () => {
  test.each(anchors.map(({ text, anyCase }) => [text, anyCase] as const))(
    'notices %j wherever it stands',
    (text, anyCase) => {
      const spellings = anyCase
        ? [text, text.toUpperCase(), text.replace(/[a-z]/, (first) => first.toUpperCase())]
        : [text];
      for (const spelling of spellings) {
        for (let at = 0; at < 9; at++) {
          expect(places(`${'.'.repeat(at)}${spelling}`, text)).toContain(at);
          expect(places(`${'.'.repeat(at)}${spelling}.....`, text)).toContain(at);
        }
      }
    },
  );

  test('notices an anchor across the end of a window', () => {
    for (let at = 32_755; at < 32_775; at++) {
      expect(places(`${'.'.repeat(at)}github_pat_x`, 'github_pat_')).toContain(at);
      expect(places(`${'.'.repeat(at)}eyJ`, 'eyJ')).toContain(at);
    }
  });

  test('notices nothing that is not there', () => {
    expect(places('ghp is a word, and so is token_', 'ghp_')).toEqual([]);
    expect(places('TOKE N', 'token')).toEqual([]);
    expect(places('GHP_', 'ghp_')).toEqual([]);
  });
});
