import type { HostClock } from './clock.js';

/** How far the wall clock may run ahead of the monotonic one before it is believed, in milliseconds. */
const TOLERANCE_MS = 5_000;

/**
 * A clock whose `monotonicMs` advances by whichever of the host's two clocks ran further.
 *
 * The monotonic clock stands still while a laptop or a virtual machine is suspended; the wall clock can be set
 * back. A lease ends all the same, so when the two part by more than 5 s, the one nearer expiry is believed:
 * a wall clock that ran ahead adds what it gained, one that fell behind is ignored. The price of a wall clock
 * set forward by mistake is an early refresh.
 */
export function steadyClock(host: HostClock): HostClock {
  let monotonicMs = host.monotonicMs();
  let wallMs = host.wallMs();
  let gainedMs = 0;
  return {
    wallMs: () => host.wallMs(),
    monotonicMs() {
      const nowMs = host.monotonicMs();
      const nowWallMs = host.wallMs();
      const aheadMs = nowWallMs - wallMs - (nowMs - monotonicMs);
      if (aheadMs > TOLERANCE_MS || aheadMs < -TOLERANCE_MS) {
        monotonicMs = nowMs;
        wallMs = nowWallMs;
        if (aheadMs > 0) gainedMs += aheadMs;
      }
      return nowMs + gainedMs;
    },
    random: () => host.random(),
    sleep: (delayMs, options) => host.sleep(delayMs, options),
    arm: (delayMs, callback) => host.arm(delayMs, callback),
  };
}
