import { describe, expect, it } from 'vitest';
import { failure } from '../support/store.js';
import { codeOf, until, world } from '../support/world.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const RENEWABLE = { ttlMs: 100_000 };
const FIXED = { ttlMs: 100_000, renewable: false };

describe('a renewable lease', () => {
  it('is renewed between 60 and 70 % of its ttl, for as long as its store allows', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', RENEWABLE);
    const { version } = await secrets.getSecret('s:creds');
    await clock.advance(24 * HOUR_MS);
    const times = store.timesOf('renew');
    const gaps = times.map((atMs, place) => atMs - (times[place - 1] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(60_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(70_001);
    expect((await secrets.getSecret('s:creds')).version).toBe(version);
    expect([store.count('fetch'), of('lease-renewed').length]).toEqual([1, times.length]);
  });

  it('F1: one renewal error, then success before its end: never interrupted', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', RENEWABLE);
    const { version } = await secrets.getSecret('s:creds');
    store.failNext('renew', failure('unavailable'));
    for (let second = 0; second < 300; second++) {
      await clock.advance(1_000);
      expect(secrets.peekSecret('s:creds')).toMatchObject({ version, stale: false });
    }
    expect(of('refresh-failed')).toHaveLength(1);
    expect(store.count('fetch')).toBe(1);
  });

  it('F2: errors until its end: few requests, an event that says so, and no value after it', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', RENEWABLE);
    await secrets.getSecret('s:creds');
    store.goDown();
    await clock.advance(97_999);
    expect(secrets.peekSecret('s:creds')).toBeDefined();
    expect(of('lease-expired')).toEqual([]);
    await clock.advance(1);
    expect(secrets.peekSecret('s:creds')).toBeUndefined();
    expect(of('lease-expired')).toEqual([{ ref: 's:creds', version: 'v1' }]);
    expect(store.count('renew') + store.count('fetch')).toBeLessThan(20);
    // Its revocation is tried for as long as it was to last, in case a renewal did reach the store.
    await clock.advance(100_000);
    expect(store.count('revoke')).toBeLessThan(30);
    const callsBefore = store.calls.length;
    await clock.advance(HOUR_MS);
    expect(store.calls).toHaveLength(callsBefore);
    expect(clock.pending).toBe(0);
  });

  it('F3 F38: a store that fails for hours is asked about once a minute by a consumer, and never at once again', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', RENEWABLE);
    secrets.watch('s:creds', () => {});
    await secrets.ready();
    store.goDown();
    const before = store.count('fetch');
    await clock.advance(12 * HOUR_MS);
    const times = store.timesOf('fetch').slice(before);
    const gaps = times.slice(1).map((atMs, place) => atMs - (times[place] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(500);
    expect(times.length).toBeLessThan(12 * 60 * 3);
    expect(times.length).toBeGreaterThan(12 * 60);
  });

  it('F4: retries go by the time that remains, not by the advertised ttl', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 768 * HOUR_MS });
    await secrets.getSecret('s:creds');
    store.failNext('renew', failure('unavailable'), failure('unavailable'));
    await clock.advance(768 * HOUR_MS * 0.7 + 3 * MINUTE_MS);
    expect(store.count('renew')).toBe(3);
  });

  it('F5: a failed renewal is not reported as renewed', async () => {
    const { store, secrets, clock, of, heard } = world();
    store.dynamic('creds', RENEWABLE);
    await secrets.getSecret('s:creds');
    store.failNext('renew', failure('bad-response'));
    await clock.advance(300_000);
    expect(heard.map(({ event }) => event).slice(0, 3)).toEqual([
      'secret-loaded',
      'refresh-failed',
      'lease-renewed',
    ]);
    expect(of('lease-renewed')).toHaveLength(store.count('renew') - 1);
  });

  it('F6: after a failed rotation it is read again', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', FIXED);
    await secrets.getSecret('s:creds');
    store.failNext('fetch', failure('unavailable'), failure('unavailable'));
    await clock.advance(98_000);
    expect(of('secret-rotated')).toHaveLength(1);
    expect(store.count('fetch')).toBe(4);
  });

  it('F7 F8: met by its maximum it is replaced at once, inside the headroom, with no spin', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', { ttlMs: 12_000, maxTtlMs: 30_000 });
    const first = await secrets.getSecret('s:creds');
    const lease = store.leaseOf(first.version);
    await clock.advance(10 * MINUTE_MS);
    expect(of('secret-rotated').length).toBeGreaterThan(600 / 31);
    expect(of('secret-rotated').length).toBeLessThan(600 / 20);
    expect(store.count('renew')).toBeLessThan(store.leases.length * 4);
    expect(lease?.revokedMs).toBeLessThan(lease?.maxEndMs ?? 0);
    expect(of('lease-expired')).toEqual([]);
  });

  it.each([4_000, 100, 768 * HOUR_MS])('F9 F10: a ttl of %d ms is kept', async (ttlMs) => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', { ttlMs });
    await secrets.getSecret('s:creds');
    await clock.advance(ttlMs * 3);
    expect(store.count('renew')).toBeGreaterThanOrEqual(3);
    expect(store.count('renew')).toBeLessThanOrEqual(6);
    expect(of('lease-expired')).toEqual([]);
    expect(secrets.peekSecret('s:creds')).toBeDefined();
  });

  it('F12: a lease not found on renew is rotated exactly once', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', RENEWABLE);
    const { version } = await secrets.getSecret('s:creds');
    store.revokeFromOutside(version);
    await clock.advance(71_000);
    expect([store.count('renew'), store.count('fetch')]).toEqual([1, 2]);
    expect(of('secret-rotated')).toMatchObject([{ previousVersion: version, version: 'v2' }]);
    await clock.advance(60_000);
    expect([store.count('fetch'), of('secret-rotated').length]).toEqual([2, 1]);
  });

  it('F12: that is lost is handed out no more, even while its replacement is being fetched', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', RENEWABLE);
    const { version } = await secrets.getSecret('s:creds');
    store.revokeFromOutside(version);
    store.latencyMs.fetch = 9_000;
    while (store.count('renew') === 0) await clock.advance(1_000);
    expect(secrets.peekSecret('s:creds')).toBeUndefined();
    expect((await until(clock, secrets.getSecret('s:creds'))).version).toBe('v2');
    expect(store.count('fetch')).toBe(2);
  });

  it.each(['permission-denied', 'unsupported', 'not-found'] as const)(
    'F13: whose renewal ends in %s is replaced, once, while it still serves',
    async (code) => {
      const { store, secrets, clock, of } = world();
      store.dynamic('creds', RENEWABLE);
      const { version } = await secrets.getSecret('s:creds');
      store.failNext('renew', failure(code));
      store.latencyMs.fetch = 1_000;
      await clock.advance(70_500);
      expect(secrets.peekSecret('s:creds')?.version).toBeDefined();
      await clock.advance(1_000);
      expect(of('secret-rotated')).toMatchObject([{ previousVersion: version }]);
      expect(store.count('renew')).toBe(1);
    },
  );

  it.each([
    ['nothing', undefined],
    ['no ttl', {}],
    ['a ttl of zero', { ttlMs: 0 }],
    ['a negative ttl', { ttlMs: -1 }],
  ])('F21: a renewal answered with %s counts as failed, and the value serves on', async (_, answer) => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', RENEWABLE);
    const { version } = await secrets.getSecret('s:creds');
    const { renew } = store.provider;
    store.provider.renew = async () => answer as never;
    await clock.advance(71_000);
    expect(of('lease-renewed')).toEqual([]);
    expect(secrets.peekSecret('s:creds')).toBeDefined();
    if (renew !== undefined) store.provider.renew = renew;
    await clock.advance(60_000);
    expect(secrets.peekSecret('s:creds')?.version).toBe(answer === undefined ? 'v2' : version);
  });

  it('F22: whose id changes at each renewal is revoked by the last one', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ...RENEWABLE, renames: true });
    await secrets.getSecret('s:creds');
    await clock.advance(10 * MINUTE_MS);
    expect(store.count('renew')).toBeGreaterThan(8);
    await secrets.rotate('s:creds');
    await clock.settle();
    expect(store.live()).toHaveLength(1);
  });

  it('F23: a renewal, a rotation and a forced refresh race: one version wins and one lease is left', async () => {
    for (const latencyMs of [1, 40, 400]) {
      const { store, secrets, clock } = world({ seed: latencyMs });
      store.dynamic('creds', RENEWABLE);
      store.latencyMs.renew = latencyMs;
      store.latencyMs.fetch = 500 - latencyMs;
      store.latencyMs.revoke = 50;
      await until(clock, secrets.getSecret('s:creds'));
      const seen: string[] = [];
      secrets.watch('s:creds', (secret) => void seen.push(secret.version));
      for (let turn = 0; turn < 30; turn++) {
        await clock.advance(60_000 + turn * 400);
        const refreshes = [secrets.rotate('s:creds'), secrets.rotate('s:creds')];
        await clock.advance(100);
        refreshes.push(secrets.rotate('s:creds'));
        const [one, two] = await until(clock, Promise.all(refreshes));
        expect(one?.version).toBe(two?.version);
        await clock.advance(1_000);
        expect(store.live().map((lease) => lease.version)).toEqual([secrets.peekSecret('s:creds')?.version]);
      }
      expect(seen).toEqual([...new Set(seen)]);
      expect(store.mostAtOnce.get('fetch creds')).toBe(1);
    }
  });

  it('whose renewals hang leaves time for other attempts', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', { ttlMs: 20_000 });
    await secrets.getSecret('s:creds');
    store.hanging.add('renew');
    await clock.advance(60_000);
    expect(of('lease-expired')).toEqual([]);
    expect(secrets.peekSecret('s:creds')).toBeDefined();
    store.heal();
  });
});

