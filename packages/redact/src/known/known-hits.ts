import { inOrder, type Span } from '../span.js';
import type { TextWindow } from '../text-window.js';
import { startsWord } from '../word.js';
import { holdsDigit } from './base64-alignments.js';
import { joinLines } from './line-joins.js';
import { type Literal, type Piece, refOf, WHOLE } from './literal.js';
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
 * @param others what else will be masked
 */
export function settleHits(text: string, hits: readonly Hit[], others: readonly Span[]): Span[] {
  const spans: Span[] = [...others];
  const lines = hits.filter(({ piece }) => isLine(piece));
  const { joined, gaps } = lines.length > 1 ? joinLines(text, lines) : { joined: new Set(), gaps: [] };
  for (const hit of hits) {
    if (hit.piece.weak ? joined.has(hit) : !hit.literal.bounded) spans.push(hit);
  }
  spans.push(...gaps);
  const bounded = hits.filter(({ literal, piece }) => literal.bounded && !piece.weak);
  if (bounded.length > 0) {
    const starts = new Set(spans.map(({ start }) => start));
    const ends = new Set(spans.map(({ end }) => end));
    for (const hit of bounded) {
      const opens = startsWord(text, hit.start) || ends.has(hit.start);
      const closes = startsWord(text, hit.end) || starts.has(hit.end);
      if (opens && closes) spans.push(hit);
    }
  }
  return spans.sort(inOrder);
}

/** Whether `piece` is a line of some value. */
export function isLine(piece: Piece): boolean {
  for (const lines of piece.owners.values()) {
    for (const line of lines) if (line !== WHOLE) return true;
  }
  return false;
}
