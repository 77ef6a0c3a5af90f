import { Batch } from './batch.js';
import { Entry } from './cache/entry.js';
import { freshness, termOf } from './cache/freshness.js';
import type { Settings } from './config.js';
import { isSecretsError } from './errors/secrets-error.js';
import type { Fetched } from './provider/provider-runtime.js';
import type { Route, Router } from './provider/router.js';
import type { Target } from './provider/target.js';
import { guarded } from './resilience/guard.js';
import type { Clock } from './time/clock.js';

/** How a fetch is made. */
export interface FetchOptions {
  /** Whether failed attempts are repeated: while a caller waits, but not in the background. */
  readonly retry: boolean;
  /** Whether it is made though the breaker is open: a lease in use is worth the attempt, which its schedule bounds. */
  readonly throughBreaker?: boolean;
  /** The longest that one attempt may take, where it is less than the configured time. */
  readonly limitMs?: number;
  /** Stops waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** Asks the stores: the one guarded way from a target to a version of it. */
export class Fetcher {
  readonly #router: Router;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #late: (entry: Entry) => void;
  readonly #batches = new WeakMap<Route, Batch>();

  constructor(parts: {
    readonly router: Router;
    readonly settings: Settings;
    readonly clock: Clock;
    /** Given a version that came when nobody waited for it any more. */
    readonly late: (entry: Entry) => void;
  }) {
    this.#router = parts.router;
    this.#settings = parts.settings;
    this.#clock = parts.clock;
    this.#late = parts.late;
  }

  /** Fetches from the first of the target's stores that can answer; see `fallback` for when the next one is asked. */
  async fetch(
    target: Target,
    held: Entry | undefined,
    options: FetchOptions,
    signal: AbortSignal,
  ): Promise<Entry> {
    const routes = this.#router.routes(target);
    let failure: unknown;
    for (const [place, route] of routes.entries()) {
      const isLast = place === routes.length - 1;
      try {
        const given = isLast ? options : { ...options, retry: false };
        const fetched = await this.#ask(route, target, given, signal);
        return this.#entry(target, route, fetched);
      } catch (error) {
        if (signal.aborted) throw error;
        failure ??= error;
        const cannotAnswer = isSecretsError(error) && error.policy.serveStale;
        const keeps = held !== undefined && !this.#isOver(held) && routes.indexOf(held.route) <= place;
        if (!cannotAnswer || keeps) break;
      }
    }
    throw failure;
  }

  #ask(
    route: Route,
    target: Target,
    { retry, limitMs, throughBreaker = false }: FetchOptions,
    signal: AbortSignal,
  ): Promise<Fetched> {
    const isPlain = limitMs === undefined && !throughBreaker;
    if (isPlain && route.runtime.canBatch) return this.#batchOf(route).fetch(target, { retry, signal });
    const policy = {
      ...this.#settings.guard,
      ...(limitMs === undefined ? {} : { attemptTimeoutMs: limitMs }),
    };
    return guarded((attempt) => route.runtime.fetch(target, attempt), route, policy, this.#clock, {
      signal,
      retry,
      throughBreaker,
      onLate: (late) => this.#late(this.#entry(target, route, late)),
    });
  }

  #batchOf(route: Route): Batch {
    const known = this.#batches.get(route);
    if (known !== undefined) return known;
    const batch = new Batch({
      route,
      policy: this.#settings.guard,
      clock: this.#clock,
      late: (answer, target) => this.#late(this.#entry(target, route, answer)),
    });
    this.#batches.set(route, batch);
    return batch;
  }

  #entry(target: Target, route: Route, { sentMs, sentWallMs, ...fetched }: Fetched): Entry {
    const term = termOf({ sentMs, sentWallMs }, fetched.lease, this.#settings.policyOf(target));
    const place = this.#router.routes(target).indexOf(route);
    // Two stores may call different values by the same version.
    const version = place === 0 ? fetched.version : `${place + 1}/${fetched.version}`;
    return new Entry({ target, route, ...fetched, version, term });
  }

  #isOver(entry: Entry): boolean {
    return freshness(entry, this.#clock.monotonicMs()) === 'expired';
  }
}
