import { orAborted } from '../abort-reason.js';
import type { Envelope } from '../answer.js';
import type { LoginReading, Wrapped } from './auth.js';

/** What a wrapping token held, and which one it was. */
interface Opened {
  readonly token: string;
  readonly credential: Promise<Buffer>;
}

/**
 * A credential that comes in wrapping tokens: each is opened once, and what it held serves every login until another
 * token is there. Kept as bytes, which are zeroed then.
 */
export class Unwrapped {
  #opened: Opened | undefined;

  /**
   * What `wrapped` holds, found by `pick` in the answer. Callers who leave do not cut the opening: the next one finds
   * its outcome.
   *
   * @throws SecretsError `unauthenticated` for a token that is spent, or was made for something else
   */
  async open(
    wrapped: Wrapped,
    { unwrap, signal }: LoginReading,
    pick: (envelope: Envelope) => string,
  ): Promise<string> {
    const opened =
      this.#opened?.token === wrapped.token
        ? this.#opened
        : this.#hold({
            token: wrapped.token,
            credential: unwrap(wrapped).then((envelope) => Buffer.from(pick(envelope), 'utf8')),
          });
    // Made a text before the bytes can be zeroed: what was asked first is answered first.
    return orAborted(
      opened.credential.then((bytes) => bytes.toString('utf8')),
      signal,
    );
  }

  #hold(opened: Opened): Opened {
    void this.#opened?.credential.then((bytes) => bytes.fill(0)).catch(() => {});
    this.#opened = opened;
    opened.credential.catch(() => {
      if (this.#opened === opened) this.#opened = undefined;
    });
    return opened;
  }
}
