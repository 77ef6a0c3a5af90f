import type { Entry } from '../cache/entry.js';
import type { SecretCache } from '../cache/secret-cache.js';
import type { ErrorCode } from '../errors/error-policy.js';
import { isSecretsError, type SecretsError } from '../errors/secrets-error.js';
import type { Router } from '../provider/router.js';
import type { Grant } from '../provider/session.js';
import type { Target } from '../provider/target.js';
import type { Resolver } from '../resolver.js';
import type { Clock } from '../time/clock.js';
import type { ConsumerSlot } from './consumer-slot.js';
import { followHints } from './hints.js';
import type { Revocations } from './revocations.js';
import type { Tracked, TrackedTargets } from './tracked.js';
import type { Upkeep } from './upkeep.js';

/** How many versions may be fetched within how long because a backend refused the one in service. */
const MOST_REFUSED = 5;
const REFUSED_WINDOW_MS = 10_000;

/**
 * The push path: knows who holds on to which secret, and has what they hold kept alive and replaced in time. With
 * the session keeper it is the only place where a rotation is noticed.
 */
export class LeaseManager {
  readonly #targets: TrackedTargets;
  readonly #upkeep: Upkeep;
  readonly #cache: SecretCache;
  readonly #router: Router;
  readonly #resolver: Resolver;
  readonly #revocations: Revocations;
  readonly #clock: Clock;
  readonly #followsHints: boolean;

  constructor(parts: {
    readonly targets: TrackedTargets;
    readonly upkeep: Upkeep;
    readonly cache: SecretCache;
    readonly router: Router;
    readonly resolver: Resolver;
    readonly revocations: Revocations;
    readonly clock: Clock;
    /** Whether providers that give hints are listened to. */
    readonly followsHints: boolean;
  }) {
    this.#targets = parts.targets;
    this.#upkeep = parts.upkeep;
    this.#cache = parts.cache;
    this.#router = parts.router;
    this.#resolver = parts.resolver;
    this.#revocations = parts.revocations;
    this.#clock = parts.clock;
    this.#followsHints = parts.followsHints;
  }

  /** Adds somebody who holds on to `target`: from now on it is kept up to date in the background. */
  consume(target: Target, slot: ConsumerSlot): void {
    const tracked = this.#targets.track(target);
    tracked.consumers.add(slot);
    if (tracked.consumers.size > 1) return;
    this.#cache.keep(target.ref, true);
    this.#followHints(tracked);
    // What has a handle is kept alive without consumers too: its next action, and any wait after a failure, stands.
    if (tracked.entry?.handle === undefined) this.#upkeep.schedule(tracked, undefined);
  }

  /** Somebody holds on to `target` no more. */
  leave(target: Target, slot: ConsumerSlot): void {
    const tracked = this.#targets.get(target);
    if (!tracked?.consumers.delete(slot) || tracked.consumers.size > 0) return;
    tracked.watching?.abort();
    const over = tracked.entry === undefined ? this.#cache.get(target.ref) : undefined;
    if (over?.handle !== undefined) this.#upkeep.forget(over);
    this.#targets.dropIfIdle(tracked);
  }

  /** A consumer of `target` could not be served: says so, and fetches in the background until it can be. */
  failedToServe(target: Target, failure: SecretsError): void {
    const tracked = this.#targets.get(target);
    if (tracked !== undefined) this.#upkeep.couldNotServe(tracked, failure);
  }

