import { abortReason } from './abort-reason.js';

/** A call of the SDK under way: those over gRPC and REST can be cancelled. */
export interface CancellableCall<Result> extends Promise<Result> {
  readonly cancel?: () => void;
}

/**
 * The outcome of `start()`, or a rejection as soon as `signal` aborts. The SDK knows no signals: its call is cancelled
 * where that is possible, and its late outcome is dropped where it is not.
 */
export function untilAborted<Result>(
  signal: AbortSignal,
  start: () => CancellableCall<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortReason(signal));
      return;
    }
    const call = start();
    const leave = () => {
      reject(abortReason(signal));
      call.cancel?.();
    };
    signal.addEventListener('abort', leave, { once: true });
    call.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
