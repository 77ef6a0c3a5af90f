import type { TextWindow } from '../text-window.js';
import { filterBits, narrowHash, sieved, sieveEach, sieveNarrow, sieveWide, wideHash } from './gram-sieve.js';
import type { Literal } from './literal.js';

const EMPTY = -1;
const VACATED = -2;
/** Crowds are counted up to here. */
const MOST_CROWD = 64;
const SMALLEST_TABLE = 256;
/** Bits of the filter for each slot of the table, which is at most 5/8 full: few enough to stay in the cache. */
const FILTER_BITS_PER_SLOT = 4;
/**
 * Finds literals of at least {@link GramIndex.shortest} characters in a text by looking at one gram in each stride.
 *
 * Of every literal the grams at `stride` consecutive offsets are stored. A text is sampled at every position that
 * is a multiple of `stride`; wherever the literal stands, one of the sampled positions falls on one of those
 * offsets. So the number of look-ups depends on the text's length alone, never on how many literals there are.
 *
 * A sample first meets a filter (two bits within one 32-bit word), then an open-addressing table of gram hashes,
 * and only then the caller, who compares the text itself. Letters are folded to lower case in the grams, so that
 * both spellings of hexadecimal share theirs.
 */
export class GramIndex {
  /** The length from which on a literal fits: it must contain a whole sampled gram wherever it stands. */
  readonly shortest: number;
  readonly #stride: number;
  readonly #strideBits: number;
  readonly #gramBytes: number;
  readonly #literals: (Literal | undefined)[] = [];
  readonly #starts: number[] = [];
  readonly #free: number[] = [];
  /** For entry `literal × stride + k`, the next entry whose gram has the same hash. */
  #next = new Int32Array(0);
  #hashes = new Int32Array(SMALLEST_TABLE);
  #heads = new Int32Array(SMALLEST_TABLE).fill(EMPTY);
  #filter = new Int32Array((SMALLEST_TABLE * FILTER_BITS_PER_SLOT) / 32);
  #slotShift = 32 - Math.log2(SMALLEST_TABLE);
  #filterShift = 32 - Math.log2((SMALLEST_TABLE * FILTER_BITS_PER_SLOT) / 32);
  #used = 0;
  #vacated = 0;

  constructor(stride: 1 | 4 | 8 | 16, gramBytes: 4 | 8) {
    this.#stride = stride;
    this.#strideBits = Math.log2(stride);
    this.#gramBytes = gramBytes;
    this.shortest = stride + gramBytes - 1;
  }

  /** How many literals are in it. */
  get size(): number {
    return this.#literals.length - this.#free.length;
  }

  /**
   * The place in `bytes` whose grams are shared with the fewest literals, and with how many at the worst.
   *
   * Values with a common prefix or host name would otherwise all be compared wherever that text occurs. The end
   * is tried first, because tokens begin alike and end at random.
   *
   * @param enough the first place that is no worse than this is taken
   */
  quietest(
    bytes: DataView,
    length: number,
    enough: number,
  ): { readonly start: number; readonly crowd: number } {
    const last = length - this.shortest;
    const pace = Math.max(1, Math.ceil(last / 24));
    let best = { start: last, crowd: Number.POSITIVE_INFINITY };
    for (let start = last; start >= 0; start -= pace) {
      const crowd = this.#crowdAt(bytes, start, Math.min(best.crowd, MOST_CROWD));
      if (crowd < best.crowd) best = { start, crowd };
      if (crowd <= enough) break;
    }
    return best;
  }

