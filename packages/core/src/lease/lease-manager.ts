import type { Entry } from '../cache/entry.js';
import { termOf } from '../cache/freshness.js';
import type { SecretCache } from '../cache/secret-cache.js';
import type { Settings } from '../config.js';
import type { Diagnostics } from '../diagnostics.js';
import { asSecretsError } from '../errors/as-secrets-error.js';
import type { SecretsError } from '../errors/secrets-error.js';
import type { Router } from '../provider/router.js';
import type { Grant } from '../provider/session.js';
import type { Target } from '../provider/target.js';
import { withDeadline } from '../resilience/deadline.js';
import type { Resolver } from '../resolver.js';
import type { HostClock } from '../time/clock.js';
import type { ConsumerSlot } from './consumers.js';
import { followHints } from './hints.js';
import type { Revocations } from './revocations.js';
import { isNearMaximum, isOver, plan, refetchAfterMs, retryAfterMs, shouldReplace } from './schedule.js';
import type { TimerQueue } from './timer-queue.js';
import type { Tracked, TrackedTargets } from './tracked.js';

/** How many versions may be refused within how long before no more are fetched on that account. */
const MOST_REFUSED = 5;
const REFUSED_WINDOW_MS = 10_000;

/**
 * The push path: keeps leases alive and replaces, through the pull path, what cannot be kept. With the session
 * keeper it is the only owner of the timer queue.
 *
 * No locks: whatever was begun for one version checks, when it comes back, that this version is still the one
 * in service.
 */
export class LeaseManager {
  readonly #targets: TrackedTargets;
  readonly #cache: SecretCache;
  readonly #router: Router;
  readonly #resolver: Resolver;
  readonly #revocations: Revocations;
  readonly #queue: TimerQueue;
  readonly #clock: HostClock;
  readonly #settings: Settings;
  readonly #diagnostics: Diagnostics;
  #isClosed = false;

  constructor(parts: {
    readonly targets: TrackedTargets;
    readonly cache: SecretCache;
    readonly router: Router;
    readonly resolver: Resolver;
    readonly revocations: Revocations;
    readonly queue: TimerQueue;
    readonly clock: HostClock;
    readonly settings: Settings;
    readonly diagnostics: Diagnostics;
  }) {
    this.#targets = parts.targets;
    this.#cache = parts.cache;
    this.#router = parts.router;
    this.#resolver = parts.resolver;
    this.#revocations = parts.revocations;
    this.#queue = parts.queue;
    this.#clock = parts.clock;
    this.#settings = parts.settings;
    this.#diagnostics = parts.diagnostics;
  }

  /** Adds somebody who holds on to `target`: from now on it is kept up to date in the background. */
  consume(target: Target, slot: ConsumerSlot): void {
    const tracked = this.#targets.track(target);
    tracked.consumers.add(slot);
    if (tracked.consumers.size > 1) return;
    this.#cache.keep(target.ref, true);
    this.#followHints(tracked);
    this.schedule(tracked, undefined);
  }

  /** Somebody holds on to `target` no more. */
  leave(target: Target, slot: ConsumerSlot): void {
    const tracked = this.#targets.get(target);
    if (!tracked?.consumers.delete(slot) || tracked.consumers.size > 0) return;
    tracked.watching?.abort();
    this.#targets.dropIfIdle(tracked);
  }

  /** Fetches `target` for its consumers in the background, again and again until it succeeds. */
  start(target: Target): void {
    void this.#replace(this.#targets.track(target));
  }

  /**
   * A backend refuses `version`: fetches another, once for all that say so. When many versions in a row are
   * refused, the fault is not theirs, and the one in service is kept rather than new ones made.
   */
  async replaceRefused(target: Target, version: string): Promise<Entry> {
    const tracked = this.#targets.track(target);
    const { entry } = tracked;
    if (entry !== undefined && entry.version !== version) return entry;
    const recent = this.#resolver.refusalOf(target);
    if (recent !== undefined) throw recent;
    const nowMs = this.#clock.monotonicMs();
    const isInRow = nowMs - tracked.refused.sinceMs < REFUSED_WINDOW_MS;
    const count = isInRow ? tracked.refused.count + 1 : 1;
    if (count > MOST_REFUSED && entry !== undefined) return entry;
    tracked.refused = { count, sinceMs: isInRow ? tracked.refused.sinceMs : nowMs };
    return this.#resolver.load(target, { retry: true });
  }

