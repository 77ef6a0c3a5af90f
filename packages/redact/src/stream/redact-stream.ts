import { Transform } from 'node:stream';
import type { RedactorClock } from '../redactor.js';
import type { HeldText } from './held-text.js';
import { idleFlush } from './idle-flush.js';

/**
 * A stream that masks the bytes that pass through it, whatever their encoding and wherever they are cut.
 *
 * What may still become a secret is held back: at most the longest form of one, or a line. It goes out when
 * nothing came for `idleMs`, so that a prompt appears, and at the end.
 */
export function redactStream(held: HeldText, clock: RedactorClock, idleMs: number): Transform {
  const give = (text: string): void => {
    if (text !== '') stream.push(Buffer.from(text, 'latin1'));
  };
  const idle = idleFlush(held, clock, idleMs, give);
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      give(held.push(chunk.toString('latin1')));
      idle.touch();
      done();
    },
    flush(done) {
      idle.stop();
      give(held.flush());
      done();
    },
    destroy(error, done) {
      idle.stop();
      done(error);
    },
  });
  return stream;
}