describe('a lease that cannot be renewed', () => {
  it('is replaced between 75 and 85 % of its life, before its end', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', FIXED);
    await secrets.getSecret('s:creds');
    await clock.advance(HOUR_MS);
    expect(store.count('renew')).toBe(0);
    const issued = store.leases.map((lease) => lease.issuedMs);
    const gaps = issued.slice(1).map((atMs, place) => atMs - (issued[place] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(75_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(85_001);
    expect(of('lease-expired')).toEqual([]);
    expect(store.live()).toHaveLength(1);
  });

  it('at a provider that has no renew is replaced the same way', async () => {
    const { store, secrets, clock } = world({ without: ['renew'] });
    store.dynamic('creds', RENEWABLE);
    await secrets.getSecret('s:creds');
    await clock.advance(86_000);
    expect(store.leases).toHaveLength(2);
  });

  it('and has no id (a certificate) is replaced for its consumers, and left to reads otherwise', async () => {
    const { store, secrets, clock } = world();
    store
      .dynamic('read', { ttlMs: 100_000, handle: false })
      .dynamic('held', { ttlMs: 100_000, handle: false });
    await secrets.getSecret('s:read');
    const seen: string[] = [];
    secrets.watch('s:held', (secret) => void seen.push(secret.version));
    await clock.advance(10 * MINUTE_MS);
    expect(store.count('fetch', 'read')).toBe(1);
    expect(seen).toHaveLength(store.count('fetch', 'held'));
    expect(seen.length).toBeGreaterThan(6);
    const { version } = await secrets.getSecret('s:read');
    expect(version).not.toBe('v1');
    await clock.advance(100_000);
  });

  it('nobody asks for again after an outage is let go', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', FIXED);
    await secrets.getSecret('s:creds');
    store.goDown();
    await clock.advance(HOUR_MS);
    store.heal();
    const callsBefore = store.calls.length;
    await clock.advance(24 * HOUR_MS);
    expect(store.calls).toHaveLength(callsBefore);
    expect(of('lease-expired')).toHaveLength(1);
    expect(clock.pending).toBe(0);
    expect((await secrets.getSecret('s:creds')).version).toBe('v2');
  });
});

describe('what is revoked', () => {
  it('a replaced lease is, once the new one serves', async () => {
    const { store, secrets, heard, clock } = world();
    store.dynamic('creds', RENEWABLE);
    await secrets.getSecret('s:creds');
    await secrets.rotate('s:creds');
    await clock.settle();
    const order = heard.map(({ event }) => event);
    expect(order.indexOf('secret-rotated')).toBeLessThan(order.indexOf('secret-drained'));
    expect(order.indexOf('secret-drained')).toBeLessThan(order.indexOf('lease-revoked'));
    expect(store.live().map((lease) => lease.version)).toEqual(['v2']);
  });

  it('a lease that could not be revoked is tried again until its end, renewed ones included', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    await clock.advance(HOUR_MS);
    store.failNext('revoke', failure('unavailable'), failure('timeout'), failure('rate-limited'));
    await secrets.rotate('s:creds');
    await clock.advance(3 * MINUTE_MS);
    expect(of('lease-revoked').map((event) => event.error)).toEqual([
      'unavailable',
      'timeout',
      'rate-limited',
      undefined,
    ]);
    expect(store.live().map((lease) => lease.version)).toEqual(['v2']);
  });

  it('a lease is not revoked for ever: its end ends the attempts', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', { ttlMs: 5 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    store.failNext('revoke', ...new Array(100).fill(failure('unavailable')));
    await secrets.rotate('s:creds');
    await clock.advance(HOUR_MS);
    expect(of('lease-revoked').length).toBeLessThan(60);
    expect(of('lease-revoked').length).toBeGreaterThan(3);
    store.heal();
  });

  it('a refusal to revoke is not repeated', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', { ttlMs: 5 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    store.failNext('revoke', failure('permission-denied'));
    await secrets.rotate('s:creds');
    await clock.advance(4 * MINUTE_MS);
    expect(of('lease-revoked')).toEqual([{ ref: 's:creds', version: 'v1', error: 'permission-denied' }]);
    store.revokeFromOutside('v1');
  });

  it('nothing is, at a provider that cannot', async () => {
    const { store, secrets, clock } = world({ without: ['revoke'] });
    store.dynamic('creds', { ttlMs: 10_000, renewable: false });
    await secrets.getSecret('s:creds');
    await secrets.rotate('s:creds');
    await clock.advance(60_000);
    expect(await codeOf(secrets.rotate('s:creds'))).toBe('resolved');
    for (const { version } of store.leases) store.revokeFromOutside(version);
  });

  it('a lease that was over before it came, once, is followed by another at once', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 3_000 });
    const { fetch } = store.provider;
    store.provider.fetch = async (...args) => {
      const version = await fetch(...args);
      if (store.count('fetch') === 1) await clock.sleep(4_000);
      return version;
    };
    const secret = await until(clock, secrets.getSecret('s:creds'));
    expect(secret.version).toBe('v2');
  });

  it('a lease that is over by our clock is revoked when the last who held on to it leaves', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 600_000, renewable: false });
    const consumption = secrets.consume('s:creds', { adopt: () => {} });
    await consumption.current();
    store.goDown();
    clock.jumpWall(600_000);
    await clock.advance(120_000);
    expect(secrets.peekSecret('s:creds')).toBeUndefined();
    store.heal();
    const [first] = store.leases;
    expect(first !== undefined && store.isLive(first)).toBe(true);
    consumption.close();
    await clock.advance(1_000);
    expect(first !== undefined && store.isLive(first)).toBe(false);
  });

  it('a lease that was over before it came is revoked and not handed out', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 3_000 });
    const { fetch } = store.provider;
    store.provider.fetch = async (...args) => {
      const version = await fetch(...args);
      await clock.sleep(4_000);
      return version;
    };
    expect(await until(clock, codeOf(secrets.getSecret('s:creds')))).toBe('timeout');
  });
});

