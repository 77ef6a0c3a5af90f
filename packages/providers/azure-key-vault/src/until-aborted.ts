import { abortReason } from './abort-reason.js';

/**
 * The outcome of `start()`, or a rejection as soon as `signal` aborts. The SDK heeds signals in its own requests, not
 * while it waits for a credential.
 */
export function untilAborted<Result>(signal: AbortSignal, start: () => Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortReason(signal));
      return;
    }
    const leave = () => reject(abortReason(signal));
    signal.addEventListener('abort', leave, { once: true });
    start()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', leave));
  });
}
