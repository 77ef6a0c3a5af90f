import type { HostClock } from './clock.js';

/** The host's own time. The only file that may name setTimeout, Date, performance or Math.random. */
export const systemClock: HostClock = {
  wallMs: Date.now,
  monotonicMs: () => performance.now(),
  random: Math.random,
  sleep(delayMs, { signal, hold = false } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const abort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve();
      }, delayMs);
      if (!hold) timer.unref();
      signal?.addEventListener('abort', abort, { once: true });
    });
  },
  arm(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** A moment on the wall clock, for people. */
export function dateOf(wallMs: number): Date {
  return new Date(wallMs);
}
