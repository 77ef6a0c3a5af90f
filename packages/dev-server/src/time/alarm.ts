import type { HostClock, Timer } from '@keyturn/core/provider';

/** The longest wait that is given to a host timer at once: a day. Longer ones overflow after 24.8 days. */
const SLICE_MS = 86_400_000;

/**
 * Calls `ring` once the wall clock has reached `dueMs`; never earlier, and never holds the process.
 *
 * Long waits are cut into slices, so that a lease of 768 h does not overflow the host's timer, and the clock is
 * read again after each, so that a clock set back does not end a lease early.
 */
export function alarmAt(clock: HostClock, dueMs: number, ring: () => void): Timer {
  let timer: Timer;
  const arm = () => {
    const remainingMs = Math.ceil(Math.max(0, dueMs - clock.wallMs()));
    timer = clock.arm(Math.min(remainingMs, SLICE_MS), () => {
      if (clock.wallMs() < dueMs) arm();
      else ring();
    });
  };
  arm();
  return { cancel: () => timer.cancel() };
}
