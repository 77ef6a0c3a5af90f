import { isSecretsError, type SecretsError } from '../errors/secrets-error.js';
import type { Clock } from '../time/clock.js';
import type { RetryBudget } from './retry-budget.js';

export interface RetryPolicy {
  /** Calls at most, the first one included. */
  readonly attempts: number;
  /** The bound of the first wait, in milliseconds; it doubles with each retry. */
  readonly firstDelayMs: number;
  /** The longest wait, in milliseconds. A backend that asks for longer ends the retrying. */
  readonly maxDelayMs: number;
}

/**
 * The wait before the next attempt in milliseconds, or undefined when there is none.
 *
 * Full jitter (Brooker, "Exponential Backoff And Jitter", AWS 2015) over a doubling bound, never below a tenth
 * of it, so that a run of small numbers is no hot loop. Retry-After is honoured, with jitter on top.
 */
export function retryDelayMs(
  error: SecretsError,
  attempt: number,
  policy: RetryPolicy,
  random: number,
): number | undefined {
  if (!error.policy.retry || attempt >= policy.attempts) return undefined;
  const boundMs = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** Math.min(attempt - 1, 16));
  const delayMs = boundMs * (0.1 + 0.9 * random);
  if (error.retryAfterMs === undefined) return delayMs;
  return error.retryAfterMs > policy.maxDelayMs ? undefined : error.retryAfterMs + delayMs;
}

/** Calls until it succeeds, fails in a way that a retry cannot mend, or has used up its attempts or the budget. */
export async function withRetry<Result>(
  call: () => Promise<Result>,
  {
    policy,
    budget,
    clock,
    signal,
  }: {
    readonly policy: RetryPolicy;
    readonly budget: RetryBudget;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<Result> {
  budget.earn();
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const delayMs = isSecretsError(error)
        ? retryDelayMs(error, attempt, policy, clock.random())
        : undefined;
      if (delayMs === undefined || signal.aborted || !budget.spend()) throw error;
      await clock.sleep(delayMs, { signal, hold: true });
    }
  }
}
