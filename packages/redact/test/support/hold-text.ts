import type { Redactor } from '../../src/index.js';
import { insideOf } from '../../src/redactor-inside.js';

/** What a stream makes of `pieces` of a text, without the stream. */
export function holdText(redactor: Redactor, pieces: readonly Uint8Array[]): string {
  return Buffer.from(holdBytes(redactor, pieces), 'latin1').toString('utf8');
}

/** The same, with a character for each byte. */
export function holdBytes(redactor: Redactor, pieces: readonly Uint8Array[]): string {
  const held = insideOf(redactor).hold();
  let out = '';
  for (const piece of pieces) out += held.push(Buffer.from(piece).toString('latin1'));
  return out + held.flush();
}
