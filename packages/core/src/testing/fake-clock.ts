import type { HostClock, Timer } from '../time/clock.js';

interface Alarm {
  readonly atMs: number;
  readonly order: number;
  readonly ring: () => void;
}

/**
 * A clock that moves only when a test says so. `advance` runs what falls due in between, in order, letting
 * promises settle after each, so that hours pass in microseconds.
 *
 * ```ts
 * const clock = fakeClock();
 * let rang = false;
 * clock.arm(60_000, () => { rang = true; });
 * await clock.advance(60_000);
 * ```
 */
export interface FakeClock extends HostClock {
  /** Lets `durationMs` pass on both clocks, ringing each alarm at its moment. */
  advance(durationMs: number): Promise<void>;
  /** Moves the wall clock alone, as NTP or an operator does. Negative goes back. */
  jumpWall(byMs: number): void;
  /** The host stands still for `durationMs`: time passes and nothing rings; what is overdue rings after it. */
  freeze(durationMs: number): Promise<void>;
  /** Lets everything that is already due, and the promises that follow, settle. */
  settle(): Promise<void>;
  /** How many alarms are armed or slept on. Zero after a clean shutdown. */
  readonly pending: number;
}

/** Creates a {@link FakeClock}. `seed` makes `random()` repeatable. */
export function fakeClock({ wallMs = 1_700_000_000_000, seed = 1 } = {}): FakeClock {
  const alarms = new Set<Alarm>();
  let nowMs = 0;
  let wallOffsetMs = wallMs;
  let order = 0;
  let state = seed >>> 0;

  const add = (delayMs: number, ring: () => void): Alarm => {
    if (!(delayMs >= 0 && delayMs <= 2 ** 31 - 1))
      throw new RangeError(`a host timer would overflow: ${delayMs}`);
    const alarm = { atMs: nowMs + delayMs, order: order++, ring };
    alarms.add(alarm);
    return alarm;
  };
  const nextDue = (untilMs: number) =>
    [...alarms]
      .filter((alarm) => alarm.atMs <= untilMs)
      .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
  const runUntil = async (untilMs: number) => {
    await flush();
    for (let due = nextDue(untilMs); due !== undefined; due = nextDue(untilMs)) {
      alarms.delete(due);
      nowMs = Math.max(nowMs, due.atMs);
      due.ring();
      await flush();
    }
    nowMs = Math.max(nowMs, untilMs);
  };

  return {
    wallMs: () => nowMs + wallOffsetMs,
    monotonicMs: () => nowMs,
    random() {
      // mulberry32: small, repeatable, good enough for jitter.
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
    sleep(delayMs, { signal } = {}) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const abort = () => {
          alarms.delete(alarm);
          reject(signal?.reason);
        };
        const alarm = add(delayMs, () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        });
        signal?.addEventListener('abort', abort, { once: true });
      });
    },
    arm(delayMs, callback): Timer {
      const alarm = add(delayMs, callback);
      return { cancel: () => void alarms.delete(alarm) };
    },
    advance: (durationMs) => runUntil(nowMs + durationMs),
    jumpWall(byMs) {
      wallOffsetMs += byMs;
    },
    async freeze(durationMs) {
      nowMs += durationMs;
      await runUntil(nowMs);
    },
    settle: () => runUntil(nowMs),
    get pending() {
      return alarms.size;
    },
  };
}

/** Lets every promise that can settle without time passing settle. */
function flush(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
