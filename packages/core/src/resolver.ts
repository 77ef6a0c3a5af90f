import type { Entry } from './cache/entry.js';
import { freshness } from './cache/freshness.js';
import type { Refusals } from './cache/refusals.js';
import type { SecretCache } from './cache/secret-cache.js';
import { SingleFlight } from './concurrency/single-flight.js';
import type { Diagnostics } from './diagnostics.js';
import { asSecretsError } from './errors/as-secrets-error.js';
import { isSecretsError, SecretsError } from './errors/secrets-error.js';
import type { Fetcher, FetchOptions } from './fetcher.js';
import type { StaleReason } from './model/secret.js';
import type { Target } from './provider/target.js';
import type { HostClock } from './time/clock.js';

/** A held version, and why it is stale where it is. */
export interface Resolved {
  readonly entry: Entry;
  readonly staleReason: StaleReason | undefined;
}

/** How often several are asked for until all may be used at once. */
const MOST_TURNS = 4;

/** Where a fetched version goes before it is handed out: the lease manager proves and publishes it. */
export interface Admission {
  /** Resolves with the version in service afterwards. */
  admit(next: Entry, held: Entry | undefined, signal: AbortSignal): Promise<Entry>;
  /** A version came that nobody waits for any more. */
  giveUp(next: Entry): void;
}

/**
 * The pull path: reference → held value, or one guarded fetch that every caller shares.
 *
 * A function of the reference, what is held, and now. No timers, no listeners: a frozen process still gets a
 * right answer on its next read.
 */
export class Resolver {
  readonly #fetcher: Fetcher;
  readonly #cache: SecretCache;
  readonly #refusals: Refusals;
  readonly #admission: Admission;
  readonly #clock: HostClock;
  readonly #diagnostics: Diagnostics;
  readonly #loads = new SingleFlight<Entry>();
  /** The targets whose load under way is not repeated when it fails. */
  readonly #singleAttempts = new Set<string>();
  #closed: SecretsError | undefined;

  constructor(parts: {
    readonly fetcher: Fetcher;
    readonly cache: SecretCache;
    readonly refusals: Refusals;
    readonly admission: Admission;
    readonly clock: HostClock;
    readonly diagnostics: Diagnostics;
  }) {
    this.#fetcher = parts.fetcher;
    this.#cache = parts.cache;
    this.#refusals = parts.refusals;
    this.#admission = parts.admission;
    this.#clock = parts.clock;
    this.#diagnostics = parts.diagnostics;
  }

