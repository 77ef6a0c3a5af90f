import { isUtf8 } from 'node:buffer';

/** What a reference holds: the bytes of a file, or those of each file in a folder, by name. */
export type Data = Buffer | Map<string, Buffer>;

/** What was read, and facts for people. */
export interface Content {
  readonly data: Data;
  readonly metadata: Readonly<Record<string, string>>;
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const FIRST_PRINTABLE = 0x20;
const DELETE = 0x7f;

/**
 * The bytes without their line end, when they are one line of text.
 *
 * A key of raw bytes may end in 0x0a by chance, and PEM files are put one after another: neither may lose it. So
 * only valid UTF-8 without control characters counts as text, and only a single line is trimmed.
 */
export function withoutLineEnd(bytes: Buffer): Buffer {
  const end = bytes.length - 1;
  if (bytes[end] !== LINE_FEED || bytes.indexOf(LINE_FEED) !== end) return bytes;
  if (!isUtf8(bytes) || bytes.some(isControl)) return bytes;
  return bytes.subarray(0, bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end);
}

function isControl(byte: number): boolean {
  if (byte === TAB || byte === LINE_FEED || byte === CARRIAGE_RETURN) return false;
  return byte < FIRST_PRINTABLE || byte === DELETE;
}

/** The name of what is empty in `data`: '' for a single file. Undefined when nothing is. */
export function blankIn(data: Data): string | undefined {
  if (data instanceof Map) return [...data].find(([, bytes]) => bytes.length === 0)?.[0];
  return data.length === 0 ? '' : undefined;
}

/** Overwrites the bytes with zeros, once they are not needed. */
export function wipe(data: Data): void {
  for (const bytes of data instanceof Map ? data.values() : [data]) bytes.fill(0);
}
