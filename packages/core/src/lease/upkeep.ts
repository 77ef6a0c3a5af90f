import type { Entry } from '../cache/entry.js';
import { termOf } from '../cache/freshness.js';
import type { SecretCache } from '../cache/secret-cache.js';
import { sharedAbort } from '../concurrency/shared-abort.js';
import type { Settings } from '../config.js';
import type { Diagnostics } from '../diagnostics.js';
import { asSecretsError } from '../errors/as-secrets-error.js';
import type { SecretsError } from '../errors/secrets-error.js';
import type { Lease } from '../model/lease.js';
import type { Resolver } from '../resolver.js';
import type { HostClock } from '../time/clock.js';
import type { Revocations } from './revocations.js';
import { isNearMaximum, isOver, plan, refetchAfterMs, retryAfterMs, shouldReplace } from './schedule.js';
import type { TimerQueue } from './timer-queue.js';
import type { Tracked, TrackedTargets } from './tracked.js';

/** What {@link Upkeep} is wired from. */
export interface UpkeepParts {
  readonly targets: TrackedTargets;
  readonly cache: SecretCache;
  readonly resolver: Resolver;
  readonly revocations: Revocations;
  readonly queue: TimerQueue;
  readonly clock: HostClock;
  readonly settings: Settings;
  readonly diagnostics: Diagnostics;
}

/**
 * Keeps the version in service of each target alive: renews its lease, and replaces through the pull path what
 * cannot be renewed.
 *
 * No locks: whatever was begun for one version checks, when it comes back, that this version is still the one
 * in service.
 */
export class Upkeep {
  readonly #targets: TrackedTargets;
  readonly #cache: SecretCache;
  readonly #resolver: Resolver;
  readonly #revocations: Revocations;
  readonly #queue: TimerQueue;
  readonly #clock: HostClock;
  readonly #settings: Settings;
  readonly #diagnostics: Diagnostics;
  readonly #stopped = sharedAbort();

  constructor(parts: UpkeepParts) {
    this.#targets = parts.targets;
    this.#cache = parts.cache;
    this.#resolver = parts.resolver;
    this.#revocations = parts.revocations;
    this.#queue = parts.queue;
    this.#clock = parts.clock;
    this.#settings = parts.settings;
    this.#diagnostics = parts.diagnostics;
  }

  get isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** Does what is due for `tracked`. */
  act(tracked: Tracked): void {
    void (tracked.action === 'renew' ? this.#renew(tracked) : this.replace(tracked));
  }

  /** Does nothing more; what is under way is aborted. */
  stop(reason: SecretsError): void {
    this.#stopped.abort(reason);
    for (const tracked of this.#targets.all()) this.#queue.cancel(tracked);
  }

  /** Schedules what comes next for the version that has come into service in the place of `held`. */
  schedule(tracked: Tracked, held: Entry | undefined): void {
    this.#queue.cancel(tracked);
    const { entry } = tracked;
    if (entry === undefined || this.isStopped) return;
    if (this.#isOverdue(entry, held)) {
      this.#recheck(tracked, entry);
      return;
    }
    tracked.failures = 0;
    tracked.failing = undefined;
    const { runtime } = entry.route;
    const next = plan(
      {
        lease: entry.lease,
        ttlMs: entry.ttlMs,
        renewable: entry.handle?.renewable === true && runtime.canRenew,
        cacheTtlMs: this.#settings.policyOf(entry.target).ttlMs,
        consumed: tracked.consumers.size > 0,
      },
      tracked.phase,
    );
    if (next === undefined) return;
    const action = next.action === 'renew' ? 'renew' : 'replace';
    this.#wakeAt(tracked, entry.term.sentMs + next.afterMs, action);
    const { grant } = entry;
    if (grant !== undefined && grant !== runtime.session?.grant) this.replaceBefore(tracked, grant.untilMs);
  }

  /** Replaces it at a random moment in the first half of the time until `untilMs`, or earlier if that was planned. */
  replaceBefore(tracked: Tracked, untilMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    const atMs = nowMs + (Math.max(0, untilMs - nowMs) / 2) * this.#clock.random();
    const plannedMs = this.#queue.has(tracked) ? tracked.atMs : Number.POSITIVE_INFINITY;
    this.#wakeAt(tracked, Math.min(atMs, plannedMs), 'replace');
  }

  /** Fetches anew. The pull path has what comes admitted; a failure is tried again while anybody needs it. */
  async replace(tracked: Tracked): Promise<void> {
    const { entry, target } = tracked;
    if (this.isStopped) return;
    try {
      const remainingMs = entry === undefined ? 0 : entry.usableUntilMs - this.#clock.monotonicMs();
      const throughBreaker = entry?.lease !== undefined;
      await this.#resolver.load(target, {
        retry: false,
        throughBreaker,
        limitMs: this.#attemptMs(remainingMs),
      });
    } catch (error) {
      if (tracked.entry !== entry || !this.#targets.isCurrent(tracked) || this.isStopped) return;
      this.#failed(tracked, asSecretsError(error, { ref: target.ref, provider: target.alias }));
    }
  }

  /** A consumer could not be served: says so, and fetches until it can be, unless that is under way. */
  couldNotServe(tracked: Tracked, failure: SecretsError): void {
    if (this.isStopped) return;
    if (tracked.entry === undefined && !this.#queue.has(tracked)) this.#failed(tracked, failure);
    else this.#report(tracked, failure, undefined);
  }

  /** Whether a static role is past its boundary and still shows the old marker: its rotation runs late at the store. */
  #isOverdue(entry: Entry, held: Entry | undefined): boolean {
    if (entry.lease?.end !== 'rotates' || held?.version !== entry.version) return false;
    return this.#clock.monotonicMs() >= held.freshUntilMs;
  }

  #recheck(tracked: Tracked, entry: Entry): void {
    tracked.failures++;
    const atMs =
      this.#clock.monotonicMs() + refetchAfterMs(Math.min(tracked.failures, 3), this.#clock.random());
    entry.recheckAt(atMs);
    if (tracked.consumers.size > 0) this.#wakeAt(tracked, atMs, 'replace');
  }

