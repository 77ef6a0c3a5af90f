/**
 * Lets at most so many calls run at a time; the others wait for their turn, in order. So a start with a thousand
 * references, or the loss of a login that a thousand leases die with, does not reach a store as one burst.
 */
export class Bulkhead {
  readonly #limit: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Calls when it is its turn. Rejects with the reason of `signal` when that aborts before. */
  async run<Result>(call: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    if (this.#running < this.#limit) this.#running++;
    else await this.#turn(signal);
    try {
      return await call();
    } finally {
      this.#passOn();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(begin);
        reject(signal.reason);
      };
      const begin = () => {
        this.#waiting.delete(begin);
        signal.removeEventListener('abort', leave);
        resolve();
      };
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.add(begin);
    });
  }

  #passOn(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#running--;
    else next();
  }
}
