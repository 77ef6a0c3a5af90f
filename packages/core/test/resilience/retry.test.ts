import type { ErrorCode } from '@keyturn/core';
import { fakeClock } from '@keyturn/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retryDelayMs, withRetry } from '../../src/resilience/retry.js';
import { RetryBudget } from '../../src/resilience/retry-budget.js';
import { failure } from '../support/store.js';
import { codeOf, until } from '../support/world.js';

const POLICY = { attempts: 3, firstDelayMs: 200, maxDelayMs: 5_000 };
const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the wait before a retry', () => {
  it.each<[ErrorCode]>([
    ['not-found'],
    ['permission-denied'],
    ['bad-response'],
    ['invalid-ref'],
    ['circuit-open'],
  ])('there is none after %s', (code) => {
    expect(retryDelayMs(failure(code), 1, POLICY, 0.5)).toBeUndefined();
  });

  it('there is none after the last attempt', () => {
    expect(retryDelayMs(failure('unavailable'), 3, POLICY, 0.5)).toBeUndefined();
  });

  it('F19: Retry-After is honoured with jitter on top, unless it is longer than any wait', () => {
    const asking = (retryAfterMs: number) => failure('rate-limited', { retryAfterMs });
    expect(retryDelayMs(asking(3_000), 1, POLICY, 0)).toBe(3_020);
    expect(retryDelayMs(asking(0), 1, POLICY, 0)).toBe(20);
    expect(retryDelayMs(asking(6_000), 1, POLICY, 0)).toBeUndefined();
  });

  it('F3 F38: is never zero, grows to its bound and no further, after any number of failures', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), unit, (attempt, random) => {
        const policy = { ...POLICY, attempts: Number.POSITIVE_INFINITY };
        const delayMs = retryDelayMs(failure('timeout'), attempt, policy, random) ?? Number.NaN;
        expect(delayMs).toBeGreaterThanOrEqual(20);
        expect(delayMs).toBeLessThanOrEqual(5_000);
      }),
    );
  });
});

describe('retrying', () => {
  /** Fails as scripted, then succeeds. */
  const failing = (...codes: ErrorCode[]) => {
    const clock = fakeClock();
    const startedMs: number[] = [];
    const call = async () => {
      startedMs.push(clock.monotonicMs());
      const code = codes.shift();
      if (code !== undefined) throw failure(code);
      return 'value';
    };
    return { clock, startedMs, call };
  };
  const { signal } = new AbortController();

  it('goes on until it succeeds', async () => {
    const { clock, startedMs, call } = failing('unavailable', 'timeout');
    expect(
      await until(clock, withRetry(call, { policy: POLICY, budget: new RetryBudget(), clock, signal })),
    ).toBe('value');
    expect(startedMs).toHaveLength(3);
    expect(startedMs[1]).toBeGreaterThanOrEqual(20);
  });

  it('F39: gives up after its attempts with the last error', async () => {
    const { clock, startedMs, call } = failing('unavailable', 'unavailable', 'timeout', 'unavailable');
    expect(
      await until(
        clock,
        codeOf(withRetry(call, { policy: POLICY, budget: new RetryBudget(), clock, signal })),
      ),
    ).toBe('timeout');
    expect(startedMs).toHaveLength(3);
  });

  it('does not repeat what a retry cannot mend, nor a foreign error', async () => {
    const { clock, startedMs, call } = failing('permission-denied');
    expect(await codeOf(withRetry(call, { policy: POLICY, budget: new RetryBudget(), clock, signal }))).toBe(
      'permission-denied',
    );
    expect(startedMs).toHaveLength(1);
    const foreign = withRetry(() => Promise.reject(new TypeError('x')), {
      policy: POLICY,
      budget: new RetryBudget(),
      clock,
      signal,
    });
    await expect(foreign).rejects.toThrow(TypeError);
  });

  it('stops waiting when the caller leaves', async () => {
    const { clock, startedMs, call } = failing('unavailable');
    const caller = new AbortController();
    const result = withRetry(call, {
      policy: POLICY,
      budget: new RetryBudget(),
      clock,
      signal: caller.signal,
    });
    await clock.settle();
    caller.abort(failure('aborted'));
    expect(await codeOf(result)).toBe('aborted');
    expect([startedMs.length, clock.pending]).toEqual([1, 0]);
  });
});
