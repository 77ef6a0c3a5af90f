import type { Entry } from '../cache/entry.js';
import { sharedAbort } from '../concurrency/shared-abort.js';
import type { Diagnostics } from '../diagnostics.js';
import { isSecretsError } from '../errors/secrets-error.js';
import type { HostClock } from '../time/clock.js';
import { retryAfterMs } from './schedule.js';
import type { Task, TimerQueue } from './timer-queue.js';

/** The wait between the attempts of a shutdown, which has little time, in milliseconds. */
const PAUSE_MS = 1_000;

/**
 * Ends leases at the backend once nobody uses them. One that can't be ended now (the store is down) is tried
 * again until its own end, so that an outage does not leave credentials behind.
 */
export class Revocations {
  readonly #queue: TimerQueue;
  readonly #clock: HostClock;
  readonly #diagnostics: Diagnostics;
  readonly #limitMs: number;
  readonly #waiting = new Map<Entry, Task>();
  readonly #running = new Set<Promise<void>>();
  /**
   * How long a revocation that failed is tried again: for the length of the lease, counted from the first attempt.
   * A late answer or a lost renewal may have made it end later at the store than we believe.
   */
  readonly #untilMs = new WeakMap<Entry, number>();
  #cut = sharedAbort();

  constructor(parts: {
    readonly queue: TimerQueue;
    readonly clock: HostClock;
    readonly diagnostics: Diagnostics;
    readonly limitMs: number;
  }) {
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

  /** Tries those that wait again and again, until none is left. Rejects when it is cut. */
  async finish(): Promise<void> {
    const { signal } = this.#cut;
    await this.#tryAll();
    while (this.#waiting.size > 0) {
      await this.#clock.sleep(PAUSE_MS, { signal, hold: true });
      await this.#tryAll();
    }
  }

  /** Gives up those under way. One that begins later (a lease that came too late) is still tried. */
  cut(reason: unknown): void {
    const cut = this.#cut;
    this.#cut = sharedAbort();
    cut.abort(reason);
  }

  async #tryAll(): Promise<void> {
    for (const [entry, task] of this.#waiting) {
      this.#queue.cancel(task);
      void this.revoke(entry);
    }
    await Promise.all(this.#running);
  }

  async #revoke(entry: Entry): Promise<void> {
    this.#waiting.delete(entry);
    const { handle, target, version } = entry;
    if (handle === undefined) return;
    const { runtime, failover } = entry.route;
    try {
      await failover.run((attempt) => runtime.revoke(target.ref, handle.id, attempt), {
        limitMs: this.#limitMs,
        setting: 'rotation.revokeTimeout',
        clock: this.#clock,
        signal: this.#cut.signal,
        hold: false,
        throughBreaker: true,
      });
      this.#diagnostics.emit('lease-revoked', { ref: target.ref, version });
    } catch (error) {
      const code = isSecretsError(error) ? error.code : 'unavailable';
      this.#diagnostics.emit('lease-revoked', { ref: target.ref, version, error: code });
      if (isSecretsError(error) && error.policy.retry) this.#later(entry, error.retryAfterMs);
    }
  }

  #later(entry: Entry, askedMs = 0): void {
    const nowMs = this.#clock.monotonicMs();
    const untilMs = this.#untilMs.get(entry) ?? nowMs + (entry.ttlMs ?? 0);
    this.#untilMs.set(entry, untilMs);
    const delayMs = retryAfterMs(untilMs - nowMs, this.#clock.random(), askedMs);
    if (nowMs + delayMs >= untilMs) return;
    this.#waiting.set(
      entry,
      this.#queue.schedule(nowMs + delayMs, () => void this.revoke(entry)),
    );
  }
}
