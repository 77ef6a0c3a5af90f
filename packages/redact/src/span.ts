import type { Piece } from './known/literal.js';

/** A part of a text that must be masked. */
export interface Span {
  readonly start: number;
  /** The index after its last character. */
  readonly end: number;
  /** What the mask may say: a reference, or the id of a token shape. */
  readonly label: string;
  /** The part of a known value that was found there; absent for token shapes. */
  readonly piece?: Piece | undefined;
}

/** By start; of those that start together the longest first, so that it names the mask. */
export function inOrder(a: Span, b: Span): number {
  return a.start - b.start || b.end - a.end || (a.label < b.label ? -1 : a.label > b.label ? 1 : 0);
}
