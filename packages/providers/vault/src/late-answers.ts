import type { CallOptions, Clock } from '@keyturn/core/provider';
import { abortReason } from './abort-reason.js';
import type { Envelope } from './answer.js';
import type { VaultClient } from './client.js';
import { revokeLease } from './leases.js';

/** How long an answer is still awaited after its caller has left, in milliseconds. */
const LATE_MS = 30_000;
/** The same once the provider closes. */
const CLOSING_MS = 2_000;

/**
 * Reads that may lease something.
 *
 * A caller who leaves is rejected at once, but his request is not cut: the store would go on, and the lease in the
 * answer would belong to nobody and live to its end. The answer is awaited, and its lease revoked.
 */
export class LateAnswers {
  readonly #client: VaultClient;
  readonly #awaited = new Map<Promise<void>, () => void>();

  constructor(client: VaultClient) {
    this.#client = client;
  }

  /** What `read` gives. It is passed a signal that outlives that of the caller. */
  read(read: (signal: AbortSignal) => Promise<Envelope>, options: CallOptions): Promise<Envelope> {
    const { signal } = options;
    if (signal.aborted) return Promise.reject(abortReason(signal));
    const cut = new AbortController();
    const reading = read(cut.signal);
    return new Promise((resolve, reject) => {
      const leave = () => {
        reject(abortReason(signal));
        this.#revokeLater(reading, cut, options);
      };
      signal.addEventListener('abort', leave, { once: true });
      // At once: who has his answer and leaves then keeps his lease.
      const stay = () => signal.removeEventListener('abort', leave);
      reading.finally(stay).then(resolve, reject);
    });
  }

  /** Ends a lease that nobody will use. What cannot be revoked ends with its ttl. */
  async revoke({ leaseId }: Envelope, options: CallOptions): Promise<void> {
    if (leaseId !== '') await revokeLease(this.#client, leaseId, options).catch(() => {});
  }

  /** Resolves when no answer is awaited any more, which is soon. */
  async settled(): Promise<void> {
    for (const hurry of this.#awaited.values()) hurry();
    await Promise.all(this.#awaited.keys());
  }

  #revokeLater(reading: Promise<Envelope>, cut: AbortController, options: CallOptions): void {
    const cutAfter = (delayMs: number) => void endsAfter(delayMs, options.clock, cut);
    cutAfter(LATE_MS);
    const awaited = reading
      .then((envelope) => this.revoke(envelope, { ...options, signal: cut.signal }))
      .catch(() => {})
      .finally(() => {
        cut.abort();
        this.#awaited.delete(awaited);
      });
    this.#awaited.set(awaited, () => cutAfter(CLOSING_MS));
  }
}

/** Aborts `cut` after a while. Its timer ends with it. */
async function endsAfter(delayMs: number, clock: Clock, cut: AbortController): Promise<void> {
  await clock.sleep(delayMs, { signal: cut.signal }).catch(() => {});
  cut.abort();
}
