import { inOrder, type Span } from '../span.js';
import type { TextWindow } from '../text-window.js';
import { startsWord } from '../word.js';
import { holdsDigit } from './base64-alignments.js';
import { joinLines } from './line-joins.js';
import { type Literal, type Piece, refOf } from './literal.js';
import type { LiteralIndex } from './literal-index.js';

/** A literal that stands in a text. */
export interface Hit extends Span {
  readonly literal: Literal;
  readonly piece: Piece;
}

/** Adds to `hits` each literal that stands in `text` and whose sampled gram lies in the window. */
export function collectHits(index: LiteralIndex, window: TextWindow, text: string, hits: Hit[]): void {
  index.scan(window, (literal, start) => {
    if (start < 0 || !text.startsWith(literal.text, start)) return;
    const end = start + literal.text.length;
    hits.push({
      start: holdsDigit(text, start - 1, literal.before) ? start - 1 : start,
      end: holdsDigit(text, end, literal.after) ? end + 1 : end,
      label: refOf(literal.piece),
      piece: literal.piece,
      literal,
    });
  });
}

/**
 * What of `hits` counts, in order.
 *
 * A short value counts as a word of its own only. A part of the text that is masked anyway ends a word, because
 * its mask will; otherwise a second pass over the output would find more than the first.
 *
 * @param others what else will be masked; the result is added to it
 */
export function settleHits(text: string, hits: readonly Hit[], others: Span[]): Span[] {
  const spans = others;
  const lines: Hit[] = [];
  const words: Hit[] = [];
  for (const hit of hits) {
    if (hit.piece.isLine) lines.push(hit);
    if (hit.piece.weak) continue;
    if (hit.literal.bounded) words.push(hit);
    else spans.push(hit);
  }
  if (lines.length > 1) {
    const { joined, gaps } = joinLines(text, lines);
    for (const hit of joined) if (hit.piece.weak) spans.push(hit);
    for (const gap of gaps) spans.push(gap);
  }
  if (words.length > 0) for (const hit of wordsAmong(text, words, spans)) spans.push(hit);
  return spans.length > 1 ? spans.sort(inOrder) : spans;
}

/** Those of `hits` that are a word of their own, or are made one by what else is masked. */
function wordsAmong(text: string, hits: readonly Hit[], masked: readonly Span[]): Hit[] {
  const starts = new Set(masked.map(({ start }) => start));
  const ends = new Set(masked.map(({ end }) => end));
  return hits.filter(
    ({ start, end }) =>
      (startsWord(text, start) || ends.has(start)) && (startsWord(text, end) || starts.has(end)),
  );
}