  /**
   * A backend refuses `version`: fetches another, once for all that say so. When many in a row are refused, the
   * fault is not theirs, and the one in service is kept rather than new ones made.
   *
   * Whoever revokes one version may have revoked its successor on the way as well: one that cannot be proven is
   * followed by another at once, since what is in service no longer serves.
   */
  async replaceRefused(target: Target, version: string): Promise<Entry> {
    const tracked = this.#targets.track(target);
    const { entry } = tracked;
    if (entry !== undefined && entry.version !== version) return entry;
    if (!this.#resolver.isLoading(target)) {
      const recent = this.#resolver.refusalOf(target);
      if (recent !== undefined) throw recent;
      if (entry !== undefined && !this.#mayFetchAnother(tracked)) return entry;
    }
    try {
      return await this.#resolver.load(target, { retry: true });
    } catch (error) {
      const isUnproven = isSecretsError(error) && error.code === 'invalid-value';
      const mayJoin = this.#resolver.isLoading(target);
      if (!isUnproven || !(mayJoin || this.#mayFetchAnother(tracked))) throw error;
      return this.#resolver.load(target, { retry: true });
    }
  }

  /** Has `target` fetched before its turn. */
  replaceNow(target: Target): void {
    const tracked = this.#targets.get(target);
    if (tracked !== undefined) void this.#upkeep.replace(tracked);
  }

  /** Another login follows `grant`, or it is lost: what was leased under it is replaced while it lasts. */
  replaceChildren(grant: Grant): void {
    for (const tracked of this.#childrenOf(grant)) this.#upkeep.replaceBefore(tracked, grant.untilMs);
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

  /** Why the last attempt to keep `target` up to date failed; undefined when it succeeded. */
  failureOf(target: Target): ErrorCode | undefined {
    return this.#targets.get(target)?.failing;
  }

  /** The targets that somebody holds on to and that have no usable version. */
  unserved(): Target[] {
    const nowMs = this.#clock.monotonicMs();
    return this.#targets
      .all()
      .filter(
        ({ consumers, entry }) => consumers.size > 0 && !(entry !== undefined && nowMs < entry.usableUntilMs),
      )
      .map(({ target }) => target);
  }

  /** Stops all background work; the leases stay as they are. */
  stop(reason: SecretsError): void {
    this.#upkeep.stop(reason);
    for (const { watching } of this.#targets.all()) watching?.abort(reason);
  }

  /** Has every consumer let go; those that take too long are told to cut it short when `cut` aborts. */
  async releaseConsumers(cut: AbortSignal): Promise<void> {
    const slots = this.#targets.all().flatMap(({ consumers }) => [...consumers]);
    await Promise.allSettled(slots.map((slot) => slot.release(cut)));
  }

  /** Revokes every lease, those that wait for another try included. */
  async revokeAll(): Promise<void> {
    const entries = this.#targets
      .all()
      .flatMap(({ entry, target }) => entry ?? this.#cache.get(target.ref) ?? []);
    await Promise.all(entries.map((entry) => this.#revocations.revoke(entry)));
    await this.#revocations.finish();
  }

  #childrenOf(grant: Grant): Tracked[] {
    return this.#targets.all().filter(({ entry }) => entry?.grant === grant);
  }

  /** Counts fetches for refused versions, so that a database that refuses everything costs no flood of them. */
  #mayFetchAnother(tracked: Tracked): boolean {
    const nowMs = this.#clock.monotonicMs();
    const isInRow = nowMs - tracked.refused.sinceMs < REFUSED_WINDOW_MS;
    const { count, sinceMs } = isInRow ? tracked.refused : { count: 0, sinceMs: nowMs };
    if (count < MOST_REFUSED) tracked.refused = { count: count + 1, sinceMs };
    return count < MOST_REFUSED;
  }

  #followHints(tracked: Tracked): void {
    const [route] = this.#router.routes(tracked.target);
    if (!this.#followsHints || !route.runtime.canWatch || this.#upkeep.isStopped) return;
    tracked.watching = new AbortController();
    void followHints(route, tracked.target, {
      clock: this.#clock,
      signal: tracked.watching.signal,
      changed: () => this.#changed(tracked),
    });
  }

  /** A load under way may have read what was there before the change: it is waited for, not joined. */
  async #changed(tracked: Tracked): Promise<void> {
    if (tracked.entry === undefined) return;
    await this.#resolver.settled(tracked.target);
    if (tracked.watching?.signal.aborted === false) await this.#upkeep.replace(tracked);
  }
}
