import { abortReason } from './abort-reason.js';

interface Shared<Result> {
  readonly outcome: Promise<Result>;
  readonly controller: AbortController;
  waiters: number;
}

/** Runs at most one call for each key, for all who ask meanwhile; aborts it when the last of them has left. */
export class SharedCalls<Result> {
  readonly #running = new Map<string, Shared<Result>>();

  /** Joins the call under way for `key`, or starts it as the first. Rejects as soon as `signal` aborts. */
  run(
    key: string,
    start: (signal: AbortSignal) => Promise<Result>,
    signal: AbortSignal,
  ): { readonly isFirst: boolean; readonly call: Promise<Result> } {
    const running = this.#running.get(key);
    const shared = running ?? this.#start(key, start);
    return { isFirst: running === undefined, call: this.#join(key, shared, signal) };
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<Result>): Shared<Result> {
    const controller = new AbortController();
    const outcome = start(controller.signal).finally(() => this.#forget(key, shared));
    outcome.catch(() => {});
    const shared: Shared<Result> = { outcome, controller, waiters: 0 };
    this.#running.set(key, shared);
    return shared;
  }

  #join(key: string, shared: Shared<Result>, signal: AbortSignal): Promise<Result> {
    shared.waiters++;
    return new Promise((resolve, reject) => {
      const leave = () => {
        reject(abortReason(signal));
        shared.waiters--;
        if (shared.waiters > 0) return;
        this.#forget(key, shared);
        shared.controller.abort();
      };
      if (signal.aborted) {
        leave();
        return;
      }
      signal.addEventListener('abort', leave, { once: true });
      shared.outcome.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
    });
  }

  #forget(key: string, shared: Shared<Result>): void {
    if (this.#running.get(key) === shared) this.#running.delete(key);
  }
}