  /** Schedules what comes next for the version that has come into service in the place of `held`. */
  schedule(tracked: Tracked, held: Entry | undefined): void {
    this.#queue.cancel(tracked.ticket);
    tracked.ticket = undefined;
    const { entry, target } = tracked;
    if (entry === undefined || this.#isClosed) return;
    if (this.#isOverdue(entry, held)) {
      this.#recheck(tracked, entry);
      return;
    }
    tracked.failures = 0;
    const next = plan(
      {
        lease: entry.lease,
        ttlMs: entry.ttlMs,
        renewable: entry.handle?.renewable === true && this.#router.route(target).runtime.canRenew,
        cacheTtlMs: this.#settings.cache.ttlMs,
        consumed: tracked.consumers.size > 0,
      },
      tracked.phase,
    );
    if (next === undefined) return;
    const act = next.action === 'renew' ? () => this.#renew(tracked) : () => this.#replace(tracked);
    this.#wakeAt(tracked, entry.term.sentMs + next.afterMs, act);
  }

  /** Replaces what was leased under a login: at once when the login is dead, else spread over `withinMs`. */
  replaceChildren(grant: Grant, withinMs: number): void {
    for (const tracked of this.#childrenOf(grant)) {
      if (withinMs === 0) tracked.entry?.end();
      const atMs = this.#clock.monotonicMs() + withinMs * this.#clock.random();
      this.#wakeAt(tracked, atMs, () => this.#replace(tracked));
    }
  }

  /** Whether a lease that is in service, or not yet let go of, was obtained under `grant`. */
  hasChildren(grant: Grant): boolean {
    return (
      this.#childrenOf(grant).length > 0 || [...this.#targets.leaving].some((entry) => entry.grant === grant)
    );
  }

  /** How many hold on to `target`, and how many of them are at the version in service. */
  consumersOf(target: Target): { readonly total: number; readonly adopted: number } {
    const { consumers, entry } = this.#targets.get(target) ?? {};
    const adopted = [...(consumers ?? [])].filter((slot) => slot.adopted?.version === entry?.version);
    return { total: consumers?.size ?? 0, adopted: adopted.length };
  }

  /** The targets that somebody holds on to and that have no usable version. */
  unserved(): Target[] {
    const nowMs = this.#clock.monotonicMs();
    return this.#targets
      .all()
      .filter(
        ({ consumers, entry }) =>
          consumers.size > 0 && !(entry !== undefined && nowMs < entry.term.usableUntilMs),
      )
      .map(({ target }) => target);
  }

  /** Stops all background work; the leases stay as they are. */
  stop(reason: SecretsError): void {
    this.#isClosed = true;
    for (const tracked of this.#targets.all()) {
      this.#queue.cancel(tracked.ticket);
      tracked.watching?.abort(reason);
    }
  }

  /** Has every consumer let go; those that take too long are told to cut it short when `cut` aborts. */
  async releaseConsumers(cut: AbortSignal): Promise<void> {
    const slots = this.#targets.all().flatMap(({ consumers }) => [...consumers]);
    await Promise.allSettled(slots.map((slot) => slot.release(cut)));
  }

  /** Revokes every lease, those that wait for another try included. */
  async revokeAll(): Promise<void> {
    const entries = this.#targets.all().flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
    await Promise.all([
      ...entries.map((entry) => this.#revocations.revoke(entry)),
      this.#revocations.finish(),
    ]);
  }

  #childrenOf(grant: Grant): Tracked[] {
    return this.#targets.all().filter(({ entry }) => entry?.grant === grant);
  }

  #wakeAt(tracked: Tracked, atMs: number, act: () => Promise<void>): void {
    this.#queue.cancel(tracked.ticket);
    tracked.ticket = this.#queue.schedule(atMs, () => void act());
  }

