import { type ErrorCode, SecretsError } from '@keyturn/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refusals, refusalMs } from '../../src/cache/refusals.js';
import { ERROR_POLICY } from '../../src/errors/error-policy.js';
import { failure } from '../support/store.js';

describe('how long a failure answers', () => {
  it.each<[ErrorCode, number, number]>([
    ['not-found', 1, 30_000],
    ['not-found', 9, 30_000],
    ['permission-denied', 1, 30_000],
    ['permission-denied', 2, 60_000],
    ['permission-denied', 5, 300_000],
    ['unavailable', 1, 1_000],
    ['unavailable', 3, 4_000],
    ['unavailable', 99, 10_000],
  ])('%s, in a row %d: %d ms', (code, count, expected) => {
    expect(refusalMs(failure(code), count, 0)).toBe(expected);
  });

  it('F19: as long as the store asked for, within reason', () => {
    expect(refusalMs(failure('rate-limited', { retryAfterMs: 20_000 }), 1, 0)).toBe(20_000);
    expect(refusalMs(failure('rate-limited', { retryAfterMs: 86_400_000 }), 1, 0)).toBe(300_000);
  });

  it('F38: is never below 750 ms and never above 5 min, after any number of failures', () => {
    const codes = fc.constantFrom(...(Object.keys(ERROR_POLICY) as ErrorCode[]));
    const asked = fc.option(fc.nat(1e12), { nil: undefined });
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(
        codes,
        asked,
        fc.integer({ min: 1, max: 1e9 }),
        unit,
        (code, retryAfterMs, count, jitter) => {
          const error = new SecretsError(code, { problem: 'p', remedy: 'r', retryAfterMs });
          const lastsMs = refusalMs(error, count, jitter);
          expect(lastsMs).toBeGreaterThanOrEqual(750);
          expect(lastsMs).toBeLessThanOrEqual(300_000);
        },
      ),
    );
  });
});

describe('the recent failures', () => {
  it('answer until they are over, grow while they follow each other, and are forgotten after a success', () => {
    const refusals = new Refusals(10);
    refusals.remember('a', failure('unavailable'), 0, 0);
    expect(refusals.get('a', 999)?.error.code).toBe('unavailable');
    expect(refusals.get('a', 1_000)).toBeUndefined();
    refusals.remember('a', failure('unavailable'), 1_000, 0);
    expect(refusals.get('a', 2_999)?.count).toBe(2);
    refusals.forget('a');
    expect(refusals.get('a', 1_000)).toBeUndefined();
  });

  it('are bounded in number', () => {
    const refusals = new Refusals(2);
    for (const ref of ['a', 'b', 'c']) refusals.remember(ref, failure('not-found'), 0, 0);
    expect(['a', 'b', 'c'].map((ref) => refusals.get(ref, 0) !== undefined)).toEqual([false, true, true]);
  });
});
