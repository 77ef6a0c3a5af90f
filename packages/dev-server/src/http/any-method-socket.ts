import { METHODS } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

const KNOWN = new Set(METHODS);
/** Longer than any method; a request line that has no space by then is left for node:http to refuse. */
const MAX_METHOD_BYTES = 24;
const STAND_IN = 'GET';

/**
 * A connection that lets node:http serve methods which its parser refuses, Vault's `LIST` and `SCAN` above all.
 *
 * At the start of each message an unknown method is replaced by `GET` and kept in {@link method}. Where the next
 * message starts is not parsed here: the door calls {@link expectRequest} when it has read one request and is about
 * to answer it. A client that pipelines must therefore keep to methods that node:http knows; none in use pipelines.
 */
export class AnyMethodSocket extends Duplex {
  /** The method of the current message, if node:http did not see the real one. */
  method: string | undefined;
  readonly #socket: Socket;
  #atRequestLine = true;
  #held: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
    socket.pause();
  }

  /** The message at hand is read; what comes next is a request line. */
  expectRequest(): void {
    this.#atRequestLine = true;
  }

  /** Cuts the connection so that the peer sees a reset. TLS knows no reset; there it is just cut. */
  reset(): void {
    if ('encrypted' in this.#socket) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  #receive(chunk: Buffer): void {
    const ready = this.#atRequestLine ? this.#renameMethod(chunk) : chunk;
    if (ready !== undefined && !this.push(ready)) this.#socket.pause();
  }

  /** The bytes to hand on, or nothing while the method is still incomplete. */
  #renameMethod(chunk: Buffer): Buffer | undefined {
    const bytes = Buffer.concat([this.#held, chunk]);
    const end = bytes.indexOf(' ');
    if (end === -1 && bytes.length < MAX_METHOD_BYTES) {
      this.#held = bytes;
      return undefined;
    }
    this.#held = Buffer.alloc(0);
    this.#atRequestLine = false;
    const method = bytes.toString('latin1', 0, Math.max(end, 0));
    const foreign = /^[A-Z]+$/.test(method) && !KNOWN.has(method);
    this.method = foreign ? method : undefined;
    return foreign ? Buffer.concat([Buffer.from(STAND_IN), bytes.subarray(end)]) : bytes;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, done);
  }

  override _writev(
    chunks: { chunk: Buffer | string; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    const buffers = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
    );
    this.#socket.write(Buffer.concat(buffers), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