  /** Whether a static role is past its boundary and still shows the old marker: its rotation runs late at the store. */
  #isOverdue(entry: Entry, held: Entry | undefined): boolean {
    if (entry.lease?.end !== 'rotates' || held?.version !== entry.version) return false;
    return this.#clock.monotonicMs() >= held.term.freshUntilMs;
  }

  #recheck(tracked: Tracked, entry: Entry): void {
    tracked.failures++;
    const atMs =
      this.#clock.monotonicMs() + refetchAfterMs(Math.min(tracked.failures, 3), this.#clock.random());
    entry.recheckAt(atMs);
    if (tracked.consumers.size > 0) this.#wakeAt(tracked, atMs, () => this.#replace(tracked));
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
    const remainingMs = entry.term.usableUntilMs - sent.sentMs;
    if (remainingMs <= 0) return this.#replace(tracked);
    try {
      const { runtime } = this.#router.route(target);
      const lease = await withDeadline((signal) => runtime.renew(target.ref, id, askedMs, signal), {
        limitMs: this.#attemptMs(remainingMs),
        clock: this.#clock,
      });
      if (tracked.entry !== entry || this.#isClosed) return;
      entry.extend(lease, termOf(sent, lease, this.#settings.cache));
      this.#diagnostics.emit('lease-renewed', {
        ref: target.ref,
        version: entry.version,
        ttlMs: lease.ttlMs,
      });
      if (isNearMaximum(askedMs, lease.ttlMs)) await this.#replace(tracked);
      else this.schedule(tracked, undefined);
    } catch (error) {
      if (tracked.entry !== entry || this.#isClosed) return;
      await this.#renewFailed(
        tracked,
        entry,
        asSecretsError(error, { ref: target.ref, provider: target.alias }),
      );
    }
  }

  async #renewFailed(tracked: Tracked, entry: Entry, failure: SecretsError): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const remainingMs = entry.term.usableUntilMs - nowMs;
    if (failure.code === 'lease-lost') entry.end();
    if (isOver(failure.code) || shouldReplace(entry.ttlMs ?? 0, remainingMs)) {
      this.#report(tracked, failure, 0);
      return this.#replace(tracked);
    }
    const delayMs = retryAfterMs(remainingMs, this.#clock.random(), failure.retryAfterMs);
    this.#report(tracked, failure, delayMs);
    this.#wakeAt(tracked, nowMs + delayMs, () => this.#renew(tracked));
  }

  /** Fetches anew. The pull path has what comes admitted; a failure is tried again while anybody needs it. */
  async #replace(tracked: Tracked): Promise<void> {
    const { entry, target } = tracked;
    if (this.#isClosed) return;
    try {
      const remainingMs = entry === undefined ? 0 : entry.term.usableUntilMs - this.#clock.monotonicMs();
      await this.#resolver.load(target, { retry: false, limitMs: this.#attemptMs(remainingMs) });
    } catch (error) {
      if (tracked.entry !== entry || this.#isClosed) return;
      this.#replaceFailed(tracked, asSecretsError(error, { ref: target.ref, provider: target.alias }));
    }
  }

  #replaceFailed(tracked: Tracked, failure: SecretsError): void {
    const nowMs = this.#clock.monotonicMs();
    const { entry } = tracked;
    const remainingMs = entry === undefined ? 0 : entry.term.usableUntilMs - nowMs;
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
    this.#wakeAt(tracked, nowMs + delayMs, () => this.#replace(tracked));
  }

  /** Nothing may be handed out any more; the next version is fetched while somebody needs it. */
  #expire(tracked: Tracked, entry: Entry): void {
    const { target, version } = entry;
    if (entry.lease !== undefined) this.#diagnostics.emit('lease-expired', { ref: target.ref, version });
    this.#cache.drop(entry);
    tracked.entry = undefined;
    this.#router.route(target).runtime.retire(target.ref, entry.values());
  }

  #report(tracked: Tracked, error: SecretsError, retryInMs: number | undefined): void {
    this.#diagnostics.emit('refresh-failed', { ref: tracked.target.ref, code: error.code, error, retryInMs });
  }

  #followHints(tracked: Tracked): void {
    const { runtime } = this.#router.route(tracked.target);
    if (!runtime.canWatch || this.#isClosed) return;
    tracked.watching = new AbortController();
    void followHints(runtime, tracked.target, {
      clock: this.#clock,
      signal: tracked.watching.signal,
      changed: () => {
        if (tracked.entry !== undefined) void this.#replace(tracked);
      },
    });
  }
}
