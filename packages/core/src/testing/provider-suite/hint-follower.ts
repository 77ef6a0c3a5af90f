import type { CallOptions, Provider, ProviderRef } from '../../provider/contract.js';
import type { Clock } from '../../time/clock.js';
import { settledWithin } from '../pass-time.js';

/** What a watch did within some time. */
export type WatchNews = 'hint' | 'end' | 'nothing' | 'failure';

/** Follows the hints of a watch one at a time, with a bound on each wait. */
export class HintFollower {
  readonly #hints: AsyncIterator<unknown>;
  readonly #clock: Clock;
  readonly #leaving = new AbortController();
  #next: Promise<IteratorResult<unknown>> | undefined;
  /** What the last hint carried: must be nothing. */
  carried: unknown;
  /** What the watch failed with. */
  failed: unknown;

  constructor(provider: Provider, ref: ProviderRef, options: CallOptions) {
    this.#clock = options.clock;
    const { signal } = this.#leaving;
    const hints = provider.watch?.(ref, { ...options, signal }) ?? nothing();
    this.#hints = hints[Symbol.asyncIterator]();
  }

  /** The next news, waited for at most `limitMs`. */
  async news(limitMs: number): Promise<WatchNews> {
    this.#next ??= this.#hints.next();
    const outcome = await settledWithin(this.#clock, limitMs, this.#next);
    if (outcome === undefined) return 'nothing';
    this.#next = undefined;
    if (outcome.status === 'rejected') {
      this.failed = outcome.reason;
      return 'failure';
    }
    this.carried = outcome.value.value;
    return outcome.value.done === true ? 'end' : 'hint';
  }

  /** Lets pass what a watch says when it begins; resolves with how often it spoke. */
  async quiet(quietMs: number): Promise<number> {
    for (let spoke = 0; ; spoke++) {
      if (spoke >= 10 || (await this.news(quietMs)) !== 'hint') return spoke;
    }
  }

  /** Aborts the signal. */
  leave(): void {
    this.#leaving.abort(new Error('the caller left'));
  }

  get reason(): unknown {
    return this.#leaving.signal.reason;
  }

  /** Ends the iteration, as `break` does. Does not wait for a hint that is under way. */
  async end(): Promise<void> {
    await this.#hints.return?.();
  }
}

async function* nothing(): AsyncIterable<void> {}
