import type { SharedDigit } from './base64-alignments.js';

/** One exact text to look for: a form of a piece. */
export interface Literal {
  readonly text: string;
  readonly piece: Piece;
  /** Counts only where no letter, digit or underscore continues it. */
  readonly bounded: boolean;
  /** For base64: the digits at its edges that it shares with its neighbours. */
  readonly before: SharedDigit | undefined;
  readonly after: SharedDigit | undefined;
}

/**
 * A stretch of plaintext that is looked for by itself: a whole value, a part of a very long one, or a line.
 *
 * A `weak` piece is a line that proves nothing alone (`-----BEGIN PRIVATE KEY-----`, or a few characters); it
 * counts only next to the line that precedes or follows it in the value. Values that have a line in common, such
 * as certificates with their chain, share the piece.
 */
export interface Piece {
  readonly key: string;
  readonly weak: boolean;
  /** Who contains it, and on which lines; {@link WHOLE} where it is not a line. */
  readonly owners: Map<KnownValue, Set<number>>;
  /** Whether it is, or was, a line of some value. */
  isLine: boolean;
  /** What {@link refOf} found; absent when its owners or their references changed since. */
  ref: string | undefined;
}

/** In place of a line number: the piece is no line of the value. */
export const WHOLE = -1;

/** A registered plaintext. */
export interface KnownValue {
  readonly key: string;
  /** Its references, and when each is to be forgotten, on the monotonic clock; infinite while it is live. */
  readonly refs: Map<string, number>;
  readonly pieces: readonly Piece[];
}

/** The reference that a mask over `piece` names: a live one, if there is one. */
export function refOf(piece: Piece): string {
  piece.ref ??= findRef(piece);
  return piece.ref;
}

function findRef(piece: Piece): string {
  let retired = '';
  for (const { refs } of piece.owners.keys()) {
    for (const [ref, forgetAtMs] of refs) {
      if (forgetAtMs === Number.POSITIVE_INFINITY) return ref;
      retired ||= ref;
    }
  }
  return retired;
}
