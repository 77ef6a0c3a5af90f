import { createSecrets, type SecretsConfig } from '@keyturn/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freshness, safeLifeMs } from '../src/cache/freshness.js';
import { plan, retryAfterMs } from '../src/lease/schedule.js';
import { problemOf } from './support/problem.js';
import { failure } from './support/store.js';
import { codeOf, until, type World, type WorldOptions, world } from './support/world.js';
import vectors from './vectors/lease-scenarios.json' with { type: 'json' };

/*
 * What the tests of three other clients of Vault expect of a lease: Vault's and OpenBao's lifetime watcher (lw),
 * consul-template (ct), spring-vault's lease container (sv) and its token sessions (token). Their numbers are their
 * own; each test here shows that what they were after holds, under the id of the vector. Where ours deliberately
 * does another thing, DIFFERENCES says what and why.
 */

const DIFFERENCES: Readonly<Record<string, string>> = {
  'lw/no_error':
    'The first renewal comes at 60–70 % of the ttl, not at once: a renewal of a lease that is new gains nothing, and a fleet that starts together would call together.',
  'lw/short_increment_duration':
    'There is no increment to set: a renewal asks for the ttl that the lease had when it was new, because a shorter answer is how the maximum is noticed.',
  'lw/many_errors':
    'Once the last fifth of the life has begun, a lease whose renewals fail is replaced rather than renewed once more. The value is not interrupted either way.',
  'lw/only_errors': 'It does not end and leave the rest to the caller: it reads again itself.',
  'lw/negative_lease_duration':
    'An answer with a ttl of zero or less is refused as bad-response and nothing is published: it promises nothing, and renewing it is a loop.',
  'lw/grace':
    'No grace is drawn for each lease. The window is U(0.60, 0.70) of the ttl (U(0.75, 0.85) without renewal), at a phase that an instance keeps over restarts; the rest of the life is the headroom.',
  'lw/sleep': 'See lw/grace: 0.60–0.70 instead of 0.70–0.73.',
  'lw/nonrenewable-strict': 'There is no strict mode: a lease that cannot be renewed is replaced.',
  'lw/becomes-nonrenewable':
    'There is no strict mode: from then on it is replaced instead of renewed, without an error.',
  'ct/renewable':
    '60–70 % of the ttl instead of 17–33 %: a third of the calls, and still 30 % of the life in hand.',
  'ct/non-renewable': '75–85 % instead of 80–95 %: a proof by every consumer has to fit in before the end.',
  'ct/rotating ttl=0':
    'It is published, as due at once, and asked for again within a second. While a store is stuck between two passwords the old one is the only one there is, and a service that starts then must not fail.',
  'ct/pki cert expiring in 100 s': 'See ct/non-renewable.',
  'ct/approle secret_id_ttl=60':
    'See ct/non-renewable; what in an answer tells its ttl is for the provider to read.',
  'ct/secret_id_ttl=0': 'See ct/approle secret_id_ttl=60.',
  'ct/secret_id_ttl missing': 'See ct/approle secret_id_ttl=60.',
  'sv/expired-predicate':
    'There is no least renewal interval below which a lease counts as expired: a lease of 4 s is kept like any other, and ends at its own safe life.',
  'sv/expired-predicate-minRenewal-120': 'See sv/expired-predicate.',
  'sv/static-lease': 'There are no two modes: a lease that cannot be renewed is replaced before its end.',
  'sv/renew-now':
    'Nothing renews on request. refresh() makes a new version, which answers what a caller who doubts a credential needs.',
  'sv/failed-rotate': 'It expires at the end of its lease, not when the first attempt to replace it fails.',
  'sv/rotate-renewable-refused': 'A renewable secret may be rotated on request.',
  'sv/renew-returns-too-short': 'See lw/stop-in-grace: it is replaced, not left to expire.',
  'sv/restart':
    'There is no restart; the loss of the login, which is what calls for one, replaces every lease.',
  'sv/schedule-threshold-100': 'There is no threshold to set; see lw/grace.',
  'sv/schedule-threshold-70': 'There is no threshold to set; see lw/grace.',
  'token/self-lookup': 'Looking up the ttl is for the provider’s login; the core keeps what that says.',
  'token/self-lookup-403':
    'A provider whose look-up fails grants a login without an end; it is used until it is refused.',
  'token/renew-ttl-below-threshold':
    'The new login is made at once, not at the next use: no call has to wait for it.',
  'token/renew-connection-refused':
    'A login is never dropped for a connection that fails: it is good until its end.',
  'token/failed-renewal-not-rescheduled':
    'A failed renewal is always tried again; see token/renew-connection-refused.',
};