  /** What may be handed out for `target` now without asking the store. */
  peek(target: Target): Resolved | undefined {
    const entry = this.#cache.get(target.ref);
    if (entry === undefined || this.#closed !== undefined) return undefined;
    const state = freshness(entry, this.#clock.monotonicMs());
    if (state === 'fresh') return { entry, staleReason: undefined };
    return state === 'stale' ? { entry, staleReason: 'refreshing' } : undefined;
  }

  /**
   * The version to hand out for `target`: at once when it is fresh, or stale within policy; else after the load
   * that all callers share.
   */
  async resolve(target: Target, signal?: AbortSignal): Promise<Resolved> {
    if (this.#closed !== undefined) throw this.#closed;
    const entry = this.#cache.get(target.ref);
    const nowMs = this.#clock.monotonicMs();
    const state = entry === undefined ? 'expired' : freshness(entry, nowMs);
    if (entry !== undefined && state === 'fresh') return { entry, staleReason: undefined };

    const refusal = this.#refusals.get(target.ref, nowMs)?.error;
    if (entry !== undefined && state === 'stale') {
      if (refusal === undefined) this.#refresh(target);
      return this.#stale(entry, refusal?.code ?? 'refreshing');
    }
    try {
      if (refusal !== undefined) throw refusal;
      return { entry: await this.load(target, { retry: true, signal }), staleReason: undefined };
    } catch (error) {
      const mayServeStale = isSecretsError(error) && error.policy.serveStale;
      if (!mayServeStale || state !== 'due' || entry === undefined || this.#isOver(entry)) throw error;
      return this.#stale(entry, error.code);
    }
  }

  /** As `resolve`, for all of `targets`, each of which may be used when the last has come. */
  async resolveAll(targets: readonly Target[], signal?: AbortSignal): Promise<readonly Resolved[]> {
    for (let turns = 0; turns < MOST_TURNS; turns++) {
      const resolved = await Promise.all(targets.map((target) => this.resolve(target, signal)));
      const nowMs = this.#clock.monotonicMs();
      if (targets.length === 1 || !resolved.some(({ entry }) => entry.isLeaseOver(nowMs))) return resolved;
    }
    throw new SecretsError('timeout', {
      ref: targets.map(({ ref }) => ref).join(', '),
      problem: 'A lease among them was over each time that the last of them had come.',
      remedy: 'Give it a longer ttl at the store.',
    });
  }

  /**
   * Fetches `target` now and has it admitted. One load at a time for each target: who comes meanwhile joins it. A
   * caller that wants retries and has joined a single attempt of the background goes on by itself where it failed.
   */
  async load(target: Target, options: FetchOptions): Promise<Entry> {
    if (this.#closed !== undefined) throw this.#closed;
    const mayRepeat = options.retry && this.#singleAttempts.has(target.ref);
    try {
      return await this.#loads.run(
        target.ref,
        (signal) => this.#load(target, options, signal),
        options.signal,
      );
    } catch (error) {
      if (!mayRepeat || !isSecretsError(error) || !error.policy.retry) throw error;
      return this.load(target, options);
    }
  }

  /**
   * As `load`, but of what the store has now: a load that began before may have read what was there then. One that
   * brings a lease brings a new one in any case.
   */
  async reload(target: Target): Promise<Entry> {
    if (this.#cache.get(target.ref)?.handle === undefined) await this.settled(target);
    return this.load(target, { retry: true });
  }

  /** Whether `target` is being fetched. */
  isLoading(target: Target): boolean {
    return this.#loads.has(target.ref);
  }

  /** Whether `target` has a lease, and another is being fetched in its place. */
  isReplacingLease(target: Target): boolean {
    return this.isLoading(target) && this.#cache.get(target.ref)?.handle !== undefined;
  }

  /** Resolves when the load of `target` that is under way, if there is one, has settled either way. */
  settled(target: Target): Promise<void> {
    return this.#loads.settled(target.ref);
  }

  /** The recent failure that answers for `target`. */
  refusalOf(target: Target): SecretsError | undefined {
    return this.#refusals.get(target.ref, this.#clock.monotonicMs())?.error;
  }

  /** Why the last load of `target` failed; undefined when it succeeded. */
  failureOf(target: Target): SecretsError | undefined {
    return this.#refusals.last(target.ref);
  }

  /** What failed for `target` is of the past: its lease was renewed since. */
  forgive(target: Target): void {
    this.#refusals.forget(target.ref);
  }

  /** Loads nothing any more; aborts what is under way and waits for it to settle. */
  async close(reason: SecretsError): Promise<void> {
    this.#closed = reason;
    await this.#loads.abortAll(reason);
  }

  async #load(target: Target, options: FetchOptions, signal: AbortSignal): Promise<Entry> {
    const held = this.#cache.get(target.ref);
    if (!options.retry) this.#singleAttempts.add(target.ref);
    try {
      let next = await this.#fetcher.fetch(target, held, options, signal);
      if (next.isLeaseOver(this.#clock.monotonicMs())) {
        // The host was frozen while the answer came, say: the store may be well, and the next lease in time.
        this.#admission.giveUp(next);
        next = await this.#fetcher.fetch(target, held, options, signal);
      }
      const entry = await this.#admission.admit(next, held, signal);
      this.#refusals.forget(target.ref);
      return entry;
    } catch (error) {
      const failure = asSecretsError(error, { ref: target.ref, provider: target.alias });
      this.#remember(failure, target, held);
      throw failure;
    } finally {
      this.#singleAttempts.delete(target.ref);
    }
  }

  /** Loads in the background while a stale value serves. */
  #refresh(target: Target): void {
    if (this.isLoading(target)) return;
    this.load(target, { retry: false }).catch((error: SecretsError) => {
      if (this.#closed !== undefined) return;
      const { code } = error;
      this.#diagnostics.emit('refresh-failed', { ref: target.ref, code, error, retryInMs: undefined });
    });
  }

  /** A denial or deletion ends what is held without a lease: it is never masked by a stale value. */
  #remember(failure: SecretsError, target: Target, held: Entry | undefined): void {
    if (failure.code === 'aborted' || failure.code === 'closed') return;
    const nowMs = this.#clock.monotonicMs();
    this.#refusals.remember(target.ref, failure, nowMs, this.#clock.random());
    if (failure.code === 'permission-denied' || failure.code === 'not-found') held?.endWhenStale();
  }

  #isOver(entry: Entry): boolean {
    return freshness(entry, this.#clock.monotonicMs()) === 'expired';
  }

  #stale(entry: Entry, reason: StaleReason): Resolved {
    const ageMs = this.#clock.monotonicMs() - entry.term.sentMs;
    this.#diagnostics.emit('stale-served', { ref: entry.target.ref, version: entry.version, ageMs, reason });
    return { entry, staleReason: reason };
  }
}
