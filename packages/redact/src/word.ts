const ESCAPE_END = /(?:\\[bfnrt]|\\x[\dA-Fa-f]{2}|\\u[\dA-Fa-f]{4}|%[\dA-Fa-f]{2})$/;

/** How far {@link startsWord} looks back, in characters. */
export const LONGEST_ESCAPE = 6;

/**
 * Whether no word runs from before `at` across it.
 *
 * A word is letters, digits and underscores of ASCII; beyond it nothing is a word, which masks more and lets
 * bytes and characters be treated alike. Nor is the end of an escaped line end or space (`\n`, `%20`).
 */
export function startsWord(text: string, at: number): boolean {
  if (at <= 0 || at >= text.length) return true;
  if (!isWord(text.charCodeAt(at - 1)) || !isWord(text.charCodeAt(at))) return true;
  return ESCAPE_END.test(text.slice(Math.max(0, at - LONGEST_ESCAPE), at));
}

/** Whether a character belongs to a word. */
export function isWord(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    code === 0x5f ||
    (code >= 0x61 && code <= 0x7a)
  );
}
