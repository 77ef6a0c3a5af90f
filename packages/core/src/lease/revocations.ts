import type { Entry } from '../cache/entry.js';
import type { Diagnostics } from '../diagnostics.js';
import { isSecretsError, SecretsError } from '../errors/secrets-error.js';
import type { Router } from '../provider/router.js';
import { withDeadline } from '../resilience/deadline.js';
import type { HostClock } from '../time/clock.js';
import { retryAfterMs } from './schedule.js';
import type { Ticket, TimerQueue } from './timer-queue.js';

/**
 * Ends leases at the backend once nobody uses them. One that can't be ended now (the store is down) is tried
 * again until its own end, so that an outage does not leave credentials behind.
 */
export class Revocations {
  readonly #router: Router;
  readonly #queue: TimerQueue;
  readonly #clock: HostClock;
  readonly #diagnostics: Diagnostics;
  readonly #limitMs: number;
  readonly #waiting = new Map<Entry, Ticket>();
  readonly #running = new Set<Promise<void>>();

  constructor(parts: {
    readonly router: Router;
    readonly queue: TimerQueue;
    readonly clock: HostClock;
    readonly diagnostics: Diagnostics;
    readonly limitMs: number;
  }) {
    this.#router = parts.router;
    this.#queue = parts.queue;
    this.#clock = parts.clock;
    this.#diagnostics = parts.diagnostics;
    this.#limitMs = parts.limitMs;
  }

  /** Ends the lease of `entry`, if it has one. Never rejects; the event says how it went. */
  revoke(entry: Entry): Promise<void> {
    const running = this.#revoke(entry).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  /** Tries those that wait once more, now, and resolves when none is under way. */
  async finish(): Promise<void> {
    const waiting = [...this.#waiting.keys()];
    for (const ticket of this.#waiting.values()) this.#queue.cancel(ticket);
    this.#waiting.clear();
    await Promise.all([...waiting.map((entry) => this.revoke(entry)), ...this.#running]);
  }

  async #revoke(entry: Entry): Promise<void> {
    this.#waiting.delete(entry);
    const { handle, target, version } = entry;
    if (handle === undefined) return;
    const { runtime } = this.#router.route(target);
    try {
      await withDeadline((signal) => runtime.revoke(target.ref, handle.id, signal), {
        limitMs: this.#limitMs,
        clock: this.#clock,
      });
      this.#diagnostics.emit('lease-revoked', { ref: target.ref, version });
    } catch (error) {
      const code = isSecretsError(error) ? error.code : 'unavailable';
      this.#diagnostics.emit('lease-revoked', { ref: target.ref, version, error: code });
      if (error instanceof SecretsError && error.policy.retry) this.#later(entry, error.retryAfterMs);
    }
  }

  #later(entry: Entry, askedMs = 0): void {
    const nowMs = this.#clock.monotonicMs();
    const remainingMs = entry.sentMs + (entry.lease?.ttlMs ?? 0) - nowMs;
    const delayMs = retryAfterMs(remainingMs, this.#clock.random(), askedMs);
    if (delayMs >= remainingMs) return;
    this.#waiting.set(
      entry,
      this.#queue.schedule(nowMs + delayMs, () => void this.revoke(entry)),
    );
  }
}
