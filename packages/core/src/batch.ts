import { sharedAbort } from './concurrency/shared-abort.js';
import { isSecretsError, type SecretsError } from './errors/secrets-error.js';
import type { Attempt } from './provider/attempt.js';
import type { Fetched } from './provider/provider-runtime.js';
import type { Route } from './provider/router.js';
import type { Target } from './provider/target.js';
import { type GuardPolicy, guarded } from './resilience/guard.js';
import type { Clock } from './time/clock.js';

type Answer = Fetched | SecretsError;

/** Somebody who waits for one of many. */
interface Reader {
  readonly target: Target;
  /** Whether it is asked for again when it fails in a way that this may mend. */
  readonly retry: boolean;
  /** Gives it what came; a second answer is ignored. */
  readonly give: (answer: Answer) => void;
  isServed: boolean;
  hasLeft: boolean;
  failure: SecretsError | undefined;
}

/** The readers of one tick. */
interface Window {
  readonly readers: Reader[];
  readonly controller: AbortController;
  waiting: number;
}

/** What a {@link Batch} reads with. */
export interface BatchParts {
  readonly route: Route;
  readonly policy: GuardPolicy;
  readonly clock: Clock;
  /** Given what came for a reader that had left: it may hold a lease. */
  readonly late: (answer: Fetched, target: Target) => void;
}

/**
 * Makes the reads of one tick one call of the provider's `fetchMany`, protected and repeated as one: whoever asks
 * until all promises of the tick have settled is in it. No timer is waited for, so a single read loses no time; it is
 * made by `fetch`. Each reader has its answer when that is there, whatever becomes of the others. The call is aborted
 * when the last of its readers has left.
 */
export class Batch {
  readonly #parts: BatchParts;
  #open: Window | undefined;

  constructor(parts: BatchParts) {
    this.#parts = parts;
  }

  /** Reads `target` together with what else is asked for in this tick. */
  fetch(target: Target, { retry, signal }: { retry: boolean; signal: AbortSignal }): Promise<Fetched> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const window = this.#open ?? this.#begin();
      const leave = () => {
        reader.hasLeft = true;
        reject(signal.reason);
        this.#leaves(window, signal.reason);
      };
      const reader: Reader = {
        target,
        retry,
        isServed: false,
        hasLeft: false,
        failure: undefined,
        give: (answer) => {
          if (reader.isServed) return;
          reader.isServed = true;
          signal.removeEventListener('abort', leave);
          if (signal.aborted) return this.#late(answer, target);
          window.waiting--;
          if (isSecretsError(answer)) reject(answer);
          else resolve(answer);
        },
      };
      window.waiting++;
      window.readers.push(reader);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #begin(): Window {
    const window: Window = { readers: [], controller: sharedAbort(), waiting: 0 };
    this.#open = window;
    void endOfTick().then(() => {
      if (this.#open === window) this.#open = undefined;
      return this.#read(window);
    });
    return window;
  }

  /** Who asks after the last has left, still in this tick, must not be in a call that is aborted. */
  #leaves(window: Window, reason: unknown): void {
    if (--window.waiting > 0) return;
    if (this.#open === window) this.#open = undefined;
    window.controller.abort(reason);
  }

  /** Of many, those that failed in a way that a retry may mend are asked for again, and only they. */
  async #read({ readers, controller }: Window): Promise<void> {
    const { route, policy, clock } = this.#parts;
    const { signal } = controller;
    const retry = readers.some((reader) => reader.retry);
    const giveUp = (leaving: readonly Reader[], error: unknown) => {
      for (const reader of leaving) reader.give(reader.failure ?? (error as SecretsError));
    };
    const onFailed = (error: unknown) =>
      giveUp(
        readers.filter((reader) => !reader.retry),
        error,
      );
    const read = (attempt: Attempt) => this.#attempt(readers, attempt);
    await guarded(read, route, policy, clock, { signal, retry, onFailed }).catch((error: unknown) =>
      giveUp(readers, error),
    );
  }

  /** Rejects with the first failure that another address or attempt may mend. */
  async #attempt(readers: readonly Reader[], attempt: Attempt): Promise<void> {
    const open = readers.filter((reader) => !reader.isServed && !reader.hasLeft);
    const answers = await this.#ask(open, attempt);
    let again: SecretsError | undefined;
    for (const [place, reader] of open.entries()) {
      const answer = answers[place] as Answer;
      if (attempt.signal.aborted) this.#late(answer, reader.target);
      else if (isSecretsError(answer) && answer.policy.retry) {
        reader.failure = answer;
        again ??= answer;
      } else reader.give(answer);
    }
    if (again !== undefined) throw again;
  }

  async #ask(readers: readonly Reader[], attempt: Attempt): Promise<readonly Answer[]> {
    const { runtime } = this.#parts.route;
    const [first, ...others] = readers.map(({ target }) => target);
    if (first === undefined) return [];
    if (others.length === 0) return [await runtime.fetch(first, attempt)];
    return runtime.fetchMany([first, ...others], attempt);
  }

  #late(answer: Answer, target: Target): void {
    if (!isSecretsError(answer)) this.#parts.late(answer, target);
  }
}

/** After every promise that settles in this tick: Node empties its tick queue when no microtask is left. */
function endOfTick(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}
