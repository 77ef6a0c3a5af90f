import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Entry } from '../../src/cache/entry.js';
import { freshness, safeLifeMs, termOf } from '../../src/cache/freshness.js';
import type { Lease } from '../../src/model/lease.js';
import { SecretValue } from '../../src/model/secret-value.js';
import type { Route } from '../../src/provider/router.js';
import type { Grant } from '../../src/provider/session.js';

/** Nothing here asks the store that it came from. */
const NOWHERE = {} as Route;

const SENT = { sentMs: 1_000, sentWallMs: 5_000 };
const POLICY = { ttlMs: 300_000, maxStaleMs: 3_600_000 };

const entryOf = (lease?: Lease, grant?: Grant) =>
  new Entry({
    target: { ref: 's:app', alias: 's', at: { path: 'app' } },
    route: NOWHERE,
    value: SecretValue.wrap('x'),
    version: '1',
    metadata: {},
    lease,
    grant,
    term: termOf(SENT, lease, POLICY),
  });

describe('the safe life of a lease', () => {
  it.each([
    [4_000, 3_600],
    [20_000, 18_000],
    [100_000, 98_000],
    [768 * 3_600_000, 768 * 3_600_000 - 2_000],
  ])('F9: of %d ms is %d ms', (ttlMs, expected) => {
    expect(safeLifeMs(ttlMs)).toBe(expected);
  });

  it('is shorter than its ttl and at least nine tenths of it', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 1e12, noNaN: true }), (ttlMs) => {
        expect(safeLifeMs(ttlMs)).toBeLessThan(ttlMs);
        expect(safeLifeMs(ttlMs)).toBeGreaterThanOrEqual(ttlMs * 0.9 - 1e-3);
      }),
    );
  });
});

describe('freshness', () => {
  it.each([
    [300_999, 'fresh'],
    [301_000, 'stale'],
    [3_900_999, 'stale'],
    [3_901_000, 'expired'],
  ])('without a lease, by the cache policy: at %d ms it is %s', (nowMs, expected) => {
    expect(freshness(entryOf(), nowMs)).toBe(expected);
  });

  it.each([
    [98_999, 'fresh'],
    [99_000, 'expired'],
  ])('no grace crosses the end of a lease: at %d ms it is %s', (nowMs, expected) => {
    expect(freshness(entryOf({ ttlMs: 100_000 }), nowMs)).toBe(expected);
  });

  it.each([
    [60_999, 'fresh'],
    [61_000, 'due'],
    [3_661_000, 'expired'],
  ])('F26: a value that its store replaces is due at its boundary: at %d ms it is %s', (nowMs, expected) => {
    expect(freshness(entryOf({ ttlMs: 60_000, end: 'rotates' }), nowMs)).toBe(expected);
  });

  it('a lease lasts no longer than the login that it dies with', () => {
    const grant: Grant = { credential: 't', revocable: true, sentMs: 0, untilMs: 10_000 };
    const entry = entryOf({ ttlMs: 100_000, handle: { id: 'l', renewable: true } }, grant);
    expect(freshness(entry, 9_999)).toBe('fresh');
    expect(freshness(entry, 10_000)).toBe('expired');
    grant.untilMs = 50_000;
    expect(freshness(entry, 10_000)).toBe('fresh');
    grant.untilMs = Number.NEGATIVE_INFINITY;
    expect(freshness(entry, 1_000)).toBe('expired');
  });

  it('only ever gets worse as time passes', () => {
    const order = ['fresh', 'stale', 'due', 'expired'];
    const leases = fc.option(
      fc.record({ ttlMs: fc.integer({ min: 1, max: 1e9 }), end: fc.constantFrom('expires', 'rotates') }),
      { nil: undefined },
    ) as fc.Arbitrary<Lease | undefined>;
    fc.assert(
      fc.property(leases, fc.nat(1e9), fc.nat(1e9), (lease, atMs, moreMs) => {
        const entry = entryOf(lease);
        const [before, after] = [freshness(entry, atMs), freshness(entry, atMs + moreMs)];
        expect(order.indexOf(after)).toBeGreaterThanOrEqual(order.indexOf(before));
      }),
    );
  });
});

describe('a held version', () => {
  it('F22: keeps its lease’s id unless a renewal gives another', () => {
    const entry = entryOf({ ttlMs: 10_000, handle: { id: 'one', renewable: true } });
    entry.extend({ ttlMs: 5_000 }, termOf(SENT, { ttlMs: 5_000 }, POLICY));
    expect(entry.handle?.id).toBe('one');
    entry.extend({ ttlMs: 5_000, handle: { id: 'two', renewable: true } }, entry.term);
    expect(entry.handle?.id).toBe('two');
    expect(entry.ttlMs).toBe(5_000);
    expect(entry.lease?.ttlMs).toBe(10_000);
  });

  it('is over once it is ended', () => {
    const entry = entryOf();
    entry.end();
    expect(freshness(entry, 0)).toBe('expired');
  });

  it('F40: once denied, serves out its ttl and nothing after it', () => {
    const entry = entryOf();
    entry.endWhenStale();
    expect(freshness(entry, 300_999)).toBe('fresh');
    expect(freshness(entry, 301_000)).toBe('expired');
  });

  it('makes what is made from it once for each recipe', () => {
    const entry = entryOf();
    let made = 0;
    const make = () => SecretValue.wrap(`made ${++made}`);
    expect(entry.derive('url', make)).toBe(entry.derive('url', make));
    entry.derive('dsn', make);
    expect([...entry.values()]).toHaveLength(3);
  });
});
