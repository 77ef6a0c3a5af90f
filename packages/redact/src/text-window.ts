import { endianness } from 'node:os';

/** Fits the first-level cache; a multiple of every stride, so that sampled positions continue across windows. */
const WINDOW_CHARS = 32_768;
/** Copied beyond the window's end, for what looks at characters after a position. */
const MARGIN_CHARS = 8;
/** Never written: what reads two places at a time may read beyond the margin. */
const SLACK_CHARS = 64;
const LITTLE_ENDIAN = endianness() === 'LE';

const buffer = Buffer.alloc(WINDOW_CHARS + MARGIN_CHARS + SLACK_CHARS);
const view = new DataView(buffer.buffer);

/**
 * The characters of the window in groups of four, the first being the lowest byte on every host.
 *
 * There is one window for all, at a place that the compiler knows: the loops over it take half the time of loops
 * over an array that they are given.
 */
export const windowWords = LITTLE_ENDIAN ? new Int32Array(buffer.buffer) : new Int32Array(buffer.length / 4);
/** The characters of the window, for reading four from any position. */
export const windowView = view;

/** The most words that a window can have. */
export const MOST_WORDS = windowWords.length;

/** What part of a text is in the window. */
export interface TextWindow {
  /** How many characters. */
  length: number;
  /** How many characters beyond its end follow there, which belong to the next window. */
  margin: number;
  /** The index in the text of its first character. */
  base: number;
}

const shared: TextWindow = { length: 0, margin: 0, base: 0 };

/**
 * Shows `text` to `look`, window by window, one byte for each character.
 *
 * Characters keep their index, whatever they are, because of each the low byte is taken. Two can look the same; so
 * what is found must be compared with the text. Beyond the text's end old bytes remain. `look` must not show
 * another text.
 */
export function eachWindow(text: string, look: (window: TextWindow) => void): void {
  for (let base = 0; base < text.length; base += WINDOW_CHARS) {
    const end = Math.min(text.length, base + WINDOW_CHARS);
    const copyEnd = Math.min(text.length, end + MARGIN_CHARS);
    buffer.write(base === 0 && copyEnd === text.length ? text : text.slice(base, copyEnd), 0, 'latin1');
    if (!LITTLE_ENDIAN)
      windowWords.forEach((_, at) => void windowWords.set([view.getInt32(at * 4, true)], at));
    shared.base = base;
    shared.length = end - base;
    shared.margin = copyEnd - end;
    look(shared);
  }
}
