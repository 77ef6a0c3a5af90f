import { EventEmitter } from 'node:events';
import type CircuitBreaker from 'opossum';
import { isSecretsError, SecretsError } from '../errors/secrets-error.js';
import type { Clock } from '../time/clock.js';

export interface BreakerPolicy {
  /** How many calls within `windowMs` it takes before the breaker judges. */
  readonly minCalls: number;
  /** The share of failures, in percent, above which it opens. */
  readonly failurePercent: number;
  readonly windowMs: number;
  /** How long it stays open before it lets one call through to see. */
  readonly resetAfterMs: number;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

const BUCKETS = 10;
/** opossum's own timer is never waited for: the door counts by its clock. The longest that a timer can run. */
const NEVER_MS = 2 ** 31 - 1;

/** opossum's class, imported at the first call: it would cost every importer of this package 5 ms. */
type Opossum = typeof CircuitBreaker;
let imported: Promise<Opossum> | undefined;

/**
 * Stops calling a backend that keeps failing, and lets one call through after a while to see.
 *
 * opossum keeps the counts and the states; this door gives it our clock (it would take the host's), hides its
 * events (its `success` event carries the value), and decides by the error table what counts as a failure.
 */
export class Breaker {
  readonly #policy: BreakerPolicy;
  readonly #clock: Clock;
  readonly #changed: (state: BreakerState) => void;
  readonly #bucketClock = new EventEmitter();
  #opossum: Opossum | undefined;
  #circuit: CircuitBreaker | undefined;
  #bucketMs: number;
  #openUntilMs = 0;
  #state: BreakerState = 'closed';

  constructor(policy: BreakerPolicy, clock: Clock, changed: (state: BreakerState) => void) {
    this.#policy = policy;
    this.#clock = clock;
    this.#changed = changed;
    this.#bucketMs = clock.monotonicMs();
  }

  get state(): BreakerState {
    return this.#state;
  }

  /**
   * Calls, unless the breaker is open.
   *
   * @throws SecretsError `circuit-open` without calling; else whatever the call throws
   */
  async run<Result>(call: () => Promise<Result>): Promise<Result> {
    imported ??= import('opossum').then((module) => module.default);
    this.#opossum ??= await imported;
    this.#turnBuckets();
    const circuit = this.#circuitNow(this.#opossum);
    const wasHalfOpen = circuit.halfOpen;
    try {
      return (await circuit.fire(call)) as Result;
    } catch (error) {
      // opossum takes a call that was abandoned for a healthy one; it has proven nothing.
      if (wasHalfOpen && isSecretsError(error) && error.code === 'aborted') circuit.open();
      throw isOpenReject(this.#opossum, error) ? this.#openError() : error;
    } finally {
      this.#report();
    }
  }

  /** Lets go of opossum's timer. */
  close(): void {
    this.#circuit?.shutdown();
    this.#bucketClock.removeAllListeners();
  }

  /** The circuit to call through: the one there is, or, when it has been open for long enough, one that lets a call through. */
  #circuitNow(Opossum: Opossum): CircuitBreaker {
    if (this.#circuit === undefined) this.#circuit = this.#create(Opossum);
    if (this.#circuit.opened && this.#clock.monotonicMs() >= this.#openUntilMs) {
      this.#circuit.shutdown();
      this.#circuit = this.#create(Opossum, { closed: false, halfOpen: true });
      this.#report();
    }
    return this.#circuit;
  }

  #create(Opossum: Opossum, state?: { closed: boolean; halfOpen: boolean }): CircuitBreaker {
    const circuit = new Opossum((call: () => Promise<unknown>) => call(), {
      timeout: false,
      resetTimeout: NEVER_MS,
      volumeThreshold: this.#policy.minCalls,
      errorThresholdPercentage: this.#policy.failurePercent,
      rollingCountTimeout: this.#policy.windowMs,
      rollingCountBuckets: BUCKETS,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      rotateBucketController: this.#bucketClock,
      errorFilter: (error: unknown) => isSecretsError(error) && !error.policy.tripsBreaker,
      name: 'keyturn',
      ...(state === undefined ? {} : { state }),
    } as CircuitBreaker.Options);
    circuit.on('open', () => {
      this.#openUntilMs = this.#clock.monotonicMs() + this.#policy.resetAfterMs;
    });
    return circuit;
  }

  #turnBuckets(): void {
    const bucketMs = this.#policy.windowMs / BUCKETS;
    const passed = Math.floor((this.#clock.monotonicMs() - this.#bucketMs) / bucketMs);
    this.#bucketMs += passed * bucketMs;
    for (let turn = 0; turn < Math.min(passed, BUCKETS); turn++) this.#bucketClock.emit('rotate');
  }

  #report(): void {
    const state = this.#circuit?.opened ? 'open' : this.#circuit?.halfOpen ? 'half-open' : 'closed';
    if (state === this.#state) return;
    this.#state = state;
    this.#changed(state);
  }

  #openError(): SecretsError {
    const leftMs = Math.max(0, Math.round(this.#openUntilMs - this.#clock.monotonicMs()));
    return new SecretsError('circuit-open', {
      problem: 'The store kept failing and is left alone for a while.',
      remedy: `The next call goes through in ${leftMs} ms; see the refresh-failed events for the cause.`,
    });
  }
}

function isOpenReject(Opossum: Opossum, error: unknown): boolean {
  return Opossum.isOurError(error as Error) && (error as { code?: unknown }).code === 'EOPENBREAKER';
}
