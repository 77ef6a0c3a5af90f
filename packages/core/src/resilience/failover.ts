import { isSecretsError, type SecretsError } from '../errors/secrets-error.js';
import type { Attempt } from '../provider/attempt.js';
import type { Breaker } from './breaker.js';
import { type DeadlineOptions, withDeadline } from './deadline.js';

/** One address of a backend, with a breaker of its own. */
export interface Place {
  readonly address: string | undefined;
  readonly breaker: Breaker;
}

/** How {@link Failover.run} calls. */
export interface FailoverOptions<Result> extends DeadlineOptions<Result> {
  /** Leave the breakers out: they neither refuse the call nor learn from it. */
  readonly throughBreaker?: boolean;
}

/** How long an address that failed is put behind the others at most, in milliseconds. */
const LONGEST_REST_MS = 60_000;

interface Standing {
  readonly failures: number;
  readonly restsUntilMs: number;
}

/**
 * How an address stands after one more failure: behind the others for `firstMs`, doubling to a minute. Calls that fail
 * while it rests were made at the same time, and count as one.
 */
export function afterFailure(before: Standing | undefined, nowMs: number, firstMs: number): Standing {
  if (before !== undefined && nowMs < before.restsUntilMs) return before;
  const failures = (before?.failures ?? 0) + 1;
  const restMs = Math.min(LONGEST_REST_MS, firstMs * 2 ** Math.min(failures - 1, 16));
  return { failures, restsUntilMs: nowMs + Math.max(firstMs, restMs) };
}

/**
 * Calls a backend where it answers. Of several addresses the preferred is called first, and the next one at once when
 * it cannot answer (`unavailable`, `timeout`, an open breaker); any other failure is an answer. One that failed comes
 * after the others for a while, so that few callers pay for an address that hangs.
 */
export class Failover {
  readonly places: readonly Place[];
  readonly #firstRestMs: number;
  readonly #standings = new Map<Place, Standing>();

  /**
   * @param places the preferred first
   * @param firstRestMs how long an address comes after the others when it failed once
   */
  constructor(places: readonly Place[], firstRestMs: number) {
    this.places = places;
    this.#firstRestMs = firstRestMs;
  }

  /** The address to call first at `nowMs`. */
  preferred(nowMs: number): string | undefined {
    return this.#inOrder(nowMs)[0]?.address;
  }

  /**
   * Calls for at most `limitMs` in all: each address has an equal share of what is left.
   *
   * @throws SecretsError what the address said that answered; else why the first one called could not
   */
  async run<Result>(
    call: (attempt: Attempt) => Promise<Result>,
    { throughBreaker = false, ...bounds }: FailoverOptions<Result>,
  ): Promise<Result> {
    const { clock, signal } = bounds;
    const beganMs = clock.monotonicMs();
    const places = this.#inOrder(beganMs);
    let failure: SecretsError | undefined;
    for (const [tried, place] of places.entries()) {
      const leftMs = beganMs + bounds.limitMs - clock.monotonicMs();
      const limitMs = tried === 0 ? leftMs / places.length : Math.max(1, leftMs / (places.length - tried));
      const within = () =>
        withDeadline((at) => call({ signal: at, address: place.address }), { ...bounds, limitMs });
      try {
        const result = await (throughBreaker ? within() : place.breaker.run(within));
        this.#standings.delete(place);
        return result;
      } catch (error) {
        if (!isSecretsError(error) || !cannotAnswer(error) || signal?.aborted) throw error;
        if (error.policy.tripsBreaker) this.#failed(place, clock.monotonicMs());
        if (failure === undefined || failure.code === 'circuit-open') failure = error;
      }
    }
    throw failure;
  }

  /** Whether a place failed a moment ago, and comes after the others. */
  isResting(place: Place, nowMs: number): boolean {
    return nowMs < (this.#standings.get(place)?.restsUntilMs ?? 0);
  }

  #failed(place: Place, nowMs: number): void {
    this.#standings.set(place, afterFailure(this.#standings.get(place), nowMs, this.#firstRestMs));
  }

  #inOrder(nowMs: number): readonly Place[] {
    if (this.#standings.size === 0) return this.places;
    const restsUntilMs = (place: Place) =>
      this.isResting(place, nowMs) ? (this.#standings.get(place)?.restsUntilMs ?? 0) : 0;
    return [...this.places].sort((one, other) => restsUntilMs(one) - restsUntilMs(other));
  }
}

function cannotAnswer(error: SecretsError): boolean {
  return error.policy.tripsBreaker || error.code === 'circuit-open';
}
