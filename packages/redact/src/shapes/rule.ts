import type { KeyTest } from '../keys/sensitive-keys.js';
import type { Span } from '../span.js';
import type { Anchor } from './anchor-index.js';

/** Judges what stands at an anchor. It decides from the text alone, never from what other rules found. */
export interface Rule extends Anchor {
  /**
   * @param start where the anchor stands in `text`
   * @param isSensitive which names are a secret's
   */
  find(text: string, start: number, isSensitive: KeyTest): Finding | undefined;
}

/** What a rule found. */
export interface Finding {
  /** The part to mask; absent when that cannot be told yet. */
  readonly span: Span | undefined;
  /** The text on which that was decided. */
  readonly start: number;
  readonly end: number;
  /** The text ended where it might have gone on over further lines. */
  readonly open?: boolean;
}
