import { SecretsError } from '../errors/secrets-error.js';
import type { Clock } from '../time/clock.js';

/** What {@link withDeadline} is bounded by. */
export interface DeadlineOptions<Result> {
  readonly limitMs: number;
  readonly clock: Clock;
  /** The setting that `limitMs` comes from, for the message. */
  readonly setting?: string;
  /** False for work in the background: nobody waits for it, so it must not keep the process alive. */
  readonly hold?: boolean;
  /** Cuts the call short before its deadline; its reason is what the call rejects with. */
  readonly signal?: AbortSignal | undefined;
  /** Given a result that came after the call was given up: it may hold a lease that nobody else will revoke. */
  readonly onLate?: ((result: Result) => void) | undefined;
}

/**
 * Runs `call` for at most `limitMs` milliseconds, whether or not it heeds the signal that it is given.
 *
 * @throws SecretsError `timeout`, or the reason of `signal`
 */
export async function withDeadline<Result>(
  call: (signal: AbortSignal) => Promise<Result>,
  options: DeadlineOptions<Result>,
): Promise<Result> {
  const { limitMs, clock, setting = 'resilience.attemptTimeout', hold = true, signal, onLate } = options;
  signal?.throwIfAborted();
  const attempt = new AbortController();
  const timer = new AbortController();
  const abort = () => attempt.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  clock.sleep(limitMs, { signal: timer.signal, hold }).then(
    () => attempt.abort(timedOut(limitMs, setting)),
    () => {},
  );
  const running = (async () => call(attempt.signal))();
  try {
    return await Promise.race([running, aborted(attempt.signal)]);
  } catch (error) {
    if (attempt.signal.aborted) running.then(onLate, () => {});
    throw attempt.signal.aborted ? attempt.signal.reason : error;
  } finally {
    timer.abort();
    signal?.removeEventListener('abort', abort);
  }
}

/** Rejects with the reason of `signal` once it aborts. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function timedOut(limitMs: number, setting: string): SecretsError {
  return new SecretsError('timeout', {
    problem: `No answer within ${Math.round(limitMs)} ms.`,
    remedy: `Check that what should answer is reachable and not overloaded, or raise ${setting}.`,
  });
}
