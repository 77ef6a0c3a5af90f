import { safeLifeMs } from '../cache/freshness.js';
import { sharedAbort } from '../concurrency/shared-abort.js';
import type { Diagnostics } from '../diagnostics.js';
import { asSecretsError } from '../errors/as-secrets-error.js';
import type { SecretsError } from '../errors/secrets-error.js';
import { checkLease, type Lease } from '../model/lease.js';
import type { Attempt } from '../provider/attempt.js';
import type { Grant, Session, SessionObserver } from '../provider/session.js';
import type { Failover } from '../resilience/failover.js';
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
import type { Task, TimerQueue } from './timer-queue.js';

/**
 * The shortest turn in which a login is renewed or replaced, in milliseconds. One that comes from outside gives
 * less each time that it is asked for, and would be asked for in ever shorter turns.
 */
const SHORTEST_TURN_MS = 1_000;

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
  #kept: { readonly session: Session; readonly failover: Failover } | undefined;
  #task: Task | undefined;
  /** Logins that were followed by another and still have leases in use. */
  readonly #leaving = new Set<Grant>();
  readonly #stopped = sharedAbort();
  #ttlMs = Number.POSITIVE_INFINITY;
  #failures = 0;

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

  /** Gives the keeper the session that it observes, and the way to its backend. */
  keep(session: Session, failover: Failover): void {
    this.#kept = { session, failover };
  }

  started(grant: Grant, previous: Grant | undefined): void {
    this.#diagnostics.emit('session-started', { provider: this.#alias, ttlMs: grant.lease?.ttlMs });
    this.#hold(grant, grant.lease, grant.sentMs);
    if (previous !== undefined) this.#succeed(previous);
  }

  lost(grant: Grant): void {
    this.#queue.cancel(this.#task);
    this.#diagnostics.emit('session-lost', { provider: this.#alias });
    this.#leases().replaceChildren(grant);
  }

  /** Keeps it no more; `end` ends it at the backend. */
  stop(reason: SecretsError): void {
    this.#stopped.abort(reason);
    this.#queue.cancel(this.#task);
  }

  /** Revokes the login in use and those before it, last of all, and allows no other. Never rejects. */
  async end(reason: SecretsError, limitMs: number): Promise<void> {
    const grant = this.#kept?.session.grant;
    const grants = grant === undefined ? [...this.#leaving] : [...this.#leaving, grant];
    await Promise.all(grants.map((each) => this.#revoke(each, limitMs)));
    this.#kept?.session.close(reason);
  }

  #hold(grant: Grant, lease: Lease | undefined, sentMs: number): void {
    this.#queue.cancel(this.#task);
    this.#failures = 0;
    if (lease === undefined) return;
    this.#ttlMs = lease.ttlMs;
    grant.untilMs = sentMs + safeLifeMs(lease.ttlMs);
    const { renewable = false } = lease.handle ?? grant.lease?.handle ?? {};
    const canRenew = renewable && this.#kept?.session.contract.renew !== undefined;
    const facts = { lease, ttlMs: lease.ttlMs, renewable: canRenew, cacheTtlMs: 0, consumed: false };
    const next = plan(facts, this.#phase);
    if (next === undefined) return;
    const atMs = Math.max(sentMs + next.afterMs, this.#clock.monotonicMs() + SHORTEST_TURN_MS);
    this.#wakeAt(atMs, () => (next.action === 'renew' ? this.#renew(grant) : this.#loginAnew(grant)));
  }

  async #renew(grant: Grant): Promise<void> {
    if (this.#isOut(grant)) return;
    const sentMs = this.#clock.monotonicMs();
    const askedMs = grant.lease?.ttlMs ?? 0;
    try {
      const lease = await this.#call(async (session, attempt) =>
        session.contract.renew?.(grant.credential, { ...session.optionsOf(attempt), ttlMs: askedMs }),
      );
      if (this.#isOut(grant)) return;
      checkLease(lease);
      this.#hold(grant, lease, sentMs);
      this.#diagnostics.emit('session-renewed', { provider: this.#alias, ttlMs: lease.ttlMs });
      if (isNearMaximum(askedMs, lease.ttlMs)) await this.#loginAnew(grant);
    } catch (error) {
      if (this.#isOut(grant)) return;
      await this.#renewFailed(grant, asSecretsError(error, { ref: this.#alias, provider: this.#alias }));
    }
  }

  async #renewFailed(grant: Grant, failure: SecretsError): Promise<void> {
    const isDead = failure.code === 'lease-lost' || (await this.#isDead(grant, failure));
    if (this.#isOut(grant)) return;
    if (isDead) {
      this.#report(failure, 0);
      this.#kept?.session.lose(grant);
      return this.#loginAnew(undefined);
    }
    const remainingMs = grant.untilMs - this.#clock.monotonicMs();
    if (isOver(failure.code) || shouldReplace(this.#ttlMs, remainingMs)) {
      this.#report(failure, 0);
      return this.#loginAnew(grant);
    }
    this.#retry(failure, retryAfterMs(remainingMs, this.#clock.random(), failure.retryAfterMs), () =>
      this.#renew(grant),
    );
  }

  async #isDead(grant: Grant, failure: SecretsError): Promise<boolean> {
    return this.#call((session, attempt) => session.isDead(grant, failure, attempt)).catch(() => false);
  }

  /** Logs in before `grant` ends (or when it is gone), and tries again until it succeeds. */
  async #loginAnew(grant: Grant | undefined): Promise<void> {
    if (this.#isOut(grant)) return;
    try {
      await this.#call((session, attempt) => session.renewLogin(attempt));
    } catch (error) {
      if (this.#isOut(grant)) return;
      const failure = asSecretsError(error, { ref: this.#alias, provider: this.#alias });
      const remainingMs = (grant?.untilMs ?? 0) - this.#clock.monotonicMs();
      if (grant !== undefined && remainingMs <= 0) {
        this.#kept?.session.lose(grant);
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
  #succeed(previous: Grant): void {
    this.#leases().replaceChildren(previous);
    this.#leaving.add(previous);
    // Over by our clock before it was followed: that may have been set forward, and the store still know it.
    const isOver = Number.isFinite(previous.untilMs) && this.#clock.monotonicMs() >= previous.untilMs;
    if (isOver) void this.#revoke(previous, this.#limitMs);
    else this.#revokeWhenChildless(previous);
  }

  #revokeWhenChildless(previous: Grant): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs >= previous.untilMs) {
      this.#leaving.delete(previous);
      return;
    }
    this.#queue.schedule(Math.min(previous.untilMs, nowMs + SHORTEST_TURN_MS), () => {
      if (this.#stopped.signal.aborted) return;
      if (this.#leases().hasChildren(previous)) this.#revokeWhenChildless(previous);
      else void this.#revoke(previous, this.#limitMs);
    });
  }

  async #revoke(grant: Grant, limitMs: number): Promise<void> {
    this.#leaving.delete(grant);
    if (!grant.revocable) return;
    grant.untilMs = Number.NEGATIVE_INFINITY;
    const revoke = async (session: Session, attempt: Attempt) =>
      session.contract.revoke?.(grant.credential, session.optionsOf(attempt));
    await this.#call(revoke, { limitMs }).catch(() => {});
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
    this.#queue.cancel(this.#task);
    this.#task = this.#queue.schedule(atMs, () => void run());
  }

  /** Calls where the backend answers, open breaker or not. With a limit of its own it goes on after `stop`, waited for. */
  async #call<Result>(
    call: (session: Session, attempt: Attempt) => Promise<Result>,
    last?: { readonly limitMs: number },
  ): Promise<Result> {
    if (this.#kept === undefined) throw this.#stopped.signal.reason;
    const { session, failover } = this.#kept;
    const bounds = last ?? { limitMs: this.#limitMs, signal: this.#stopped.signal, hold: false };
    return failover.run((attempt) => call(session, attempt), {
      ...bounds,
      clock: this.#clock,
      throughBreaker: true,
    });
  }

  #isOut(grant: Grant | undefined): boolean {
    return this.#stopped.signal.aborted || this.#kept?.session.grant !== grant;
  }
}
