import { MOST_WORDS, type TextWindow, windowView, windowWords } from '../text-window.js';

/** Set in each byte of a gram: makes `A` and `a` the same, and mixes up a few signs, which costs a comparison. */
const FOLD = 0x20202020;
/** Odd constants with well-spread bits: 2^32 divided by the golden ratio, and the second of Murmur3's finalizer. */
const SPREAD = 0x9e3779b1;
const SPREAD_SECOND = 0xc2b2ae35;

/** Takes the grams of a window that pass a filter of which `shift` leaves the index; returns how many did. */
type Sieve = (window: TextWindow, filter: Int32Array, shift: number, step: number) => number;

/** What the last sieve let through: where in the window, and the hashes. */
export const sieved = {
  positions: new Int32Array(MOST_WORDS * 4),
  hashes: new Int32Array(MOST_WORDS * 4),
};

/** The hash of a gram of four characters. */
export function narrowHash(gram: number): number {
  return Math.imul(gram | FOLD, SPREAD);
}

/** The hash of a gram of eight characters. */
export function wideHash(first: number, second: number): number {
  return (Math.imul(first | FOLD, SPREAD) + Math.imul(second | FOLD, SPREAD_SECOND)) | 0;
}

/** The two bits of a hash within its word of the filter. */
export function filterBits(hash: number): number {
  return (1 << (hash >>> 4)) | (1 << (hash >>> 9));
}

/**
 * The three loops in which the time of a search is spent.
 *
 * Made by a function that runs once, so that the compiler takes the arrays for constants: it halves the time.
 */
const sieves = ((words: Int32Array, view: DataView, positions: Int32Array, hashes: Int32Array) => {
  const wide: Sieve = ({ length }, filter, shift, step) => {
    let count = 0;
    const last = (length >> 2) - 2;
    for (let word = 0; word <= last; word += step) {
      const hash = wideHash(words[word] as number, words[word + 1] as number);
      const bits = filterBits(hash);
      if (((filter[hash >>> shift] as number) & bits) !== bits) continue;
      positions[count] = word * 4;
      hashes[count++] = hash;
    }
    return count;
  };
  const narrow: Sieve = ({ length }, filter, shift, step) => {
    let count = 0;
    const last = (length >> 2) - 1;
    for (let word = 0; word <= last; word += step) {
      const hash = narrowHash(words[word] as number);
      const bits = filterBits(hash);
      if (((filter[hash >>> shift] as number) & bits) !== bits) continue;
      positions[count] = word * 4;
      hashes[count++] = hash;
    }
    return count;
  };
  const each: Sieve = ({ length, margin }, filter, shift) => {
    let count = 0;
    const last = Math.min(length - 1, length + margin - 4);
    for (let position = 0; position <= last; position++) {
      const hash = narrowHash(view.getInt32(position, true));
      const bits = filterBits(hash);
      if (((filter[hash >>> shift] as number) & bits) !== bits) continue;
      positions[count] = position;
      hashes[count++] = hash;
    }
    return count;
  };
  return { wide, narrow, each };
})(windowWords, windowView, sieved.positions, sieved.hashes);

/** Samples grams of eight characters, every `step` words. */
export const sieveWide: Sieve = sieves.wide;
/** Samples grams of four characters, every `step` words. */
export const sieveNarrow: Sieve = sieves.narrow;
/** Takes the gram of four at every position, for literals too short to skip any; also across the window's end. */
export const sieveEach: Sieve = sieves.each;