const SECOND_MS = 1_000;
const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** A world whose secret s:creds has been read once. */
async function leased(role: { ttlMs: number; maxTtlMs?: number; renewable?: boolean }, more?: WorldOptions) {
  const made = world(more);
  made.store.dynamic('creds', role);
  await made.secrets.getSecret('s:creds');
  return made;
}

/** When, after a read, the store is next asked about a lease of `ttlMs`, over many instances. */
async function waitsMs(ttlMs: number, renewable: boolean): Promise<number[]> {
  const waits: number[] = [];
  for (let number = 0; number < 20; number++) {
    const { store, clock } = await leased({ ttlMs, renewable }, { config: { instance: `pod-${number}` } });
    await clock.advance(ttlMs * 0.9);
    waits.push(store.calls[1]?.atMs ?? Number.NaN);
  }
  return waits;
}

function expectWithin(waits: readonly number[], fromMs: number, toMs: number): void {
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(fromMs);
  expect(Math.max(...waits)).toBeLessThanOrEqual(toMs + 1);
  expect(new Set(waits.map(Math.round)).size).toBeGreaterThan(5);
}

/** Whether the version that serves at every second is one that the store honours. */
async function expectServedThroughout({ clock, store, secrets }: World, forMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < forMs; passedMs += SECOND_MS) {
    await clock.advance(SECOND_MS);
    const lease = store.leaseOf(secrets.peekSecret('s:creds')?.version ?? '');
    expect(lease !== undefined && store.isLive(lease), `after ${passedMs + SECOND_MS} ms`).toBe(true);
  }
}

/** Answers renewals of a lease with one ttl after the other. */
function renewWith({ store }: World, ...ttlsMs: readonly number[]): void {
  const left = [...ttlsMs];
  store.provider.renew = async (id) => {
    store.calls.push({ operation: 'renew', subject: id, atMs: store.nowMs });
    const lease = store.leases.find((each) => each.id === id);
    const ttlMs = left.shift() ?? 60 * SECOND_MS;
    if (lease !== undefined) lease.endMs = store.nowMs + ttlMs;
    return { ttlMs };
  };
}

/** A world with a login, that has read s:app once. */
async function loggedIn(session: WorldOptions['session'] & object) {
  const made = world({ session });
  made.store.put('app', 'one');
  await made.secrets.getSecret('s:app');
  return made;
}

