import { sharedAbort } from './concurrency/shared-abort.js';
import { isSecretsError, type SecretsError } from './errors/secrets-error.js';
import type { Attempt } from './provider/attempt.js';
import type { Fetched } from './provider/provider-runtime.js';
import type { Route } from './provider/router.js';
import type { Target } from './provider/target.js';
import { aborted } from './resilience/deadline.js';
import { type GuardPolicy, guarded } from './resilience/guard.js';
import type { Clock } from './time/clock.js';

type Answer = Fetched | SecretsError;

interface Window {
  readonly targets: Target[];
  readonly controller: AbortController;
  readonly answers: Promise<readonly Answer[]>;
  waiting: number;
}

/** What a {@link Batch} reads with. */
export interface BatchParts {
  readonly route: Route;
  readonly policy: GuardPolicy;
  readonly retry: boolean;
  readonly clock: Clock;
  /** Given what came for a reader that had left: it may hold a lease. */
  readonly late: (answer: Fetched, target: Target) => void;
}

/**
 * Makes the reads of one tick one call of the provider's `fetchMany`, protected and repeated as one: whoever asks
 * until all promises of the tick have settled is in it. No timer is waited for, so a single read loses no time; it is
 * made by `fetch`. The call is aborted when the last of its readers has left.
 */
export class Batch {
  readonly #parts: BatchParts;
  #open: Window | undefined;

  constructor(parts: BatchParts) {
    this.#parts = parts;
  }

  /** Reads `target` together with what else is asked for in this tick. */
  async fetch(target: Target, signal: AbortSignal): Promise<Fetched> {
    signal.throwIfAborted();
    const window = this.#open ?? this.#begin();
    const place = window.targets.push(target) - 1;
    window.waiting++;
    const leave = () => {
      if (--window.waiting > 0) return;
      if (this.#open === window) this.#open = undefined;
      window.controller.abort(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    const mine = window.answers.then((answers) => answers[place] as Answer);
    try {
      const answer = await Promise.race([mine, aborted(signal)]);
      if (isSecretsError(answer)) throw answer;
      return answer;
    } catch (error) {
      if (signal.aborted) mine.then((answer) => this.#late(answer, target)).catch(() => {});
      throw error;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  #begin(): Window {
    const controller = sharedAbort();
    const targets: Target[] = [];
    const answers = endOfTick().then(() => {
      if (this.#open === window) this.#open = undefined;
      return this.#read(targets, controller.signal);
    });
    answers.catch(() => {});
    const window: Window = { targets, controller, answers, waiting: 0 };
    this.#open = window;
    return window;
  }

  /** Of many, those that failed in a way that a retry may mend are asked for again, and only they. */
  async #read(targets: readonly Target[], signal: AbortSignal): Promise<readonly Answer[]> {
    const { route, policy, retry, clock } = this.#parts;
    const answers = new Map<Target, Answer>();
    const read = async (attempt: Attempt): Promise<void> => {
      const open = targets.filter((target) => isOpen(answers.get(target)));
      const [only] = open;
      const given =
        open.length === 1 && only !== undefined
          ? [await route.runtime.fetch(only, attempt)]
          : await route.runtime.fetchMany(open, attempt);
      for (const [place, answer] of given.entries()) {
        const target = open[place] as Target;
        if (attempt.signal.aborted) this.#late(answer, target);
        else answers.set(target, answer);
      }
      const again = given.find(isOpen);
      if (again !== undefined) throw again;
    };
    try {
      await guarded(read, route, policy, clock, { signal, retry });
    } catch (error) {
      if (answers.size === 0) throw error;
      return targets.map((target) => answers.get(target) ?? (error as SecretsError));
    }
    return targets.map((target) => answers.get(target) as Answer);
  }

  #late(answer: Answer, target: Target): void {
    if (!isSecretsError(answer)) this.#parts.late(answer, target);
  }
}

function isOpen(answer: Answer | undefined): boolean {
  return answer === undefined || (isSecretsError(answer) && answer.policy.retry);
}

/** After every promise that settles in this tick: Node empties its tick queue when no microtask is left. */
function endOfTick(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}