  /** Stores the grams of `literal`, whose low bytes are `bytes`, at the offsets from `start` on. */
  insert(literal: Literal, bytes: DataView, start: number): number {
    if ((this.#used + this.#stride) * 8 > this.#heads.length * 5) this.#rebuild();
    const slot = this.#free.pop() ?? this.#literals.length;
    this.#literals[slot] = literal;
    this.#starts[slot] = start;
    const entry = slot * this.#stride;
    if (entry + this.#stride > this.#next.length) this.#next = enlarged(this.#next, entry + this.#stride);
    for (let k = 0; k < this.#stride; k++) this.#link(this.#hashAt(bytes, start + k), entry + k);
    return slot;
  }

  /** Takes out what {@link insert} stored under `slot`. */
  remove(slot: number, bytes: DataView): void {
    const start = this.#starts[slot] as number;
    for (let k = 0; k < this.#stride; k++)
      this.#unlink(this.#hashAt(bytes, start + k), slot * this.#stride + k);
    this.#literals[slot] = undefined;
    this.#free.push(slot);
    if (this.#vacated > SMALLEST_TABLE && this.#vacated * 2 > this.#used) this.#rebuild();
  }

  /** Reports each place in the window where a literal may stand; the caller compares the text. */
  scan(window: TextWindow, found: (literal: Literal, start: number) => void): void {
    const sieve = this.#gramBytes === 8 ? sieveWide : this.#stride === 1 ? sieveEach : sieveNarrow;
    const count = sieve(window, this.#filter, this.#filterShift, this.#stride >> 2);
    for (let index = 0; index < count; index++) {
      this.#report(sieved.hashes[index] as number, window.base + (sieved.positions[index] as number), found);
    }
  }

  #report(hash: number, position: number, found: (literal: Literal, start: number) => void): void {
    const slot = this.#slotOf(hash);
    for (let entry = this.#heads[slot] as number; entry >= 0; entry = this.#next[entry] as number) {
      const at = entry >>> this.#strideBits;
      const offset = (this.#starts[at] as number) + (entry & (this.#stride - 1));
      found(this.#literals[at] as Literal, position - offset);
    }
  }

  #hashAt(bytes: DataView, at: number): number {
    const first = bytes.getInt32(at, true);
    return this.#gramBytes === 8 ? wideHash(first, bytes.getInt32(at + 4, true)) : narrowHash(first);
  }

  #crowdAt(bytes: DataView, start: number, worst: number): number {
    const first = bytes.getInt32(start, true);
    // A run of one character is what padding and empty images are made of.
    let crowd = first === Math.imul(first & 0xff, 0x01010101) ? 8 : 0;
    for (let k = 0; k < this.#stride && crowd < worst; k++) {
      let sharing = 0;
      let entry = this.#heads[this.#slotOf(this.#hashAt(bytes, start + k))] as number;
      for (; entry >= 0 && sharing < worst; entry = this.#next[entry] as number) sharing++;
      crowd = Math.max(crowd, sharing);
    }
    return crowd;
  }

  /** The table's slot of `hash`, or the empty one where it would go. */
  #slotOf(hash: number): number {
    const mask = this.#heads.length - 1;
    let slot = hash >>> this.#slotShift;
    while (this.#heads[slot] !== EMPTY && this.#hashes[slot] !== hash) slot = (slot + 1) & mask;
    return slot;
  }

  #link(hash: number, entry: number): void {
    const slot = this.#slotOf(hash);
    const head = this.#heads[slot] as number;
    if (head === EMPTY) this.#used++;
    if (head === VACATED) this.#vacated--;
    this.#next[entry] = head >= 0 ? head : EMPTY;
    this.#hashes[slot] = hash;
    this.#heads[slot] = entry;
    this.#mark(hash);
  }

  #unlink(hash: number, entry: number): void {
    const slot = this.#slotOf(hash);
    const after = this.#next[entry] as number;
    if (this.#heads[slot] === entry) {
      this.#heads[slot] = after >= 0 ? after : VACATED;
      if (after < 0) this.#vacated++;
      return;
    }
    let before = this.#heads[slot] as number;
    while (this.#next[before] !== entry) before = this.#next[before] as number;
    this.#next[before] = after;
  }

  #mark(hash: number): void {
    const word = hash >>> this.#filterShift;
    this.#filter[word] = (this.#filter[word] as number) | filterBits(hash);
  }

  /** Sizes table and filter to what is in use and drops what was vacated. */
  #rebuild(): void {
    const hashes = this.#hashes;
    const heads = this.#heads;
    let slots = SMALLEST_TABLE;
    while ((this.#used - this.#vacated + this.#stride) * 16 > slots * 5) slots *= 2;
    this.#hashes = new Int32Array(slots);
    this.#heads = new Int32Array(slots).fill(EMPTY);
    this.#filter = new Int32Array((slots * FILTER_BITS_PER_SLOT) / 32);
    this.#slotShift = 32 - Math.log2(slots);
    this.#filterShift = 32 - Math.log2((slots * FILTER_BITS_PER_SLOT) / 32);
    this.#used = 0;
    this.#vacated = 0;
    for (let old = 0; old < heads.length; old++) {
      const head = heads[old] as number;
      if (head < 0) continue;
      const hash = hashes[old] as number;
      const slot = this.#slotOf(hash);
      this.#hashes[slot] = hash;
      this.#heads[slot] = head;
      this.#used++;
      this.#mark(hash);
    }
  }
}

function enlarged(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(64, length * 2));
  larger.set(array);
  return larger;
}