const SCENARIOS: Readonly<Record<string, () => Promise<void> | void>> = {
  'lw/no_error': async () => {
    const { clock, of, store } = await leased({ ttlMs: 60_000 });
    await clock.advance(60_000);
    expect(of('lease-renewed').length).toBeGreaterThanOrEqual(1);
    expect(of('refresh-failed')).toEqual([]);
    expect(store.timesOf('renew')[0]).toBeGreaterThanOrEqual(36_000);
  },
  'lw/short_increment_duration': async () => {
    const made = await leased({ ttlMs: 60_000, maxTtlMs: 90_000 });
    const { renew } = made.store.provider;
    const asked: number[] = [];
    made.store.provider.renew = async (id, options) => {
      asked.push(options.ttlMs);
      return (await renew?.(id, options)) ?? { ttlMs: 0 };
    };
    await made.clock.advance(59_000);
    expect(asked).toEqual([60_000]);
    expect(made.of('refresh-failed')).toEqual([]);
  },
  'lw/one_error': async () => {
    const made = await leased({ ttlMs: 15_000 });
    made.store.failNext('renew', failure('unavailable'));
    await expectServedThroughout(made, 15_000);
    expect(made.of('lease-renewed').length).toBeGreaterThanOrEqual(1);
  },
  'lw/many_errors': async () => {
    const made = await leased({ ttlMs: 15_000 });
    made.store.failNext('renew', failure('unavailable'), failure('unavailable'), failure('unavailable'));
    await expectServedThroughout(made, 30_000);
    expect(made.of('lease-expired')).toEqual([]);
    made.store.heal();
  },
  'lw/only_errors': async () => {
    const made = await leased({ ttlMs: 15_000 });
    made.store.failNext('renew', ...new Array(20).fill(failure('unavailable')));
    await expectServedThroughout(made, 15_000);
    expect(made.of('lease-renewed')).toEqual([]);
    expect(made.of('secret-rotated')).toHaveLength(1);
    made.store.heal();
  },
  'lw/negative_lease_duration': async () => {
    const { store, secrets } = world();
    store.provider.fetch = async () => ({
      data: 'x',
      version: '1',
      lease: { ttlMs: -15_000, handle: { id: 'l', renewable: true } },
    });
    expect(await codeOf(secrets.getSecret('s:creds'))).toBe('bad-response');
    expect(store.count('renew')).toBe(0);
  },
  'lw/nil-input': () => {
    expect(problemOf(() => createSecrets(null as unknown as SecretsConfig)).code).toBe('invalid-config');
  },
  'lw/nil-secret': async () => {
    const { store, secrets } = world();
    store.provider.fetch = async () => null as never;
    expect(await codeOf(secrets.getSecret('s:creds'))).toBe('bad-response');
  },
  'lw/sleep-lt-remaining': () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 1e12, noNaN: true }), unit, unit, (ttlMs, phase, random) => {
        const lease = { ttlMs, handle: { id: 'l', renewable: true } };
        const facts = { lease, ttlMs, renewable: true, cacheTtlMs: 1, consumed: false };
        const waitMs = plan(facts, phase)?.afterMs ?? Number.NaN;
        const remainingMs = safeLifeMs(ttlMs) - waitMs;
        expect(waitMs).toBeLessThan(safeLifeMs(ttlMs));
        expect(retryAfterMs(remainingMs, random)).toBeLessThanOrEqual(remainingMs);
      }),
      { numRuns: 1_000 },
    );
  },
  'lw/grace': () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), unit, (ttlMs, phase) => {
        const lease = { ttlMs, handle: { id: 'l', renewable: true } };
        const facts = { lease, ttlMs, renewable: true, cacheTtlMs: 1, consumed: false };
        const headroomMs = ttlMs - (plan(facts, phase)?.afterMs ?? 0);
        expect(headroomMs).toBeGreaterThanOrEqual(ttlMs * 0.3 - 1e-6);
        expect(headroomMs).toBeLessThanOrEqual(ttlMs * 0.4 + 1e-6);
      }),
    );
  },
  'lw/sleep': async () => expectWithin(await waitsMs(100_000, true), 60_000, 70_000),
  'lw/stop-in-grace': async () => {
    const made = await leased({ ttlMs: 60_000, maxTtlMs: 100_000 });
    await expectServedThroughout(made, 300_000);
    expect(made.of('lease-expired')).toEqual([]);
    expect(made.of('secret-rotated').length).toBeGreaterThanOrEqual(3);
  },
  'lw/nonrenewable-default': async () => {
    const made = await leased({ ttlMs: 60_000, renewable: false });
    await expectServedThroughout(made, 120_000);
    expect(made.store.count('renew')).toBe(0);
  },
  'lw/nonrenewable-strict': async () => {
    const made = await leased({ ttlMs: 60_000, renewable: false });
    await expectServedThroughout(made, 60_000);
    expect(made.of('refresh-failed')).toEqual([]);
  },
  'lw/becomes-nonrenewable': async () => {
    const made = await leased({ ttlMs: 60_000 });
    made.store.provider.renew = async (id) => {
      made.store.calls.push({ operation: 'renew', subject: id, atMs: made.store.nowMs });
      const lease = made.store.leases.find((each) => each.id === id);
      if (lease !== undefined) lease.endMs = made.store.nowMs + 60_000;
      return { ttlMs: 60_000, handle: { id, renewable: false } };
    };
    await made.clock.advance(42_001);
    expect(made.of('lease-renewed')).toHaveLength(1);
    await made.clock.advance(52_000);
    expect(made.store.count('renew')).toBe(1);
    expect(made.of('secret-rotated')).toHaveLength(1);
  },
  'lw/shrinking-lease': async () => {
    const made = await leased({ ttlMs: 60_000 });
    renewWith(made, 60_000, 60_000, 40_000, 20_000, 5_000);
    await expectServedThroughout(made, 150_000);
    expect(made.store.count('renew', 'lease-1')).toBe(3);
    expect(made.of('secret-rotated')[0]?.previousVersion).toBe('v1');
    expect(made.of('lease-expired')).toEqual([]);
  },
  'lw/error-hot-loop (known upstream defect in both trees: on error sleepDuration stays 0 and NextBackOff() is discarded)':
    async () => {
      const { store, clock } = await leased({ ttlMs: 60_000 });
      store.goDown();
      await clock.advance(60_000);
      expect(store.count('renew')).toBeLessThanOrEqual(8);
      expect(store.count('renew') + store.count('fetch')).toBeLessThan(25);
    },
  'lw/token-auth-null': async () => {
    const { store, clock, of } = await loggedIn({ ttlMs: 60_000 });
    const { session } = store.provider;
    if (session !== undefined) session.renew = async () => null as never;
    await clock.advance(45_000);
    expect(of('session-renewed')).toEqual([]);
    expect(of('refresh-failed')[0]?.code).toBe('bad-response');
    expect(of('session-lost')).toEqual([]);
  },
  'ct/renewable': async () => expectWithin(await waitsMs(100_000, true), 60_000, 70_000),
  'ct/non-renewable': async () => expectWithin(await waitsMs(100_000, false), 75_000, 85_000),
  'ct/rotating static creds ttl=30 period=60': () => expectPollAfter(30_000),
  'ct/rotating ttl=5 period=30': () => expectPollAfter(5_000),
  'ct/rotating ttl=0': async () => {
    const { store, secrets, clock } = world();
    let password = 'old';
    store.provider.fetch = async () => ({
      data: password,
      version: password,
      lease: { ttlMs: password === 'old' ? 0 : 30_000, end: 'rotates' },
    });
    const seen: string[] = [];
    secrets.watch('s:role', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    expect(secrets.inventory()[0]?.state).toBe('due');
    password = 'new';
    await clock.advance(1_001);
    expect(seen).toEqual(['old', 'new']);
  },
  'ct/pki cert expiring in 100 s': async () => expectWithin(await waitsMs(100_000, false), 75_000, 85_000),
  'ct/approle secret_id_ttl=60': async () => expectWithin(await waitsMs(60_000, false), 45_000, 51_000),
  'ct/secret_id_ttl=0': async () => expectWithin(await waitsMs(1_000_000, false), 750_000, 850_000),
  'ct/secret_id_ttl missing': async () => expectWithin(await waitsMs(1_000_000, false), 750_000, 850_000),
  'sv/expired-predicate': async () => expectKeptUntilTheirOwnEnd([9_000, 10_000, 11_000]),
  'sv/expired-predicate-minRenewal-120': async () => expectKeptUntilTheirOwnEnd([9_000, 120_000, 121_000]),
  'sv/not-found': async () => {
    const { secrets, heard, clock } = world();
    expect(await codeOf(secrets.getSecret('s:none'))).toBe('not-found');
    await clock.advance(60_000);
    expect([heard, clock.pending]).toEqual([[], 0]);
  },
  'sv/no-lease': async () => {
    const { store, secrets, of, clock } = world();
    store.put('app', { key: 'value' });
    await secrets.getSecret('s:app');
    expect([of('secret-loaded').length, clock.pending]).toEqual([1, 0]);
  },
  'sv/static-lease': async () => {
    const { store, clock, of } = await leased({ ttlMs: 60_000, renewable: false });
    expect(of('secret-loaded')).toHaveLength(1);
    await clock.advance(52_000);
    expect([store.count('renew'), store.count('fetch')]).toEqual([0, 2]);
  },
  'sv/duplicate-path': async () => {
    const { store, secrets, of } = world();
    store.dynamic('creds', { ttlMs: 60_000 });
    const seen: string[] = [];
    for (const name of ['a', 'b'])
      secrets.watch('s:creds', (secret) => void seen.push(`${name} ${secret.version}`));
    await secrets.ready();
    expect([store.count('fetch'), of('secret-loaded').length, seen.sort()]).toEqual([1, 1, ['a v1', 'b v1']]);
  },
  'sv/late-registration': async () => {
    const { secrets, of, store } = await leased({ ttlMs: 60_000 });
    const seen: string[] = [];
    secrets.watch('s:creds', (secret) => void seen.push(secret.version));
    await secrets.ready();
    expect([store.count('fetch'), of('secret-loaded').length, seen]).toEqual([1, 1, ['v1']]);
  },
  'sv/initial-read-error': async () => {
    const { store, secrets, of, clock } = world();
    store.goDown();
    secrets.watch('s:creds', () => {});
    await until(clock, codeOf(secrets.ready()));
    await clock.settle();
    expect(of('refresh-failed')[0]).toMatchObject({ ref: 's:creds', code: 'unavailable' });
    expect(secrets.inventory()).toEqual([]);
    store.heal();
  },
  'sv/renewable': async () => {
    const { clock, store } = await leased({ ttlMs: 100_000 });
    expect(clock.pending).toBe(1);
    await clock.advance(70_001);
    expect(store.count('renew')).toBe(1);
  },
  'sv/renew': async () => {
    const made = await leased({ ttlMs: 100_000 });
    made.store.provider.renew = async () => {
      for (const lease of made.store.leases) lease.id = 'new_lease';
      return { ttlMs: 99_500, handle: { id: 'new_lease', renewable: true } };
    };
    await made.clock.advance(70_001);
    expect([made.of('lease-renewed').length, made.clock.pending]).toEqual([1, 1]);
    await made.close();
    expect(made.store.count('revoke', 'new_lease')).toBe(1);
  },
  'sv/renew-now': async () => {
    const { secrets, store, clock } = await leased({ ttlMs: 100_000 });
    await clock.advance(50_000);
    await secrets.rotate('s:creds');
    await clock.settle();
    expect(clock.pending).toBe(1);
    await clock.advance(50_000);
    expect([store.count('fetch'), store.count('renew')]).toEqual([2, 0]);
    await clock.advance(20_001);
    expect(store.count('renew')).toBe(1);
  },
  'sv/renew-after-failure-retain': async () => {
    const { store, clock, of } = await leased({ ttlMs: 100_000 });
    store.failNext('renew', failure('unavailable'));
    await clock.advance(80_000);
    expect([store.count('renew'), of('lease-renewed').length, clock.pending]).toEqual([2, 1, 1]);
  },
  'sv/retain-after-failures': async () => {
    const { store, secrets, clock } = await leased({ ttlMs: 100_000 });
    store.failNext('renew', failure('unavailable'), failure('unavailable'));
    while (store.count('renew') < 2) await clock.advance(500);
    expect(secrets.peekSecret('s:creds')?.version).toBe('v1');
    expect(clock.pending).toBe(1);
    await clock.advance(20_000);
  },
  'sv/rotate-non-renewable': async () => {
    const { secrets, of, clock, store } = await leased({ ttlMs: 100_000, renewable: false });
    store.put('creds', { key: 'value2' }, 'plain');
    await clock.advance(86_000);
    expect(of('secret-rotated')).toMatchObject([{ previousVersion: 'v1', version: 'plain' }]);
    expect((await secrets.getSecret('s:creds#key')).reveal()).toBe('value2');
  },
  'sv/rotate-generic': async () => {
    const { store, secrets, clock } = world();
    let answer: Record<string, string> = { key: 'value' };
    store.provider.fetch = async () => ({
      data: answer,
      version: Object.keys(answer).join(),
      lease: { ttlMs: 100_000 },
    });
    const seen: (readonly string[])[] = [];
    secrets.watch('s:app', (secret) => void seen.push(secret.fields()));
    await secrets.ready();
    answer = { foo: 'bar' };
    await clock.advance(86_000);
    expect(seen).toEqual([['key'], ['foo']]);
  },
  'sv/failed-rotate': async () => {
    const { store, clock, heard } = await leased({ ttlMs: 100_000, renewable: false });
    store.goDown(failure('bad-response'));
    await clock.advance(99_000);
    const events = heard.map(({ event }) => event).filter((event) => event !== 'breaker-changed');
    expect(events[0]).toBe('secret-loaded');
    expect(events).toContain('refresh-failed');
    expect(events.filter((event) => event === 'lease-expired')).toHaveLength(1);
    expect(heard.find(({ event }) => event === 'lease-expired')?.atMs).toBe(98_000);
  },
  'sv/rotate-now': async () => {
    const { secrets, of, clock } = await leased({ ttlMs: 100_000, renewable: false });
    await clock.advance(50_000);
    await secrets.rotate('s:creds');
    await clock.settle();
    expect([of('secret-rotated').length, clock.pending]).toEqual([1, 1]);
    await clock.advance(74_000);
    expect(of('secret-rotated')).toHaveLength(1);
  },
  'sv/rotate-renewable-refused': async () => {
    const { secrets } = await leased({ ttlMs: 100_000 });
    expect((await secrets.rotate('s:creds')).version).toBe('v2');
  },
  'sv/renew-returns-too-short': async () => {
    const made = await leased({ ttlMs: 100_000 });
    renewWith(made, 5_000);
    await expectServedThroughout(made, 100_000);
    expect(made.of('lease-expired')).toEqual([]);
    expect(made.store.count('renew', 'lease-1')).toBe(1);
  },
  'sv/rotating-renew-too-short': async () => {
    const made = await leased({ ttlMs: 100_000 });
    renewWith(made, 5_000);
    await made.clock.advance(70_001);
    expect(made.of('secret-rotated')).toHaveLength(1);
    expect(made.clock.pending).toBe(1);
  },
  'sv/restart': async () => {
    const { store, secrets, clock, of } = world({ session: { ttlMs: 3_600_000 } });
    for (const path of ['a', 'b']) store.dynamic(path, { ttlMs: 100_000 });
    await secrets.preload(['s:a', 's:b']);
    await clock.advance(50_000);
    store.revokeSessions();
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    await clock.advance(50_000);
    expect(
      of('secret-rotated')
        .map((event) => event.ref)
        .sort(),
    ).toEqual(['s:a', 's:b']);
    expect([of('lease-expired'), of('refresh-failed')]).toEqual([[], []]);
  },
  'sv/restart-concurrent-renewal': async () => {
    const { store, secrets, clock, of } = await leased({ ttlMs: 100_000 });
    store.latencyMs.renew = 8_000;
    while (store.count('renew') === 0) await clock.advance(1_000);
    await secrets.rotate('s:creds');
    await secrets.rotate('s:creds');
    await clock.advance(20_000);
    expect(of('secret-rotated')).toHaveLength(2);
    expect([of('lease-expired'), of('refresh-failed'), of('lease-renewed')]).toEqual([[], [], []]);
    expect(store.live().map((lease) => lease.version)).toEqual(['v3']);
  },
  'sv/schedule-threshold-100': async () => expectWithin(await waitsMs(100_000, true), 60_000, 70_000),
  'sv/schedule-threshold-70': async () => expectWithin(await waitsMs(70_000, true), 42_000, 49_000),
  'sv/schedule-once': async () => {
    const { store, clock } = await leased({ ttlMs: 100_000 });
    store.latencyMs.renew = 5_000;
    await clock.advance(75_001);
    expect(store.count('renew')).toBe(1);
  },
  'sv/start-twice': async () => {
    const { store, secrets, clock } = await leased({ ttlMs: 100_000 });
    for (let turn = 0; turn < 3; turn++) secrets.watch('s:creds', () => {});
    await secrets.ready();
    expect(clock.pending).toBe(1);
    await clock.advance(75_000);
    expect([store.count('renew'), store.count('fetch')]).toEqual([1, 1]);
  },
  'sv/cancelled': async () => {
    const { store, clock, close } = await leased({ ttlMs: 100_000 });
    await close();
    await clock.advance(200_000);
    expect(store.count('renew')).toBe(0);
  },
  'sv/renewal-error-published': async () => {
    const { store, clock, of } = await leased({ ttlMs: 100_000 });
    store.failNext('renew', failure('bad-response'));
    await clock.advance(71_000);
    expect(of('refresh-failed')).toMatchObject([
      { ref: 's:creds', code: 'bad-response', error: { ref: 's:creds', provider: 's' } },
    ]);
  },
  'sv/destroy-revokes': async () => {
    const { store, close, of } = await leased({ ttlMs: 1_000_000 });
    await close();
    expect([store.count('revoke', 'lease-1'), of('lease-revoked')]).toEqual([
      1,
      [{ ref: 's:creds', version: 'v1' }],
    ]);
  },
  'sv/destroy-no-lease': async () => {
    const { store, secrets, close } = world();
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    await close();
    expect(store.count('revoke')).toBe(0);
  },
  'token/login-fails': async () => {
    const { store, secrets, of } = world({ session: { ttlMs: 60_000 } });
    store.put('app', 'one');
    store.failNext('login', failure('unauthenticated'));
    expect(await codeOf(secrets.getSecret('s:app'))).toBe('unauthenticated');
    expect(of('session-started')).toEqual([]);
  },
  'token/self-lookup': async () => {
    const { store, clock, of } = await loggedIn({ ttlMs: 100_000 });
    expect(of('session-started')).toEqual([{ provider: 's', ttlMs: 100_000 }]);
    await clock.advance(70_001);
    expect(store.count('renew-session')).toBe(1);
  },
  'token/self-lookup-403': async () => {
    const { store, secrets, clock, of } = await loggedIn({});
    await clock.advance(3_600_000);
    await secrets.rotate('s:app');
    expect(of('session-started')).toEqual([{ provider: 's', ttlMs: undefined }]);
    expect(store.count('login')).toBe(1);
  },
  'token/renew-500': async () => {
    const { store, clock, of } = await loggedIn({ ttlMs: 300_000 });
    store.failNext('renew-session', failure('unavailable'));
    await clock.advance(211_000);
    expect(of('refresh-failed')[0]).toMatchObject({ ref: 's', code: 'unavailable' });
  },
  'token/destroy-revokes-login-token': async () => {
    const { store, close } = await loggedIn({ ttlMs: 300_000 });
    await close();
    expect(store.count('revoke-session', 'token-1')).toBe(1);
  },
  'token/destroy-static-token': async () => {
    const { store, close } = await loggedIn({ revocable: false });
    await close();
    expect(store.count('revoke-session')).toBe(0);
  },
  'token/destroy-batch-token': async () => {
    const { store, close } = await loggedIn({ ttlMs: 300_000, renewable: false, revocable: false });
    await close();
    expect(store.count('revoke-session')).toBe(0);
  },
  'token/revoke-error-on-destroy': async () => {
    const { store, close } = await loggedIn({ ttlMs: 300_000 });
    store.failNext('revoke-session', failure('unavailable'));
    await close();
    for (const session of store.sessions) session.revokedMs = 0;
  },
  'token/renew-schedules': async () => {
    const { store, clock, of } = await loggedIn({ ttlMs: 5_000 });
    await clock.advance(3_501);
    expect([store.count('renew-session'), of('session-renewed').length, store.count('login')]).toEqual([
      1, 1, 1,
    ]);
  },
  'token/reschedule-after-success': async () => {
    const { store, clock } = await loggedIn({ ttlMs: 5_000 });
    await clock.advance(60_000);
    expect(store.count('renew-session')).toBeGreaterThanOrEqual(60 / 3.5 - 1);
    expect(store.count('login')).toBe(1);
  },
  'token/renew-ttl-below-threshold': async () => {
    const { store, clock, of } = await loggedIn({ ttlMs: 5_000, maxTtlMs: 5_500 });
    await clock.advance(4_000);
    expect([store.count('renew-session'), store.count('login')]).toEqual([1, 2]);
    expect(of('session-lost')).toEqual([]);
  },
  'token/renew-connection-refused': async () => {
    const { store, secrets, clock } = await loggedIn({ ttlMs: 60_000 });
    store.failNext('renew-session', failure('unavailable'));
    while (store.count('renew-session') === 0) await clock.advance(500);
    await secrets.rotate('s:app');
    expect(store.count('login')).toBe(1);
    await clock.advance(10_000);
  },
  'token/renew-connection-refused-retain': async () => {
    const { store, clock } = await loggedIn({ ttlMs: 60_000 });
    store.failNext('renew-session', failure('unavailable'));
    await clock.advance(58_000);
    expect([store.count('login'), store.count('renew-session') >= 2]).toEqual([1, true]);
  },
  'token/renew-ssl-error-retainOnIoError': async () => {
    const { store, secrets, clock } = await loggedIn({ ttlMs: 60_000 });
    store.failNext('renew-session', failure('unavailable'));
    await clock.advance(43_000);
    await secrets.rotate('s:app');
    expect(store.count('login')).toBe(1);
  },
  'token/failed-renewal-not-rescheduled': async () => {
    const { store, clock, of } = await loggedIn({ ttlMs: 300_000 });
    store.failNext('renew-session', failure('unavailable'));
    await clock.advance(299_000);
    expect([of('refresh-failed').length, of('session-renewed').length >= 1]).toEqual([1, true]);
  },
};

