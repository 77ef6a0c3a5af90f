import type { ErrorCode } from '@keyturn/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { safeLifeMs } from '../../src/cache/freshness.js';
import {
  isNearMaximum,
  isOver,
  phaseOf,
  plan,
  refetchAfterMs,
  retryAfterMs,
  shouldReplace,
} from '../../src/lease/schedule.js';
import type { Lease } from '../../src/model/lease.js';
import { anyText } from '../support/characters.js';

const HOUR_MS = 3_600_000;
const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const ttls = fc.oneof(
  fc.integer({ min: 1, max: 60_000 }),
  fc.integer({ min: 1, max: 768 * HOUR_MS }),
  fc.double({ min: 0.01, max: 1e12, noNaN: true }),
);
const planOf = (
  lease: Lease | undefined,
  more: { renewable?: boolean; consumed?: boolean } = {},
  phase = 0,
) =>
  plan(
    {
      lease,
      ttlMs: lease?.ttlMs,
      renewable: more.renewable ?? lease?.handle?.renewable === true,
      cacheTtlMs: 300_000,
      consumed: more.consumed ?? false,
    },
    phase,
  );

describe('the next action on a version', () => {
  it.each<[string, Lease | undefined, boolean, ReturnType<typeof plan>]>([
    [
      'renewable',
      { ttlMs: 100_000, handle: { id: 'l', renewable: true } },
      false,
      { action: 'renew', afterMs: 70_000 },
    ],
    [
      'not renewable',
      { ttlMs: 100_000, handle: { id: 'l', renewable: false } },
      false,
      { action: 'rotate', afterMs: 85_000 },
    ],
    ['a certificate', { ttlMs: 100_000 }, false, { action: 'rotate', afterMs: 85_000 }],
    [
      'a static role that is consumed',
      { ttlMs: 60_000, end: 'rotates' },
      true,
      { action: 'poll', afterMs: 61_000 },
    ],
    ['a static role that is not', { ttlMs: 60_000, end: 'rotates' }, false, undefined],
    ['no lease, consumed', undefined, true, { action: 'poll', afterMs: 300_000 }],
    ['no lease, not consumed', undefined, false, undefined],
  ])('%s', (_, lease, consumed, expected) => {
    expect(planOf(lease, { consumed })).toEqual(expected);
  });

  it('F11: for any lease that expires and any phase, the wake-up lies before the deadline, with room for a retry', () => {
    fc.assert(
      fc.property(ttls, unit, fc.boolean(), fc.boolean(), (ttlMs, phase, renewable, consumed) => {
        const lease: Lease = { ttlMs, handle: { id: 'l', renewable } };
        const next = planOf(lease, { consumed }, phase);
        expect(next?.afterMs).toBeGreaterThan(0);
        expect(next?.afterMs).toBeLessThan(safeLifeMs(ttlMs) - ttlMs * 0.04);
      }),
    );
  });

  it('F3: a value without a lease is polled once a second at most, whatever the cache ttl', () => {
    fc.assert(
      fc.property(fc.nat(10_000), unit, (cacheTtlMs, phase) => {
        const facts = { lease: undefined, ttlMs: undefined, renewable: false, cacheTtlMs, consumed: true };
        expect(plan(facts, phase)?.afterMs).toBeGreaterThanOrEqual(1_000);
      }),
    );
  });

  it('F26: a static role is asked after its boundary, within a second', () => {
    fc.assert(
      fc.property(ttls, unit, (ttlMs, phase) => {
        const next = planOf({ ttlMs, end: 'rotates' }, { consumed: true }, phase);
        expect(next?.afterMs).toBeGreaterThan(ttlMs + 499);
        expect(next?.afterMs).toBeLessThanOrEqual(ttlMs + 1_000);
      }),
    );
  });
});

