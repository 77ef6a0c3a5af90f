import type { Attempt } from '../provider/attempt.js';
import type { Clock } from '../time/clock.js';
import type { Bulkhead } from './bulkhead.js';
import type { Failover } from './failover.js';
import { type RetryPolicy, withRetry } from './retry.js';
import type { RetryBudget } from './retry-budget.js';

/** How a call to a provider is protected. */
export interface GuardPolicy {
  readonly attemptTimeoutMs: number;
  readonly retry: RetryPolicy;
}

export interface GuardOptions<Result> {
  readonly signal: AbortSignal;
  /** False for work in the background, which has its own schedule of attempts. */
  readonly retry: boolean;
  /** Leave the breaker out: it neither refuses the call nor learns from it. */
  readonly throughBreaker?: boolean;
  readonly onLate?: (result: Result) => void;
  /** Told of each attempt that failed, wherever it was made. */
  readonly onFailed?: (error: unknown) => void;
}

/** What protects one store, and stays from call to call. */
export interface Protection {
  readonly budget: RetryBudget;
  readonly bulkhead: Bulkhead;
  readonly failover: Failover;
}

/** Protects calls in the fixed order: retry around bulkhead around failover around breaker around deadline. */
export function guarded<Result>(
  call: (attempt: Attempt) => Promise<Result>,
  { budget, bulkhead, failover }: Protection,
  { attemptTimeoutMs, retry }: GuardPolicy,
  clock: Clock,
  options: GuardOptions<Result>,
): Promise<Result> {
  const { signal, onLate, onFailed, throughBreaker = false } = options;
  const bounds = { limitMs: attemptTimeoutMs, clock, signal, onLate, throughBreaker };
  const inTurn = () =>
    bulkhead
      .run(() => failover.run(call, bounds), signal)
      .catch((error: unknown) => {
        onFailed?.(error);
        throw error;
      });
  return options.retry ? withRetry(inTurn, { policy: retry, budget, clock, signal }) : inTurn();
}
