import { MOST_WORDS, type TextWindow, windowView, windowWords } from '../text-window.js';

/** A literal text by which something is noticed, of three ASCII characters or more. */
export interface Anchor {
  readonly text: string;
  /** Case makes no difference; {@link text} is in lower case then. */
  readonly anyCase?: boolean;
}

interface Place<Found> {
  readonly anchor: Found;
  /** Where in the anchor the three characters stand. */
  readonly offset: number;
}

/** The pair is an anchor's, if the third character is, too. */
const PAIR = 1;
const THREE = 2;
/** Both, or the pair is an anchor's end. */
const FOUND = PAIR | THREE;

/**
 * What is marked of the pairs of characters, and of the hashes of three.
 *
 * One table for the process, at a place that the compiler knows; what another index marked costs a look-up.
 */
const pairs = new Uint8Array(65_536);
const threes = new Uint8Array(65_536);
/** Where in a window the pair of an anchor was noticed. */
const noticed = new Int32Array(MOST_WORDS * 2);

/** The commonest pairs of letters in technical English, from the commonest; `api` is in every path. */
const COMMON =
  'appithcoesinonreeritoromanseioenathedetengarhtsttittgepstpaledhalensntistoetchndubgitapemerill' +
  'hurotseclicectasratrsoncloveodparsmiacoufourmaeaicsiilopfielutaddiprusssofnompoluligrtexos' +
  'wihiampojsdacaunimuebelaagneptsutyrcvarmieefowckypmmotnaplbaxiblabhobuepirshaibiidluquwaap' +
  'purrmoemeeaxltdofaavrnrgnplyghoctuddumovdsspppnikeclruuieqldobcrifiaboevcisascuplsxpfeogfu' +
  'ippmtcftrdwhviooxtibkaaubrjetwryivixugcu';

const RANKS = new Map((COMMON.match(/../g) ?? []).map((pair, rank) => [pair, rank]));

/**
 * Notices any of many anchors in a text by looking at pairs of characters at even positions.
 *
 * An anchor of three characters or more has such a pair wherever it stands. For each parity its rarest pair is
 * marked in a table of all pairs, and with a third character in a table of hashes. So a text in which no anchor
 * occurs costs one look for two characters, however many anchors there are.
 */
export class AnchorIndex<Found extends Anchor> {
  readonly #places = new Map<number, Place<Found>[]>();

  constructor(anchors: Iterable<Found>) {
    for (const anchor of anchors) {
      this.#mark(anchor, 0);
      this.#mark(anchor, 1);
    }
  }

  /** Reports each anchor in the window of `text`, in no order. */
  scan({ length, base }: TextWindow, text: string, found: (anchor: Found, start: number) => void): void {
    const count = notice((length + 3) >> 2);
    for (let index = 0; index < count; index++) {
      const at = noticed[index] as number;
      this.#report(windowView.getUint16(at, true), base + at, text, found);
    }
  }

  #report(pair: number, at: number, text: string, found: (anchor: Found, start: number) => void): void {
    for (const { anchor, offset } of this.#places.get(pair) ?? []) {
      const start = at - offset;
      if (start >= 0 && standsAt(anchor, text, start)) found(anchor, start);
    }
  }

  #mark(anchor: Found, parity: 0 | 1): void {
    const { text, anyCase = false } = anchor;
    let offset: number = parity;
    for (let other = parity; other + 2 <= text.length; other += 2) {
      if (rarity(text, other) > rarity(text, offset)) offset = other;
    }
    const last = offset + 2 === text.length;
    for (const [first, second, third] of writtenAs(text.slice(offset, offset + 3), anyCase)) {
      const pair = (first as number) | ((second as number) << 8);
      pairs[pair] = last ? FOUND : (pairs[pair] as number) | PAIR;
      if (third !== undefined) threes[threeCode(pair | (third << 16))] = THREE;
      const places = this.#places.get(pair) ?? [];
      if (!places.some((place) => place.anchor === anchor && place.offset === offset)) {
        places.push({ anchor, offset });
      }
      this.#places.set(pair, places);
    }
  }
}

/**
 * Puts into {@link noticed} where in the window a marked pair stands, and its third character, if one is marked.
 *
 * Made by a function that runs once, so that the compiler takes the tables for constants: it halves the time.
 */
const notice = ((words: Int32Array, two: Uint8Array, three: Uint8Array, out: Int32Array) => {
  const marksOf = (four: number) => (two[four & 0xffff] as number) | (three[threeCode(four)] as number);
  return (wordCount: number): number => {
    let count = 0;
    for (let word = 0; word < wordCount; word += 2) {
      const first = words[word] as number;
      const second = words[word + 1] as number;
      const marks =
        (two[first & 0xffff] as number) |
        (two[first >>> 16] as number) |
        (two[second & 0xffff] as number) |
        (two[second >>> 16] as number);
      if (marks === 0) continue;
      const third = words[word + 2] as number;
      const all =
        marksOf(first) |
        (marksOf((first >>> 16) | (second << 16)) << 2) |
        (marksOf(second) << 4) |
        (marksOf((second >>> 16) | (third << 16)) << 6);
      const both = all & (all >>> 1) & 0b01010101;
      if (both === 0) continue;
      for (let pair = 0; pair < 4; pair++) if ((both >>> (pair * 2)) & 1) out[count++] = word * 4 + pair * 2;
    }
    return count;
  };
})(windowWords, pairs, threes, noticed);

/** Mixes three characters into sixteen bits; a fourth is ignored. The factor is 2^32 by the golden ratio. */
function threeCode(four: number): number {
  return Math.imul(four & 0xffffff, 0x9e3779b1) >>> 16;
}

/** The codes of two or three characters, in both cases where case makes no difference. */
function writtenAs(text: string, anyCase: boolean): number[][] {
  let written: number[][] = [[]];
  for (const character of text) {
    const codes = new Set([character, anyCase ? character.toUpperCase() : character]);
    written = written.flatMap((before) => Array.from(codes, (code) => [...before, code.charCodeAt(0)]));
  }
  return written;
}

function standsAt({ text: anchor, anyCase }: Anchor, text: string, start: number): boolean {
  if (anyCase !== true) return text.startsWith(anchor, start);
  return text.slice(start, start + anchor.length).toLowerCase() === anchor;
}

/** How rare the pair at `at` is in logs: its rank among the common ones; capitals and digits have logs, too. */
function rarity(text: string, at: number): number {
  const pair = text.slice(at, at + 2);
  if (/[ /]/.test(pair)) return 0;
  const rank = RANKS.get(pair);
  if (rank !== undefined) return rank;
  if (/[_~]/.test(pair)) return RANKS.size + 4;
  if (/[a-z][A-Z]/.test(pair)) return RANKS.size + 3;
  if (/[a-z]/.test(pair)) return RANKS.size + 2;
  return /[A-Z]{2}/.test(pair) ? RANKS.size : RANKS.size + 1;
}
