import { safeLifeMs } from '../cache/freshness.js';
import type { Diagnostics } from '../diagnostics.js';
import { asSecretsError } from '../errors/as-secrets-error.js';
import type { SecretsError } from '../errors/secrets-error.js';
import type { Lease } from '../model/lease.js';
import type { Grant, Session, SessionObserver } from '../provider/session.js';
import { withDeadline } from '../resilience/deadline.js';
import type { HostClock } from '../time/clock.js';
import type { LeaseManager } from './lease-manager.js';
import {
  isNearMaximum,
  isOver,
  phaseOf,
  plan,
  refetchAfterMs,
  retryAfterMs,
  shouldReplace,
} from './schedule.js';
import type { Ticket, TimerQueue } from './timer-queue.js';

/**
 * Keeps one provider's login alive as the lease manager keeps leases: renews it, logs in anew before it ends,
 * has the leases that were obtained under it replaced in time, and revokes it when it has none left.
 */
export class SessionKeeper implements SessionObserver {
  readonly #alias: string;
  readonly #leases: () => LeaseManager;
  readonly #queue: TimerQueue;
  readonly #clock: HostClock;
  readonly #limitMs: number;
  readonly #diagnostics: Diagnostics;
  readonly #phase: number;
  #session: Session | undefined;
  #ticket: Ticket | undefined;
  /** Logins that were followed by another and still have leases in use. */
  readonly #leaving = new Set<Grant>();
  #untilMs = Number.POSITIVE_INFINITY;
  #ttlMs = Number.POSITIVE_INFINITY;
  #failures = 0;
  #isClosed = false;

  constructor(parts: {
    readonly alias: string;
    readonly instance: string;
    readonly leases: () => LeaseManager;
    readonly queue: TimerQueue;
    readonly clock: HostClock;
    readonly limitMs: number;
    readonly diagnostics: Diagnostics;
  }) {
    this.#alias = parts.alias;
    this.#leases = parts.leases;
    this.#queue = parts.queue;
    this.#clock = parts.clock;
    this.#limitMs = parts.limitMs;
    this.#diagnostics = parts.diagnostics;
    this.#phase = phaseOf(parts.instance, parts.alias);
  }

  /** Gives the keeper the session that it observes. */
  keep(session: Session): void {
    this.#session = session;
  }

  started(grant: Grant, previous: Grant | undefined): void {
    this.#diagnostics.emit('session-started', { provider: this.#alias, ttlMs: grant.lease?.ttlMs });
    const leftMs = this.#untilMs - this.#clock.monotonicMs();
    this.#hold(grant, grant.lease, grant.sentMs);
    if (previous !== undefined) this.#succeed(previous, leftMs);
  }

  lost(grant: Grant): void {
    this.#queue.cancel(this.#ticket);
    this.#diagnostics.emit('session-lost', { provider: this.#alias });
    this.#leases().replaceChildren(grant, 0);
  }

  /** Keeps it no more; `revoke` ends it at the backend. */
  stop(): void {
    this.#isClosed = true;
    this.#queue.cancel(this.#ticket);
  }

