import type { Clock } from '../time/clock.js';
import type { FakeClock } from './fake-clock.js';

const STEP_MS = 10;

/** Lets `durationMs` pass on `clock`: moves a fake one, waits on a real one. */
export function passTime(clock: Clock, durationMs: number): Promise<void> {
  return isFake(clock) ? clock.advance(durationMs) : clock.sleep(durationMs, { hold: true });
}

/** What came of `promise` within `limitMs` on `clock`; undefined when nothing did. Never rejects. */
export async function settledWithin<Result>(
  clock: Clock,
  limitMs: number,
  promise: Promise<Result>,
): Promise<PromiseSettledResult<Result> | undefined> {
  let outcome: PromiseSettledResult<Result> | undefined;
  const settled = promise.then(
    (value) => {
      outcome = { status: 'fulfilled', value };
    },
    (reason: unknown) => {
      outcome = { status: 'rejected', reason };
    },
  );
  for (let passedMs = 0; outcome === undefined && passedMs < limitMs; passedMs += STEP_MS) {
    await Promise.race([settled, passTime(clock, STEP_MS)]);
  }
  return outcome;
}

/** Whether `condition` came to hold within `limitMs` on `clock`. */
export async function holdsWithin(
  clock: Clock,
  limitMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<boolean> {
  for (let passedMs = 0; passedMs < limitMs; passedMs += STEP_MS) {
    if (await condition()) return true;
    await passTime(clock, STEP_MS);
  }
  return condition();
}

function isFake(clock: Clock): clock is FakeClock {
  return 'advance' in clock;
}