describe('a store in trouble', () => {
  it('F18: sealed for two hours with thirty leases is asked gently, and recovers without a herd', async () => {
    const { store, secrets, clock, of } = world();
    const paths = Array.from({ length: 30 }, (_, number) => `creds-${number}`);
    for (const path of paths) {
      store.dynamic(path, { ttlMs: HOUR_MS });
      secrets.watch(`s:${path}`, () => {});
    }
    await secrets.ready();
    await clock.advance(30 * MINUTE_MS);
    store.goDown();
    await clock.advance(2 * HOUR_MS);
    expect(of('lease-expired')).toHaveLength(30);

    const lastHour = store.timesOf('fetch').filter((atMs) => atMs > clock.monotonicMs() - HOUR_MS);
    expect(lastHour.length).toBeLessThanOrEqual(HOUR_MS / 5_000 + 1);

    store.heal();
    const healedMs = clock.monotonicMs();
    await clock.advance(3 * MINUTE_MS);
    const after = store.timesOf('fetch').filter((atMs) => atMs >= healedMs);
    expect(secrets.health().missing).toEqual([]);
    const perSecond = new Map<number, number>();
    for (const atMs of after) {
      const second = Math.floor(atMs / 1_000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    }
    expect(after).toHaveLength(30);
    expect(Math.max(...perSecond.values())).toBeLessThan(10);
  });

  it('F19: a lease quota that is used up keeps the lease in service, and waits as long as the store asks', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS, renewable: false });
    const { version } = await secrets.getSecret('s:creds');
    store.failNext('fetch', failure('rate-limited', { retryAfterMs: 45_000 }));
    while (store.count('fetch') < 2) await clock.advance(1_000);
    await clock.advance(43_000);
    expect(secrets.peekSecret('s:creds')?.version).toBe(version);
    expect(store.count('fetch')).toBe(2);
    await clock.advance(MINUTE_MS);
    expect(of('secret-rotated')).toHaveLength(1);
  });

  it('F47: a hundred replicas started together do not renew together', async () => {
    const firstMs: number[] = [];
    for (let pod = 0; pod < 100; pod++) {
      const { store, secrets, clock } = world({ config: { instance: `pod-${pod}` } });
      store.dynamic('creds', RENEWABLE);
      await secrets.getSecret('s:creds');
      await clock.advance(70_001);
      firstMs.push(store.timesOf('renew')[0] ?? 0);
    }
    const buckets = new Map<number, number>();
    for (const atMs of firstMs)
      buckets.set(Math.floor(atMs / 1_000), (buckets.get(Math.floor(atMs / 1_000)) ?? 0) + 1);
    expect(buckets.size).toBe(10);
    expect(Math.max(...buckets.values())).toBeLessThan(30);
  });
});
