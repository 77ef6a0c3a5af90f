/** What is known of a base64 digit that the bytes share with their neighbour. */
export interface SharedDigit {
  readonly mask: number;
  readonly bits: number;
}

/** How some bytes look within the base64 of a longer text. */
export interface AlignedBase64 {
  /** The digits that the bytes determine alone. */
  readonly digits: string;
  /** The digit before them, of which some bits are theirs; absent where the alignment leaves none. */
  readonly before: SharedDigit | undefined;
  readonly after: SharedDigit | undefined;
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const DIGIT_VALUES = new Int8Array(128).fill(-1);
for (const [value, digit] of [...DIGITS].entries()) DIGIT_VALUES[digit.charCodeAt(0)] = value;
DIGIT_VALUES['-'.charCodeAt(0)] = 62;
DIGIT_VALUES['_'.charCodeAt(0)] = 63;

/**
 * The three ways in which `bytes` can show in base64, one for each place in a group of three bytes.
 *
 * A password in `Basic base64(user:password)` starts wherever the user name ends; so its base64 alone finds it
 * in one of three cases only. Six bits make a digit, hence `⌈8·shift / 6⌉` and `⌊8·(shift + length) / 6⌋`.
 */
export function base64Alignments(bytes: Uint8Array): AlignedBase64[] {
  return [0, 1, 2].map((shift) => {
    const padded = Buffer.alloc(shift + bytes.length + 2);
    padded.set(bytes, shift);
    const text = padded.toString('base64');
    const startBit = shift * 8;
    const endBit = startBit + bytes.length * 8;
    const first = Math.ceil(startBit / 6);
    const last = Math.floor(endBit / 6);
    return {
      digits: text.slice(first, last),
      before: startBit % 6 === 0 ? undefined : shared(text, first - 1, (1 << (6 - (startBit % 6))) - 1),
      after: endBit % 6 === 0 ? undefined : shared(text, last, 0b111111 & ~((1 << (6 - (endBit % 6))) - 1)),
    };
  });
}

/** Whether the character of `text` at `at` can be the digit of which `known` knows some bits. */
export function holdsDigit(text: string, at: number, known: SharedDigit | undefined): boolean {
  if (known === undefined || at < 0 || at >= text.length) return false;
  const value = DIGIT_VALUES[text.charCodeAt(at)] ?? -1;
  return value >= 0 && (value & known.mask) === known.bits;
}

function shared(text: string, at: number, mask: number): SharedDigit {
  return { mask, bits: (DIGIT_VALUES[text.charCodeAt(at)] as number) & mask };
}
