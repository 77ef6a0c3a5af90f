import type { RedactorClock } from '../redactor.js';
import type { HeldText } from './held-text.js';

/** Gives out what is held back once nothing came for a while. */
export interface IdleFlush {
  /** Something came. */
  touch(): void;
  stop(): void;
}

/** One sleep at a time, however often something comes; so the wait is between one and two times `idleMs`. */
export function idleFlush(
  held: HeldText,
  clock: RedactorClock,
  idleMs: number,
  give: (text: string) => void,
): IdleFlush {
  let touches = 0;
  let sleeping: AbortController | undefined;

  const watch = async (controller: AbortController): Promise<void> => {
    for (let seen = -1; held.holding && seen !== touches; ) {
      seen = touches;
      // Somebody waits to read it: the process must not end before.
      await clock.sleep(idleMs, { signal: controller.signal, hold: true });
    }
    sleeping = undefined;
    give(held.flush());
  };

  return {
    touch() {
      touches++;
      if (sleeping !== undefined || !held.holding) return;
      sleeping = new AbortController();
      watch(sleeping).catch(() => {});
    },
    stop() {
      sleeping?.abort();
      sleeping = undefined;
    },
  };
}