function expectPollAfter(ttlMs: number): void {
  fc.assert(
    fc.property(unit, (phase) => {
      const facts = {
        lease: { ttlMs, end: 'rotates' as const },
        ttlMs,
        renewable: false,
        cacheTtlMs: 1,
        consumed: true,
      };
      const next = plan(facts, phase);
      expect(next?.action).toBe('poll');
      expect(next?.afterMs).toBeGreaterThan(ttlMs + 499);
      expect(next?.afterMs).toBeLessThanOrEqual(ttlMs + 1_000);
    }),
  );
}

async function expectKeptUntilTheirOwnEnd(ttlsMs: readonly number[]): Promise<void> {
  for (const ttlMs of ttlsMs) {
    const { secrets, clock, store } = await leased({ ttlMs });
    store.goDown();
    await clock.advance(safeLifeMs(ttlMs) - 1);
    expect(secrets.peekSecret('s:creds'), `${ttlMs}`).toBeDefined();
    await clock.advance(1);
    expect(secrets.peekSecret('s:creds'), `${ttlMs}`).toBeUndefined();
    await clock.advance(ttlMs);
    store.heal();
  }
  const none = { lease: { ttlMs: 0 }, freshUntilMs: 0, usableUntilMs: 0 };
  expect(freshness(none, 0)).toBe('expired');
}

describe('a scenario of other clients', () => {
  it.each(vectors.map(({ id }) => [id] as const))('%s', async (id) => {
    await SCENARIOS[id]?.();
  });

  it('none of them is left out, and none is made up', () => {
    expect(Object.keys(SCENARIOS).sort()).toEqual(vectors.map(({ id }) => id).sort());
    expect(vectors).toHaveLength(72);
  });

  it('every difference is one of theirs', () => {
    const ids = new Set(vectors.map(({ id }) => id));
    expect(Object.keys(DIFFERENCES).filter((id) => !ids.has(id))).toEqual([]);
  });
});
