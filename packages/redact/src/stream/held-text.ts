import type { Mask } from '../mask.js';
import type { Span } from '../span.js';
import type { TextSearch } from '../text-search.js';

/**
 * Masks a text that arrives in pieces, cut anywhere, as if it had come at once.
 *
 * It gives out what is certain and holds back the rest. Some of what it gave out it keeps, because what follows
 * may depend on it.
 */
export class HeldText {
  readonly #search: TextSearch;
  readonly #mask: Mask;
  readonly #report: (spans: readonly Span[]) => void;
  #text = '';
  /** What begins before this index in the text has been dealt with. */
  #settled = 0;
  /** What lies before this index has been given out, or is covered by a mask that was. */
  #done = 0;
  /** The last thing given out is a mask, and it reaches to {@link #done}. */
  #inMask = false;

  constructor(search: TextSearch, mask: Mask, report: (spans: readonly Span[]) => void) {
    this.#search = search;
    this.#mask = mask;
    this.#report = report;
  }

  /** Whether something is held back. */
  get holding(): boolean {
    return this.#done < this.#text.length;
  }

  /** Takes the next piece and returns what can be given out. */
  push(piece: string): string {
    if (piece === '') return '';
    this.#text += piece;
    const { spans, settled } = this.#search.findSoFar(this.#text);
    return this.#giveOut(spans, Math.max(settled, this.#settled));
  }

  /** Returns all that is held back, as if the text ended here. It may go on; what was cut is not recognized. */
  flush(): string {
    if (!this.holding) return '';
    return this.#giveOut(this.#search.find(this.#text), this.#text.length);
  }

  #giveOut(spans: readonly Span[], settled: number): string {
    const text = this.#text;
    const due = spans.filter(({ start }) => start >= this.#settled && start < settled);
    let out = '';
    for (const { start, end, label } of due) {
      if (start > this.#done || !this.#inMask) {
        out += text.slice(this.#done, start) + this.#mask.over(label);
        this.#done = start;
        this.#inMask = true;
      }
      this.#done = Math.max(this.#done, end);
    }
    if (settled > this.#done) {
      out += text.slice(this.#done, settled);
      this.#done = settled;
      this.#inMask = false;
    }
    this.#settled = settled;
    this.#forget();
    if (due.length > 0) this.#report(due);
    return out;
  }

  /** Drops what nothing that follows can depend on. */
  #forget(): void {
    const kept = this.#search.isAfresh(this.#text) && !this.holding ? 1 : this.#search.lookBehind;
    const start = Math.min(this.#settled, this.#done) - kept;
    if (start <= 0) return;
    this.#text = this.#text.slice(start);
    this.#settled -= start;
    this.#done -= start;
  }
}
