const ALPHABETS: Readonly<Record<string, string>> = {
  base62: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
  base64: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  url64: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
  base32: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567',
  bech32: 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L',
  upper36: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789',
  lower36: 'abcdefghijklmnopqrstuvwxyz0123456789',
  letter: 'abcdefghijklmnopqrstuvwxyz',
  hex: '0123456789abcdef',
  digit: '0123456789',
};

/** A source of characters drawn by lot, the same for the same seed. */
export interface Lot {
  below(count: number): number;
  text(alphabet: string, length: number): string;
  uuid(): string;
}

/** Draws by xorshift: repeatable, which matters here, and not secure, which does not. */
export function lot(seed: number): Lot {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1;
  const below = (count: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % count;
  };
  const text = (name: string, length: number): string => {
    const alphabet = ALPHABETS[name];
    if (alphabet === undefined) throw new Error(`there is no alphabet ${name}`);
    return Array.from({ length }, () => alphabet.charAt(below(alphabet.length))).join('');
  };
  return { below, text, uuid: () => [8, 4, 4, 4, 12].map((length) => text('hex', length)).join('-') };
}

/**
 * A token of the given format, for example `ghp_<base62:36>`.
 *
 * The last character of a drawn part is a letter or digit: `-` and `_` at the end of a token would leave open where
 * it ends.
 */
export function makeToken(format: string, draw: Lot): string {
  return format
    .replaceAll('<uuid>', () => draw.uuid())
    .replace(/<(\w+):(\d+)>/g, (_, alphabet: string, length: string) => {
      const text = draw.text(alphabet, Number(length));
      return /\w$/.test(text) && !text.endsWith('_') ? text : `${text.slice(0, -1)}7`;
    });
}
