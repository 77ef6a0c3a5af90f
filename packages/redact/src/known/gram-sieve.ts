import { MOST_WORDS, type TextWindow, windowView, windowWords } from '../text-window.js';

/** Takes the grams of a window that pass a filter of which `shift` leaves the index; returns how many did. */
type Sieve = (window: TextWindow, filter: Int32Array, shift: number, step: number) => number;

/** What the last sieve let through: where in the window, and the hashes. */
export const sieved = {
  positions: new Int32Array(MOST_WORDS * 4),
  hashes: new Int32Array(MOST_WORDS * 4),
};

/*
 * The numbers stand in the functions, not in constants beside them: what builds the package makes variables of those,
 * and the loops pay for reading them.
 *
 * 0x20 is set in each byte of a gram: `A` and `a` become the same, and a few signs are mixed up, which costs a
 * comparison. The factors are odd with well-spread bits: 2^32 by the golden ratio, and one of Murmur3's finalizer.
 */

/** The hash of a gram of four characters. */
export function narrowHash(gram: number): number {
  return Math.imul(gram | 0x20202020, 0x9e3779b1);
}

/** The hash of a gram of eight characters. */
export function wideHash(first: number, second: number): number {
  return (Math.imul(first | 0x20202020, 0x9e3779b1) + Math.imul(second | 0x20202020, 0xc2b2ae35)) | 0;
}

/** The two bits of a hash within its word of the filter. */
export function filterBits(hash: number): number {
  return (1 << (hash >>> 4)) | (1 << (hash >>> 9));
}

/** Which of the two bits of `hash` the filter lacks; zero when the gram may be one that is looked for. */
function lacking(filter: Int32Array, shift: number, hash: number): number {
  return ~(filter[hash >>> shift] as number) & filterBits(hash);
}

/**
 * The three loops in which the time of a search is spent. Each takes two grams at a time, with one branch for both;
 * the second of the last two may lie beyond the window, in old bytes, which the comparison with the text sorts out.
 *
 * Made by a function that runs once, so that the compiler takes the arrays for constants: it halves the time.
 */
const sieves = ((words: Int32Array, view: DataView, positions: Int32Array, hashes: Int32Array) => {
  const wide: Sieve = ({ length }, filter, shift, step) => {
    let count = 0;
    const last = (length >> 2) - 2;
    for (let word = 0; word <= last; word += step * 2) {
      const second = word + step;
      const firstHash = wideHash(words[word] as number, words[word + 1] as number);
      const secondHash = wideHash(words[second] as number, words[second + 1] as number);
      const firstLacks = lacking(filter, shift, firstHash);
      const secondLacks = lacking(filter, shift, secondHash);
      if (firstLacks !== 0 && secondLacks !== 0) continue;
      if (firstLacks === 0) {
        positions[count] = word * 4;
        hashes[count++] = firstHash;
      }
      if (secondLacks === 0) {
        positions[count] = second * 4;
        hashes[count++] = secondHash;
      }
    }
    return count;
  };
  const narrow: Sieve = ({ length }, filter, shift, step) => {
    let count = 0;
    const last = (length >> 2) - 1;
    for (let word = 0; word <= last; word += step * 2) {
      const second = word + step;
      const firstHash = narrowHash(words[word] as number);
      const secondHash = narrowHash(words[second] as number);
      const firstLacks = lacking(filter, shift, firstHash);
      const secondLacks = lacking(filter, shift, secondHash);
      if (firstLacks !== 0 && secondLacks !== 0) continue;
      if (firstLacks === 0) {
        positions[count] = word * 4;
        hashes[count++] = firstHash;
      }
      if (secondLacks === 0) {
        positions[count] = second * 4;
        hashes[count++] = secondHash;
      }
    }
    return count;
  };
  const each: Sieve = ({ length, margin }, filter, shift) => {
    let count = 0;
    const last = Math.min(length - 1, length + margin - 4);
    for (let position = 0; position <= last; position += 2) {
      const firstHash = narrowHash(view.getInt32(position, true));
      const secondHash = narrowHash(view.getInt32(position + 1, true));
      const firstLacks = lacking(filter, shift, firstHash);
      const secondLacks = lacking(filter, shift, secondHash);
      if (firstLacks !== 0 && secondLacks !== 0) continue;
      if (firstLacks === 0) {
        positions[count] = position;
        hashes[count++] = firstHash;
      }
      if (secondLacks === 0) {
        positions[count] = position + 1;
        hashes[count++] = secondHash;
      }
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