  /** Revokes the login in use and those before it, last of all. Never rejects. */
  async revoke(limitMs: number): Promise<void> {
    const grant = this.#session?.grant;
    const grants = grant === undefined ? [...this.#leaving] : [...this.#leaving, grant];
    await Promise.all(grants.map((each) => this.#revoke(each, limitMs)));
  }

  #hold(grant: Grant, lease: Lease | undefined, sentMs: number): void {
    this.#queue.cancel(this.#ticket);
    this.#failures = 0;
    if (lease === undefined) {
      this.#untilMs = Number.POSITIVE_INFINITY;
      return;
    }
    this.#ttlMs = lease.ttlMs;
    this.#untilMs = sentMs + safeLifeMs(lease.ttlMs);
    const renewable = lease.handle?.renewable === true && this.#session?.contract.renew !== undefined;
    const next = plan({ lease, ttlMs: lease.ttlMs, renewable, cacheTtlMs: 0, consumed: false }, this.#phase);
    if (next === undefined) return;
    this.#wakeAt(sentMs + next.afterMs, () =>
      next.action === 'renew' ? this.#renew(grant) : this.#loginAnew(grant),
    );
  }

  async #renew(grant: Grant): Promise<void> {
    if (this.#isOut(grant)) return;
    const sentMs = this.#clock.monotonicMs();
    const askedMs = grant.lease?.ttlMs ?? 0;
    try {
      const lease = await withDeadline(
        async (signal) => {
          const options = { signal, clock: this.#clock, ttlMs: askedMs };
          return (await this.#session?.contract.renew?.(grant.credential, options)) as Lease;
        },
        { limitMs: this.#limitMs, clock: this.#clock },
      );
      if (this.#isOut(grant)) return;
      this.#hold(grant, lease, sentMs);
      this.#diagnostics.emit('session-renewed', { provider: this.#alias, ttlMs: lease.ttlMs });
      if (isNearMaximum(askedMs, lease.ttlMs)) await this.#loginAnew(grant);
    } catch (error) {
      if (this.#isOut(grant)) return;
      await this.#renewFailed(grant, asSecretsError(error, { ref: this.#alias, provider: this.#alias }));
    }
  }

  async #renewFailed(grant: Grant, failure: SecretsError): Promise<void> {
    if (failure.code === 'unauthenticated' || failure.code === 'lease-lost') {
      this.#report(failure, 0);
      this.#session?.lose(grant);
      return this.#loginAnew(undefined);
    }
    const remainingMs = this.#untilMs - this.#clock.monotonicMs();
    if (isOver(failure.code) || shouldReplace(this.#ttlMs, remainingMs)) {
      this.#report(failure, 0);
      return this.#loginAnew(grant);
    }
    this.#retry(failure, retryAfterMs(remainingMs, this.#clock.random(), failure.retryAfterMs), () =>
      this.#renew(grant),
    );
  }

  /** Logs in before `grant` ends (or when it is gone), and tries again until it succeeds. */
  async #loginAnew(grant: Grant | undefined): Promise<void> {
    if (this.#isClosed || this.#session?.grant !== grant) return;
    try {
      await withDeadline(async (signal) => this.#session?.renewLogin(signal), {
        limitMs: this.#limitMs,
        clock: this.#clock,
      });
    } catch (error) {
      if (this.#isClosed || this.#session?.grant !== grant) return;
      const failure = asSecretsError(error, { ref: this.#alias, provider: this.#alias });
      const remainingMs = this.#untilMs - this.#clock.monotonicMs();
      if (grant !== undefined && remainingMs <= 0) {
        this.#session?.lose(grant);
        this.#retry(failure, refetchAfterMs(0, this.#clock.random()), () => this.#loginAnew(undefined));
        return;
      }
      const random = this.#clock.random();
      const delayMs =
        grant === undefined
          ? refetchAfterMs(this.#failures, random, failure.retryAfterMs)
          : retryAfterMs(remainingMs, random, failure.retryAfterMs);
      this.#retry(failure, delayMs, () => this.#loginAnew(grant));
    }
  }

  /** Another login follows `previous`: what was leased under it is replaced while it lasts, then it is revoked. */
  #succeed(previous: Grant, leftMs: number): void {
    this.#leases().replaceChildren(previous, Math.max(1, leftMs / 2));
    this.#leaving.add(previous);
    this.#revokeWhenChildless(previous, leftMs);
  }

  #revokeWhenChildless(previous: Grant, leftMs: number): void {
    if (this.#isClosed) return;
    if (leftMs <= 0) {
      this.#leaving.delete(previous);
      return;
    }
    const pauseMs = Math.min(leftMs, 1_000);
    this.#queue.schedule(this.#clock.monotonicMs() + pauseMs, () => {
      if (this.#leases().hasChildren(previous)) this.#revokeWhenChildless(previous, leftMs - pauseMs);
      else void this.#revoke(previous, this.#limitMs);
    });
  }

  async #revoke(grant: Grant, limitMs: number): Promise<void> {
    this.#leaving.delete(grant);
    if (!grant.revocable) return;
    const revoked = withDeadline(
      async (signal) => this.#session?.contract.revoke?.(grant.credential, { signal, clock: this.#clock }),
      { limitMs, clock: this.#clock },
    );
    await revoked.catch(() => {});
  }

  #retry(failure: SecretsError, delayMs: number, run: () => Promise<void>): void {
    this.#failures++;
    this.#report(failure, delayMs);
    this.#wakeAt(this.#clock.monotonicMs() + delayMs, run);
  }

  #report(error: SecretsError, retryInMs: number): void {
    this.#diagnostics.emit('refresh-failed', { ref: this.#alias, code: error.code, error, retryInMs });
  }

  #wakeAt(atMs: number, run: () => Promise<void>): void {
    this.#queue.cancel(this.#ticket);
    this.#ticket = this.#queue.schedule(atMs, () => void run());
  }

  #isOut(grant: Grant): boolean {
    return this.#isClosed || this.#session?.grant !== grant;
  }
}
