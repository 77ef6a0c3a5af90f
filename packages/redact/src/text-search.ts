import { collectHits, type Hit, settleHits } from './known/known-hits.js';
import { joinEnd, LONGEST_JOIN } from './known/line-joins.js';
import type { LiteralIndex } from './known/literal-index.js';
import type { Mask } from './mask.js';
import type { Finding } from './shapes/rule.js';
import type { ShapeFinder } from './shapes/shape-finder.js';
import { LONGEST_LOOK_BACK, LONGEST_SHAPE } from './shapes/token-shape.js';
import { inOrder, type Span } from './span.js';
import { eachWindow, type TextWindow } from './text-window.js';
import { LONGEST_ESCAPE } from './word.js';

const NOTHING: readonly Span[] = [];
const NO_INDEXES: readonly LiteralIndex[] = [];
/** No form of a value that is masked as a word only is longer: seven characters, each as nine. */
const LONGEST_WORD = 64;

/** What is to be masked in a text, and how far that is certain while the text goes on. */
export interface Certainty {
  readonly spans: readonly Span[];
  /** What begins before this index stays as it is, whatever follows. */
  readonly settled: number;
}

/**
 * Finds everything in a text that must be masked.
 *
 * Whether something is masked depends on the text near it alone. That is what makes a stream, cut anywhere, come
 * out like the whole.
 */
export class TextSearch {
  readonly #indexes: () => readonly LiteralIndex[];
  readonly #shapes: ShapeFinder | undefined;
  readonly #mask: Mask;
  readonly #beforehand: () => void;
  #text = '';
  #searched = NO_INDEXES;
  #hits: Hit[] = [];
  #findings: Finding[] = [];

  /**
   * @param indexes the literals to look for, which may differ from one search to the next
   * @param beforehand called before each search: forgets what is due
   */
  constructor(
    indexes: () => readonly LiteralIndex[],
    shapes: ShapeFinder | undefined,
    mask: Mask,
    beforehand: () => void,
  ) {
    this.#beforehand = beforehand;
    this.#indexes = indexes;
    this.#shapes = shapes;
    this.#mask = mask;
  }

  /** The spans to mask in `text`, in order; they may overlap. */
  find(text: string): readonly Span[] {
    this.#collect(text);
    if (this.#hits.length === 0 && this.#findings.length === 0) return NOTHING;
    return this.#settle(text);
  }

  /**
   * The spans of `text`, which may go on, and how much of them is certain.
   *
   * Nothing but a private key, the lines of a known value and a value with a line end in it reaches beyond a line
   * end. So a complete line is certain at once; of one that goes on, what lies further back than anything reaches.
   */
  findSoFar(text: string): Certainty {
    const spans = this.find(text);
    const indexes = this.#indexes();
    const longest = longestOf(indexes);
    const lineStart = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1;
    let settled = Math.max(0, lineStart, text.length - this.#reach);
    for (const { acrossLines, longestAcrossLines } of indexes) {
      if (acrossLines > 0)
        settled = Math.max(0, Math.min(settled, text.length - longestAcrossLines - LONGEST_WORD));
    }
    for (const { open, start } of this.#findings) if (open) settled = Math.min(settled, start);
    for (const { start, end, piece } of this.#hits) {
      if (start >= settled || !piece.isLine) continue;
      const next = joinEnd(text, end);
      if (next >= lineStart && next + longest > text.length) settled = start;
    }
    return { spans, settled };
  }

  /** How far before a character lies what may decide about it. */
  get lookBehind(): number {
    return this.#linesReach + LONGEST_LOOK_BACK + this.#mask.longest + LONGEST_ESCAPE;
  }

  /** How far after a character, on the same line, lies what may decide about it. */
  get #reach(): number {
    const shapes = this.#shapes === undefined ? 0 : LONGEST_SHAPE + LONGEST_LOOK_BACK;
    return Math.max(this.#linesReach, shapes) + this.#mask.longest + LONGEST_ESCAPE;
  }

  get #linesReach(): number {
    return 2 * longestOf(this.#indexes()) + LONGEST_JOIN;
  }

  /** Whether what follows `text` does not depend on it, because it ends with a line end. */
  isAfresh(text: string): boolean {
    return this.#indexes().every(({ acrossLines }) => acrossLines === 0) && /[\r\n]$/.test(text);
  }

  #collect(text: string): void {
    this.#beforehand();
    const indexes = this.#indexes();
    if (this.#hits.length > 0) this.#hits = [];
    if (this.#findings.length > 0) this.#findings = [];
    this.#text = text;
    this.#searched = indexes;
    eachWindow(text, this.#look);
    this.#text = '';
    this.#searched = NO_INDEXES;
  }

  readonly #look = (window: TextWindow): void => {
    for (const index of this.#searched)
      if (index.size > 0) collectHits(index, window, this.#text, this.#hits);
    this.#shapes?.collect(window, this.#text, this.#findings);
  };

  #settle(text: string): Span[] {
    const spans: Span[] = [];
    for (const { span } of this.#mask.clear(text, this.#findings, true))
      if (span !== undefined) spans.push(span);
    return this.#hits.length === 0
      ? spans.sort(inOrder)
      : settleHits(text, this.#mask.clear(text, this.#hits), spans);
  }
}

function longestOf(indexes: readonly LiteralIndex[]): number {
  return indexes.reduce((most, { longest }) => Math.max(most, longest), 0);
}
