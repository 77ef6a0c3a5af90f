import { LONGEST_SHAPE } from './token-shape.js';

const QUOTE = /\\{0,3}["']/y;

/** The quote that stands at `at`, with the backslashes that JSON inside JSON puts before it; empty if none does. */
export function quoteAt(text: string, at: number): string {
  QUOTE.lastIndex = at;
  return QUOTE.exec(text)?.[0] ?? '';
}

/**
 * Where the text that began after `quote` ends: before the same quote, or with the line where that is cut short.
 *
 * Each level of nesting doubles the backslashes and adds one, so a quote within the text has more of them, and a
 * backslash at its end an even number of times as many: of `n` backslashes before the closing quote, `n` modulo
 * twice the power of two above is the number of those before the opening one.
 */
export function quotedEnd(text: string, start: number, quote: string): number {
  const limit = Math.min(text.length, start + LONGEST_SHAPE);
  const mark = quote.charCodeAt(quote.length - 1);
  const depth = quote.length - 1;
  let backslashes = 0;
  for (let at = start; at < limit; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x0a || code === 0x0d) return at;
    if (code === mark && backslashes % ((depth + 1) * 2) === depth) return at - depth;
    backslashes = code === 0x5c ? backslashes + 1 : 0;
  }
  return limit;
}

/**
 * The inside of the string that stands at `at` in JSON whose quote is `quote`; of an array of strings, all from
 * the first to the last. Numbers stay, because a mask in their place would make the line unreadable as JSON.
 */
export function valueInJson(
  text: string,
  at: number,
  quote: string,
): { start: number; end: number } | undefined {
  const first = text[at] === '[' ? at + 1 : at;
  if (!text.startsWith(quote, first)) return undefined;
  const start = first + quote.length;
  let end = quotedEnd(text, start, quote);
  while (first > at && text.startsWith(`${quote},${quote}`, end) && end - at < LONGEST_SHAPE) {
    end = quotedEnd(text, end + quote.length * 2 + 1, quote);
  }
  return { start, end };
}
