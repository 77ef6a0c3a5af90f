import { isUtf8 } from 'node:buffer';
import { base64Alignments } from './base64-alignments.js';
import { type Literal, type Piece, WHOLE } from './literal.js';
import { jsonEscaped, textForms } from './text-forms.js';

/** From this length on a value is masked wherever it stands; below, only as a word of its own. */
export const FREE_LENGTH = 8;
/** Values below this length are not looked for at all. */
export const SHORTEST_VALUE = 4;
/** Longer values are cut into equal parts of at most this length, so that what a stream holds back stays small. */
const LONGEST_PIECE = 1_024;
/** Fewer base64 digits occur in any image. */
const FEWEST_BASE64_DIGITS = 6;

const ARMOUR = /^-----(?:BEGIN|END) [A-Z0-9 ]+-----$/;
const LINE_END = /[\r\n]/;

/** What of a value is to be looked for. */
export interface PiecePlan {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly line: number;
  readonly weak: boolean;
  /** Not text: `text` has one character for each byte. */
  readonly binary: boolean;
  /** Looked for across line ends too, because no line of it is long enough to be found alone. */
  readonly acrossLines: boolean;
}

/**
 * A value as it is registered: text without the white space around it, or bytes that are no text.
 *
 * White space around a value is what editors and `echo` add, and what the log of a caller who trims it lacks.
 */
export function plaintext(value: string | Uint8Array): string | Uint8Array {
  if (typeof value === 'string') return value.trim();
  return isUtf8(value) ? Buffer.from(value).toString('utf8').trim() : value;
}

/** How `value` is taken apart: whole or in parts, and line by line where it has lines. */
export function planPieces(value: string | Uint8Array): PiecePlan[] {
  if (typeof value !== 'string') {
    return parts(Buffer.from(value).toString('latin1')).map((text) =>
      plan(text, { binary: true, acrossLines: true }),
    );
  }
  const lines = (LINE_END.test(value) ? value.split(/[\r\n]+/) : [])
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_VALUE)
    .flatMap((line, number) =>
      parts(line).map((text, _, all) => plan(text, { line: all.length === 1 ? number : WHOLE })),
    );
  const acrossLines = lines.every(({ weak }) => weak);
  return [...parts(value).map((text) => plan(text, { acrossLines })), ...lines];
}

/** Every exact text by which `plan` is recognized. */
export function* literalsOf(piece: Piece, plan: PiecePlan): Iterable<Literal> {
  const short = plan.text.length < FREE_LENGTH;
  const literal = (text: string, bounded = false): Literal => ({
    text,
    piece,
    bounded,
    before: undefined,
    after: undefined,
  });
  for (const text of plan.binary ? binaryForms(plan) : textForms(plan.text)) {
    // A literal with a line end in it makes streams hold back whole lines.
    if (plan.acrossLines || !LINE_END.test(text)) yield literal(text, short);
  }
  if (plan.weak) return;
  const json = plan.binary ? plan.text : jsonEscaped(plan.text);
  for (const bytes of json === plan.text ? [plan.bytes] : [plan.bytes, Buffer.from(json)]) {
    for (const { digits, before, after } of base64Alignments(bytes)) {
      if (digits.length < FEWEST_BASE64_DIGITS) continue;
      yield { text: digits, piece, bounded: false, before, after };
      const urlSafe = digits.replaceAll('+', '-').replaceAll('/', '_');
      if (urlSafe !== digits) yield { text: urlSafe, piece, bounded: false, before, after };
    }
  }
  const hex = Buffer.from(plan.bytes).toString('hex');
  yield literal(hex);
  const upperHex = hex.toUpperCase();
  if (upperHex !== hex) yield literal(upperHex);
  if (plan.bytes.length < 5) yield literal(Buffer.from(plan.bytes).toString('base64'), true);
}

function plan(text: string, { line = WHOLE, binary = false, acrossLines = false } = {}): PiecePlan {
  return {
    text,
    bytes: Buffer.from(text, binary ? 'latin1' : 'utf8'),
    line,
    weak: line !== WHOLE && (text.length < FREE_LENGTH || ARMOUR.test(text)),
    binary,
    acrossLines,
  };
}

/** The bytes as they pass through a stream, and what is left of them when somebody takes them for UTF-8. */
function binaryForms({ text, bytes }: PiecePlan): string[] {
  const misread = Buffer.from(bytes).toString('utf8');
  return misread.replaceAll('\ufffd', '').length >= FREE_LENGTH ? [text, misread] : [text];
}

function parts(text: string): string[] {
  const count = Math.ceil(text.length / LONGEST_PIECE);
  const length = Math.ceil(text.length / count);
  return Array.from({ length: count }, (_, index) => text.slice(index * length, (index + 1) * length));
}