describe('the wait after a failed renewal', () => {
  it('F3 F4 F38: goes by the time that remains: never zero, never past the end, at most a quarter or a minute', () => {
    const remaining = fc.double({ min: 0.001, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(remaining, unit, (remainingMs, random) => {
        const delayMs = retryAfterMs(remainingMs, random);
        expect(delayMs).toBeGreaterThan(0);
        expect(delayMs).toBeLessThanOrEqual(remainingMs);
        expect(delayMs).toBeLessThanOrEqual(60_000);
        if (remainingMs > 4_000) expect(delayMs).toBeLessThanOrEqual(remainingMs / 4);
        if (remainingMs > 1_000) expect(delayMs).toBeGreaterThanOrEqual(1_000);
      }),
    );
  });

  it.each([
    [768 * HOUR_MS, 60_000],
    [100_000, 25_000],
    [8_000, 2_000],
    [3_000, 1_000],
    [400, 400],
  ])('F4: %d ms before the end it is at most %d ms', (remainingMs, mostMs) => {
    expect(retryAfterMs(remainingMs, 0.999999)).toBeCloseTo(mostMs, -2);
  });

  it('F19: is no shorter than the store asked for, while the lease lasts', () => {
    expect(retryAfterMs(100_000, 0, 30_000)).toBe(30_000);
    expect(retryAfterMs(20_000, 0, 30_000)).toBe(20_000);
  });

  it('F2: errors until the end make a bounded number of attempts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: HOUR_MS }), unit, (ttlMs, random) => {
        let attempts = 0;
        for (
          let remainingMs = ttlMs * 0.3;
          remainingMs > 0;
          remainingMs -= retryAfterMs(remainingMs, random)
        ) {
          attempts++;
        }
        expect(attempts).toBeLessThanOrEqual((ttlMs * 0.3) / 1_000 + 2);
      }),
    );
  });
});

describe('the wait before a missing secret is asked for again', () => {
  it('F3 F38: lies between a second and a minute after any number of failures', () => {
    fc.assert(
      fc.property(fc.nat(), unit, (failures, random) => {
        const delayMs = refetchAfterMs(failures, random);
        expect(delayMs).toBeGreaterThanOrEqual(1_000);
        expect(delayMs).toBeLessThanOrEqual(60_000);
      }),
    );
  });

  it('F19: is no shorter than the store asked for', () => {
    expect(refetchAfterMs(0, 0, 90_000)).toBe(90_000);
  });
});

describe('a renewal that returns less than was asked for', () => {
  it.each([
    [60_000, 60_000, false],
    [60_000, 59_000, false],
    [60_000, 58_999, true],
    [12_000, 9_000, true],
    [768 * HOUR_MS, 767 * HOUR_MS, false],
    [768 * HOUR_MS, 760 * HOUR_MS, true],
  ])('F7: asked %d, got %d: near the maximum: %s', (askedMs, grantedMs, expected) => {
    expect(isNearMaximum(askedMs, grantedMs)).toBe(expected);
  });
});

it('a renewal that keeps failing gives way in the last fifth of the life', () => {
  expect(shouldReplace(100_000, 20_001)).toBe(false);
  expect(shouldReplace(100_000, 19_999)).toBe(true);
});

it.each<[ErrorCode, boolean]>([
  ['lease-lost', true],
  ['permission-denied', true],
  ['not-found', true],
  ['unsupported', true],
  ['unavailable', false],
  ['timeout', false],
  ['rate-limited', false],
  ['bad-response', false],
])('F12: after %s a lease is renewed no more: %s', (code, expected) => {
  expect(isOver(code)).toBe(expected);
});

describe('the phase of an instance', () => {
  it('F47: is the same after a restart, and differs between instances and references', () => {
    expect(phaseOf('pod-1', 'vault:a')).toBe(phaseOf('pod-1', 'vault:a'));
    expect(phaseOf('pod-1', 'vault:a')).not.toBe(phaseOf('pod-2', 'vault:a'));
    expect(phaseOf('pod-1', 'vault:a')).not.toBe(phaseOf('pod-1', 'vault:b'));
  });

  it('lies in [0, 1)', () => {
    fc.assert(
      fc.property(anyText(), anyText(), (instance, ref) => {
        expect(phaseOf(instance, ref)).toBeGreaterThanOrEqual(0);
        expect(phaseOf(instance, ref)).toBeLessThan(1);
      }),
    );
  });

  it.each([
    [
      'pods of a deployment',
      (number: number) => phaseOf(`orders-7c9f-${number}`, 'vault:database/creds/orders'),
    ],
    [
      'secrets of a pod',
      (number: number) => phaseOf('orders-7c9f-x2x', `vault:database/creds/role-${number}`),
    ],
  ])('F47: spreads a thousand %s evenly: each tenth of the window holds 6 to 14 %', (_, phase) => {
    const buckets = new Array<number>(10).fill(0);
    for (let number = 0; number < 1_000; number++) {
      const place = Math.floor(phase(number) * 10);
      buckets[place] = (buckets[place] ?? 0) + 1;
    }
    expect(Math.min(...buckets)).toBeGreaterThan(60);
    expect(Math.max(...buckets)).toBeLessThan(140);
  });
});