  /** How long one attempt may take while a lease runs out: a store that hangs must leave time for another. */
  #attemptMs(remainingMs: number): number {
    const { attemptTimeoutMs } = this.#settings.guard;
    return remainingMs <= 0 ? attemptTimeoutMs : Math.min(attemptTimeoutMs, Math.max(1_000, remainingMs / 3));
  }

  async #renew(tracked: Tracked): Promise<void> {
    const { entry, target } = tracked;
    if (entry?.handle === undefined || entry.lease === undefined) return;
    const { id } = entry.handle;
    const askedMs = entry.lease.ttlMs;
    const sent = { sentMs: this.#clock.monotonicMs(), sentWallMs: this.#clock.wallMs() };
    const remainingMs = entry.usableUntilMs - sent.sentMs;
    if (remainingMs <= 0) return this.replace(tracked);
    try {
      const { runtime, failover } = entry.route;
      const lease = await failover.run((attempt) => runtime.renew(target.ref, id, askedMs, attempt), {
        limitMs: this.#attemptMs(remainingMs),
        clock: this.#clock,
        signal: this.#stopped.signal,
        hold: false,
        throughBreaker: true,
      });
      // What a lease does at its end does not change.
      const term = termOf(
        sent,
        { ...lease, end: entry.lease.end ?? 'expires' },
        this.#settings.policyOf(target),
      );
      if (tracked.entry !== entry || this.isStopped) return this.#renewedInVain(entry, lease, id);
      entry.extend(lease, term);
      this.#resolver.forgive(target);
      this.#diagnostics.emit('lease-renewed', {
        ref: target.ref,
        version: entry.version,
        ttlMs: lease.ttlMs,
      });
      if (isNearMaximum(askedMs, lease.ttlMs)) await this.replace(tracked);
      else this.schedule(tracked, undefined);
    } catch (error) {
      if (tracked.entry !== entry || this.isStopped) return;
      await this.#renewFailed(
        tracked,
        entry,
        asSecretsError(error, { ref: target.ref, provider: target.alias }),
      );
    }
  }

  /** Another version has come into service meanwhile; the lease may have another id now, by which nobody revoked it. */
  #renewedInVain(entry: Entry, lease: Lease, id: string): void {
    if (this.isStopped || lease.handle === undefined || lease.handle.id === id) return;
    entry.extend(lease, entry.term);
    void this.#revocations.revoke(entry);
  }

  async #renewFailed(tracked: Tracked, entry: Entry, failure: SecretsError): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const remainingMs = entry.usableUntilMs - nowMs;
    if (failure.code === 'lease-lost') entry.end();
    if (isOver(failure.code) || shouldReplace(entry.ttlMs ?? 0, remainingMs)) {
      this.#report(tracked, failure, 0);
      return this.replace(tracked);
    }
    const delayMs = retryAfterMs(remainingMs, this.#clock.random(), failure.retryAfterMs);
    this.#report(tracked, failure, delayMs);
    this.#wakeAt(tracked, nowMs + delayMs, 'renew');
  }

  /** A fetch failed: it is tried again while the version lasts or somebody needs the next. */
  #failed(tracked: Tracked, failure: SecretsError): void {
    const nowMs = this.#clock.monotonicMs();
    const { entry } = tracked;
    const remainingMs = entry === undefined ? 0 : entry.usableUntilMs - nowMs;
    if (remainingMs <= 0 && entry !== undefined) this.#expire(tracked, entry);
    if (tracked.entry === undefined && tracked.consumers.size === 0) {
      this.#report(tracked, failure, undefined);
      this.#targets.dropIfIdle(tracked);
      return;
    }
    tracked.failures++;
    const expires = tracked.entry?.lease !== undefined && tracked.entry.lease.end !== 'rotates';
    const random = this.#clock.random();
    const delayMs = expires
      ? retryAfterMs(remainingMs, random, failure.retryAfterMs)
      : refetchAfterMs(tracked.failures, random, failure.retryAfterMs);
    this.#report(tracked, failure, delayMs);
    this.#wakeAt(tracked, nowMs + delayMs, 'replace');
  }

  /**
   * Nothing may be handed out any more; the next version is fetched while somebody needs it. Until then the cache
   * keeps this one, so that its lease, which the store may believe in for longer, is revoked when all let go of it.
   */
  #expire(tracked: Tracked, entry: Entry): void {
    const { target, version } = entry;
    if (entry.lease !== undefined) this.#diagnostics.emit('lease-expired', { ref: target.ref, version });
    entry.end();
    tracked.entry = undefined;
    if (tracked.consumers.size === 0) this.forget(entry);
  }

  /** Nobody has a use for a version that is over: its lease, which the store may believe in for longer, is revoked. */
  forget(entry: Entry): void {
    this.#cache.drop(entry);
    void this.#revocations.revoke(entry);
    entry.route.runtime.retire(entry.target.ref, entry, undefined);
  }

  /** Says what failed, to listeners and to the inventory. */
  #report(tracked: Tracked, error: SecretsError, retryInMs: number | undefined): void {
    tracked.failing = error.code;
    this.#diagnostics.emit('refresh-failed', { ref: tracked.target.ref, code: error.code, error, retryInMs });
  }

  #wakeAt(tracked: Tracked, atMs: number, action: Tracked['action']): void {
    tracked.action = action;
    this.#queue.put(tracked, atMs);
  }
}
