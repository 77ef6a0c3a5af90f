import { SecretsError } from '../errors/secrets-error.js';
import { sharedAbort } from './shared-abort.js';

interface Flight<Result> {
  readonly outcome: Promise<Result>;
  readonly controller: AbortController;
  waiters: number;
}

/**
 * Runs at most one call for each key; whoever asks meanwhile shares its outcome, failure included.
 *
 * A caller may leave by its signal. When the last one has left, the call is aborted and forgotten, so that the
 * next caller starts a new one.
 */
export class SingleFlight<Result> {
  readonly #flights = new Map<string, Flight<Result>>();

  /** Joins the call under way for `key`, or starts one. Rejects with `aborted` when `signal` aborts. */
  run(key: string, start: (signal: AbortSignal) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    if (signal?.aborted) return Promise.reject(left());
    const flight = this.#flights.get(key) ?? this.#start(key, start);
    flight.waiters++;
    if (signal === undefined) return flight.outcome;
    return new Promise((resolve, reject) => {
      const leave = () => {
        reject(left());
        flight.waiters--;
        if (flight.waiters === 0) {
          if (this.#flights.get(key) === flight) this.#flights.delete(key);
          flight.controller.abort(left());
        }
      };
      signal.addEventListener('abort', leave, { once: true });
      flight.outcome.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
    });
  }

  /** Whether a call for `key` is under way. */
  has(key: string): boolean {
    return this.#flights.has(key);
  }

  /** Resolves when the call under way for `key`, if there is one, has settled either way. */
  async settled(key: string): Promise<void> {
    await this.#flights.get(key)?.outcome.catch(() => {});
  }

  /** Aborts every call under way, and resolves when all have settled. */
  async abortAll(reason: SecretsError): Promise<void> {
    const flights = [...this.#flights.values()];
    for (const { controller } of flights) controller.abort(reason);
    await Promise.allSettled(flights.map(({ outcome }) => outcome));
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<Result>): Flight<Result> {
    const controller = sharedAbort();
    const outcome = start(controller.signal).finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    outcome.catch(() => {});
    const flight: Flight<Result> = { outcome, controller, waiters: 0 };
    this.#flights.set(key, flight);
    return flight;
  }
}

function left(): SecretsError {
  return new SecretsError('aborted', {
    problem: 'The caller stopped waiting.',
    remedy: 'The signal given to the call was aborted; nothing is wrong with the secret.',
  });
}
