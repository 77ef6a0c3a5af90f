import type { TextWindow } from '../text-window.js';
import { GramIndex } from './gram-index.js';
import type { Literal } from './literal.js';

/** Up to this many literals may share a gram before a quieter place is looked for. */
const FEW = 4;
/** So many literals sharing a gram are worth looking at every position of every text. */
const CROWD = 16;
const LINE_END = /[\r\n]/;

/**
 * All literals, each in the {@link GramIndex} with the widest stride in which it is found without a crowd.
 *
 * Short literals would shorten the stride for all; so there are four indexes, and a text is searched only in
 * those that hold something. Literals that differ in a few characters alone move to a narrower one, where their
 * difference fills a gram.
 */
export class LiteralIndex {
  readonly #tiers = [
    new GramIndex(16, 8),
    new GramIndex(8, 8),
    new GramIndex(4, 4),
    new GramIndex(1, 4),
  ] as const;
  readonly #homes = new Map<Literal, { readonly tier: GramIndex; readonly slot: number }>();
  #buffer = Buffer.allocUnsafeSlow(4_096);
  #bytes = new DataView(this.#buffer.buffer);

  /** The length of the longest literal that was ever in it. */
  longest = 0;

  /** How many literals have a line end in them. */
  acrossLines = 0;

  /** The length of the longest of those that was ever in it. */
  longestAcrossLines = 0;

  /** How many literals are in it. */
  get size(): number {
    return this.#homes.size;
  }

  add(literal: Literal): void {
    const { length } = literal.text;
    const bytes = this.#bytesOf(literal);
    let home: { tier: GramIndex; start: number; crowd: number } | undefined;
    for (const tier of this.#tiers) {
      if (tier.shortest > length) continue;
      if (home !== undefined && (home.crowd <= FEW || (tier.shortest === 4 && home.crowd < CROWD))) break;
      const place = tier.quietest(bytes, length, FEW);
      if (home === undefined || place.crowd < home.crowd) home = { tier, ...place };
    }
    if (home === undefined) return;
    this.#homes.set(literal, { tier: home.tier, slot: home.tier.insert(literal, bytes, home.start) });
    this.longest = Math.max(this.longest, length);
    if (LINE_END.test(literal.text)) {
      this.acrossLines++;
      this.longestAcrossLines = Math.max(this.longestAcrossLines, length);
    }
  }

  remove(literal: Literal): void {
    const home = this.#homes.get(literal);
    if (home === undefined) return;
    this.#homes.delete(literal);
    home.tier.remove(home.slot, this.#bytesOf(literal));
    if (LINE_END.test(literal.text)) this.acrossLines--;
  }

  /** Reports where in the window a literal may stand; a report must be compared with the text. */
  scan(window: TextWindow, found: (literal: Literal, start: number) => void): void {
    for (const tier of this.#tiers) if (tier.size > 0) tier.scan(window, found);
  }

  #bytesOf(literal: Literal): DataView {
    const { text } = literal;
    if (text.length > this.#buffer.length) {
      this.#buffer = Buffer.allocUnsafeSlow(text.length * 2);
      this.#bytes = new DataView(this.#buffer.buffer);
    }
    this.#buffer.write(text, 0, 'latin1');
    return this.#bytes;
  }
}
