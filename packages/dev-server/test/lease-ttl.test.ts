import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { grantTtl, SYSTEM_TTL_SECONDS } from '../src/lease-ttl.js';

const nowMs = 1_700_000_000_500;

describe('grantTtl', () => {
  test.each([
    ['what is asked', { incrementSeconds: 10, defaultSeconds: 30 }, 10],
    ['the default of the role', { defaultSeconds: 30 }, 30],
    ['the default of the mount', { mountDefaultSeconds: 40 }, 40],
    ['768 h', {}, SYSTEM_TTL_SECONDS],
    ['the period, whatever is asked', { incrementSeconds: 10, periodSeconds: 60 }, 60],
    [
      'a period that outlives the maximum of the role',
      { periodSeconds: 60, maxSeconds: 100, startMs: nowMs - 500_000 },
      60,
    ],
  ])('gives %s', (_name, request, expected) => {
    expect(grantTtl({ ...request, nowMs })).toEqual({ ttlSeconds: expected, warnings: [] });
  });

  test('F9: a ttl of 9999 h is capped by the system', () => {
    expect(grantTtl({ defaultSeconds: 9_999 * 3_600, nowMs })).toEqual({
      ttlSeconds: SYSTEM_TTL_SECONDS,
      warnings: ['TTL of "9999h" exceeded the effective max_ttl of "768h"; TTL value is capped accordingly'],
    });
  });

  test('past the maximum nothing is granted', () => {
    expect(() => grantTtl({ maxSeconds: 10, nowMs, startMs: nowMs - 10_000 })).toThrow('past the max TTL');
  });

  test('an explicit maximum ends a period', () => {
    const request = { periodSeconds: 60, explicitMaxSeconds: 90, nowMs, startMs: nowMs - 70_000 };
    expect(grantTtl(request).ttlSeconds).toBe(20);
  });

  test('never past the end, never nothing, and a warning exactly when it is less than asked', () => {
    const request = fc.record({
      incrementSeconds: fc.integer({ min: 0, max: 100_000 }),
      defaultSeconds: fc.integer({ min: 1, max: 100_000 }),
      maxSeconds: fc.integer({ min: 1, max: 100_000 }),
      mountMaxSeconds: fc.integer({ min: 0, max: 100_000 }),
      elapsedMs: fc.integer({ min: 0, max: 200_000_000 }),
    });
    fc.assert(
      fc.property(request, ({ elapsedMs, ...terms }) => {
        const startMs = nowMs - elapsedMs;
        const limit = Math.min(terms.maxSeconds, terms.mountMaxSeconds || SYSTEM_TTL_SECONDS);
        const left = Math.floor(startMs / 1000) + limit - Math.floor(nowMs / 1000);
        const grant = () => grantTtl({ ...terms, nowMs, startMs });
        if (left <= 0) {
          expect(grant).toThrow();
          return;
        }
        const asked = terms.incrementSeconds || terms.defaultSeconds;
        const { ttlSeconds, warnings } = grant();
        expect(ttlSeconds).toBe(Math.min(asked, left));
        expect(warnings).toHaveLength(asked > left ? 1 : 0);
      }),
    );
  });
});
