import type { Clock } from '../time/clock.js';
import type { Breaker } from './breaker.js';
import { withDeadline } from './deadline.js';
import { type RetryPolicy, withRetry } from './retry.js';

/** How a call to a provider is protected. */
export interface GuardPolicy {
  readonly attemptTimeoutMs: number;
  readonly retry: RetryPolicy;
}

export interface GuardOptions<Result> {
  readonly signal: AbortSignal;
  /** False for work in the background, which has its own schedule of attempts. */
  readonly retry: boolean;
  readonly onLate?: (result: Result) => void;
}

/** Protects calls in the fixed order: retry around breaker around deadline. */
export function guarded<Result>(
  call: (signal: AbortSignal) => Promise<Result>,
  breaker: Breaker,
  { attemptTimeoutMs, retry }: GuardPolicy,
  clock: Clock,
  options: GuardOptions<Result>,
): Promise<Result> {
  const { signal, onLate } = options;
  const attempt = () =>
    breaker.run(() => withDeadline(call, { limitMs: attemptTimeoutMs, clock, signal, onLate }));
  return options.retry ? withRetry(attempt, { policy: retry, clock, signal }) : attempt();
}
