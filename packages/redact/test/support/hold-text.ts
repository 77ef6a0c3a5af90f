import type { Redactor } from '../../src/index.js';
import { insideOf } from '../../src/redactor-inside.js';

/** What a stream makes of `pieces`, without the stream. */
export function holdText(redactor: Redactor, pieces: readonly Uint8Array[]): string {
  const held = insideOf(redactor).hold();
  let out = '';
  for (const piece of pieces) out += held.push(Buffer.from(piece).toString('latin1'));
  out += held.flush();
  return Buffer.from(out, 'latin1').toString('utf8');
}
