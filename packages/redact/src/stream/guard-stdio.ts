import type { Redactor } from '../redactor.js';
import { insideOf } from '../redactor-inside.js';
import { idleFlush } from './idle-flush.js';

/** What to guard, and how. */
export interface GuardStdioOptions {
  /** How long a piece of a line waits for more before it is written, in milliseconds. Default 50. */
  readonly idleMs?: number;
}

type Written = (error?: Error | null) => void;
type Write = (bytes: Uint8Array, written?: Written) => boolean;

/**
 * Masks everything that the process writes to stdout and stderr from now on, `console` included.
 *
 * Complete lines go out at once. Returns an undo, which writes what is held back. What does not pass through
 * `process.stdout.write` and `process.stderr.write` is not masked: `fs.writeSync(1, …)`, native code, and the
 * report that Node itself prints of an uncaught exception.
 */
export function guardStdio(redactor: Redactor, { idleMs = 50 }: GuardStdioOptions = {}): () => void {
  const undos = [
    guard(process.stdout, redactor, 'stdout', idleMs),
    guard(process.stderr, redactor, 'stderr', idleMs),
  ];
  return () => {
    for (const undo of undos) undo();
  };
}

function guard(stream: NodeJS.WriteStream, redactor: Redactor, sink: string, idleMs: number): () => void {
  const { clock, hold } = insideOf(redactor);
  const held = hold(sink);
  const original = stream.write;
  const pass = original.bind(stream) as Write;
  const give = (text: string): void => {
    if (text !== '') pass(Buffer.from(text, 'latin1'));
  };
  const idle = idleFlush(held, clock, idleMs, give);
  let guarding = true;

  const write = (
    chunk: string | Uint8Array,
    encoding?: BufferEncoding | Written,
    written?: Written,
  ): boolean => {
    const done = typeof encoding === 'function' ? encoding : written;
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8')
        : chunk;
    if (!guarding) return pass(bytes, done);
    const out = held.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'));
    idle.touch();
    if (out !== '') return pass(Buffer.from(out, 'latin1'), done);
    if (done !== undefined) process.nextTick(done);
    return true;
  };
  const undo = (): void => {
    if (!guarding) return;
    guarding = false;
    idle.stop();
    give(held.flush());
    process.off('exit', undo);
    // Somebody who wrapped it after us keeps working: our part passes everything on.
    if (stream.write === write) stream.write = original;
  };

  stream.write = write as typeof stream.write;
  process.on('exit', undo);
  return undo;
}
