import { createSecrets, isSecretsError } from '@keyturn/core';
import type { CallOptions } from '@keyturn/core/provider';
import {
  fakeClock,
  type MemoryProviderOptions,
  memoryProvider,
  type SecretData,
} from '@keyturn/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { until } from '../support/world.js';

const MINUTE_MS = 60_000;
const { signal } = new AbortController();
const credential = (n: number): SecretData => ({ username: `user-${n}`, password: `password-${n}` });

function setUp(options: Omit<MemoryProviderOptions, 'clock'> = {}) {
  const clock = fakeClock();
  const store = memoryProvider({ clock, ...options });
  const call: CallOptions = { signal, clock };
  return {
    clock,
    store,
    call,
    fetch: (path: string, session?: unknown) => store.fetch({ path }, { ...call, session }),
    renew: async (id: string, ttlMs: number, session?: unknown) =>
      store.renew?.(id, { ...call, ttlMs, session }),
    login: async () => (await store.session?.login(call))?.credential,
  };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => (isSecretsError(error) ? error.code : String(error)),
  );
}

describe('a plain secret', () => {
  it('has versions of its own, and keeps the ones before', async () => {
    const { store, fetch, call } = setUp();
    expect([store.set('a', 'one'), store.set('b', 'x'), store.set('a', 'two')]).toEqual(['1', '1', '2']);
    expect(await fetch('a')).toEqual({ data: 'two', version: '2' });
    expect(await store.fetch({ path: 'a', version: '1' }, call)).toEqual({ data: 'one', version: '1' });
    expect(await codeOf(store.fetch({ path: 'a', version: '9' }, call))).toBe('not-found');
    expect(await codeOf(store.fetch({ path: 'a', stage: 'x' }, call))).toBe('unsupported');
  });

  it('has the version, metadata and lease that it is given', async () => {
    const { store, fetch } = setUp();
    store.set('cert', 'pem', { ttlMs: MINUTE_MS, version: 'serial-7', metadata: { owner: 'ops' } });
    expect(await fetch('cert')).toEqual({
      data: 'pem',
      version: 'serial-7',
      metadata: { owner: 'ops' },
      lease: { ttlMs: MINUTE_MS },
    });
    store.set('static', 'x', { ttlMs: 5, end: 'rotates' });
    expect((await fetch('static')).lease).toEqual({ ttlMs: 5, end: 'rotates' });
    store.set('token', 'x', { ttlMs: MINUTE_MS, renewable: true, maxTtlMs: 90_000 });
    expect((await fetch('token')).lease).toEqual({
      ttlMs: MINUTE_MS,
      handle: { id: 'token/1', renewable: true },
    });
    expect(store.liveLeases()).toHaveLength(1);
  });

  it('is removed, denied and allowed', async () => {
    const { store, fetch } = setUp();
    store.set('a', 'one');
    store.deny('a');
    expect(await codeOf(fetch('a'))).toBe('permission-denied');
    store.allow('a');
    expect(await codeOf(fetch('a'))).toBe('resolved');
    store.remove('a');
    expect(await codeOf(fetch('a'))).toBe('not-found');
    expect(() => store.rotate('a')).toThrow('not-found');
  });
});

describe('a leased path', () => {
  it('makes a credential and a lease at each fetch, which end by the clock', async () => {
    const { clock, store, fetch } = setUp();
    store.lease('db', { ttlMs: MINUTE_MS, make: credential });
    const [one, two] = [await fetch('db'), await fetch('db')];
    expect([one.data, two.data]).toEqual([credential(1), credential(2)]);
    expect(one.lease).toEqual({ ttlMs: MINUTE_MS, handle: { id: 'db/1', renewable: true } });
    await clock.advance(MINUTE_MS - 1);
    expect(store.liveLeases()).toHaveLength(2);
    await clock.advance(1);
    expect(store.leases.map(({ state }) => state)).toEqual(['expired', 'expired']);
  });

  it('F7: renews up to its maximum, and answers a shorter ttl there', async () => {
    const { clock, store, fetch, renew } = setUp();
    store.lease('db', { ttlMs: MINUTE_MS, maxTtlMs: 100_000, make: credential });
    await fetch('db');
    await clock.advance(30_000);
    expect((await renew('db/1', MINUTE_MS))?.ttlMs).toBe(MINUTE_MS);
    await clock.advance(30_000);
    expect((await renew('db/1', MINUTE_MS))?.ttlMs).toBe(40_000);
    await clock.advance(40_000);
    expect(await codeOf(renew('db/1', MINUTE_MS))).toBe('lease-lost');
  });

  it('is not renewed where it is not renewable, unknown, or revoked', async () => {
    const { store, call, fetch, renew } = setUp();
    store.lease('fixed', { ttlMs: MINUTE_MS, renewable: false, make: credential });
    store.lease('db', { ttlMs: MINUTE_MS, make: credential });
    await fetch('fixed');
    await fetch('db');
    expect(await codeOf(renew('fixed/1', 1))).toBe('unsupported');
    expect(await codeOf(renew('db/9', 1))).toBe('lease-lost');
    await store.revoke?.('db/2', call);
    expect(await codeOf(renew('db/2', 1))).toBe('lease-lost');
    expect(await codeOf(Promise.resolve(store.revoke?.('db/9', call)))).toBe('resolved');
  });

  it('F22: is renamed at a renewal where it is told to', async () => {
    const { store, fetch, renew } = setUp();
    store.lease('db', { ttlMs: MINUTE_MS, renames: true, make: credential });
    await fetch('db');
    const first = (await renew('db/1', MINUTE_MS))?.handle?.id ?? '';
    const second = (await renew(first, MINUTE_MS))?.handle?.id ?? '';
    expect(new Set(['db/1', first, second]).size).toBe(3);
    expect(await codeOf(renew(first, MINUTE_MS))).toBe('lease-lost');
  });

  it('tells whoever wants to know when a caller revokes, once, and waits for them', async () => {
    const revoked: string[] = [];
    const { store, call, fetch } = setUp({
      onRevoke: async ({ version }) => void revoked.push(version),
    });
    store.lease('db', { ttlMs: MINUTE_MS, make: credential });
    await fetch('db');
    await store.revoke?.('db/1', call);
    await store.revoke?.('db/1', call);
    expect(revoked).toEqual(['lease-1']);
  });

  it('property: never lives past its maximum, whatever is renewed when', async () => {
    const step = fc.record({ waitMs: fc.nat(50_000), askMs: fc.integer({ min: 1, max: 500_000 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const { clock, store, fetch, renew } = setUp();
        store.lease('db', { ttlMs: MINUTE_MS, maxTtlMs: 200_000, make: credential });
        await fetch('db');
        for (const { waitMs, askMs } of steps) {
          await clock.advance(waitMs);
          const ttlMs = await renew('db/1', askMs).then(
            (lease) => lease?.ttlMs ?? 0,
            () => 0,
          );
          expect(clock.monotonicMs() + ttlMs).toBeLessThanOrEqual(Math.max(200_000, clock.monotonicMs()));
          expect(ttlMs > 0).toBe(store.liveLeases().length === 1);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('a path that the store rotates', () => {
  it('F26: changes at the announced moment, or late', async () => {
    const { clock, store, fetch } = setUp();
    store.rotates('static', { periodMs: MINUTE_MS, lateMs: 2_000, make: (n) => `password-${n}` });
    await clock.advance(MINUTE_MS - 1_000);
    expect(await fetch('static')).toEqual({
      data: 'password-1',
      version: 'rotation-1',
      lease: { ttlMs: 1_000, end: 'rotates' },
    });
    await clock.advance(2_000);
    expect(await fetch('static')).toMatchObject({ data: 'password-1', lease: { ttlMs: 59_000 } });
    await clock.advance(1_000);
    expect(await fetch('static')).toMatchObject({ data: 'password-2', lease: { ttlMs: 58_000 } });
  });

  it('is rotated ahead of its time, and begins a new period then', async () => {
    const { clock, store, fetch } = setUp();
    store.rotates('static', { periodMs: MINUTE_MS, make: (n) => `password-${n}` });
    await clock.advance(30_000);
    store.rotate('static');
    expect(await fetch('static')).toMatchObject({ version: 'rotation-2', lease: { ttlMs: MINUTE_MS } });
    await clock.advance(MINUTE_MS);
    expect((await fetch('static')).version).toBe('rotation-3');
  });
});

describe('a login', () => {
  it('is asked for by every call, and lasts as long as its lease', async () => {
    const { clock, store, fetch, login } = setUp({ session: { ttlMs: MINUTE_MS } });
    store.set('a', 'one');
    expect(await codeOf(fetch('a'))).toBe('unauthenticated');
    const token = await login();
    expect(await codeOf(fetch('a', token))).toBe('resolved');
    await clock.advance(MINUTE_MS);
    expect(await codeOf(fetch('a', token))).toBe('unauthenticated');
    expect(store.logins.map(({ state }) => state)).toEqual(['expired']);
    expect(store.count('login')).toBe(1);
  });

  it('F15: is renewed up to its maximum', async () => {
    const { clock, store, call, login } = setUp({ session: { ttlMs: MINUTE_MS, maxTtlMs: 90_000 } });
    const token = await login();
    await clock.advance(45_000);
    expect((await store.session?.renew?.(token, { ...call, ttlMs: MINUTE_MS }))?.ttlMs).toBe(45_000);
  });

  it('F14: takes its leases along when it is revoked from outside', async () => {
    const { store, fetch, renew, login } = setUp({ session: true });
    store.lease('db', { ttlMs: MINUTE_MS, make: credential });
    const [one, two] = [await login(), await login()];
    await fetch('db', one);
    store.revokeSession();
    expect(store.leases.map(({ state }) => state)).toEqual(['revoked']);
    expect(await codeOf(fetch('db', two))).toBe('unauthenticated');
    expect(await codeOf(renew('db/1', MINUTE_MS, await login()))).toBe('lease-lost');
  });

  it('leaves its leases where it does not own them', async () => {
    const { store, fetch, login } = setUp({ session: { ownsLeases: false } });
    store.lease('db', { ttlMs: MINUTE_MS, make: credential });
    await fetch('db', await login());
    store.revokeSession();
    expect(store.liveLeases()).toHaveLength(1);
  });

  it('that is dead shows as a denial where it is told to, and can be asked after', async () => {
    const { store, call, fetch, login } = setUp({ session: { deadAnswer: 'permission-denied' } });
    store.set('a', 'one');
    const token = await login();
    expect(await store.session?.isAlive?.(token, call)).toBe(true);
    await store.session?.revoke?.(token, call);
    expect(await codeOf(fetch('a', token))).toBe('permission-denied');
    expect(await store.session?.isAlive?.(token, call)).toBe(false);
  });
});

describe('what a test learns from it', () => {
  it('F24: every call, when it came, and how many of a kind ran at once', async () => {
    const { clock, store, fetch } = setUp({ latencyMs: 50 });
    store.set('a', 'one');
    store.set('b', 'two');
    const reads = Promise.all([fetch('a'), fetch('a'), fetch('b')]);
    await clock.advance(50);
    await reads;
    const later = fetch('a');
    await clock.advance(50);
    await later;
    expect(store.calls.map(({ subject, atMs }) => [subject, atMs])).toEqual([
      ['a', 0],
      ['a', 0],
      ['b', 0],
      ['a', 50],
    ]);
    expect([store.count('fetch'), store.count('fetch', 'a'), store.count('renew')]).toEqual([4, 3, 0]);
    expect([store.peak('fetch'), store.peak('fetch', 'b'), store.peak('login')]).toEqual([2, 1, 0]);
  });

  it('who watches: nobody, once they have left', async () => {
    const { store, call } = setUp();
    const leaving = new AbortController();
    const hints = store.watch?.({ path: 'a' }, { ...call, signal: leaving.signal })[Symbol.asyncIterator]();
    const hint = hints?.next();
    await Promise.resolve();
    expect(store.watchers('a')).toBe(1);
    store.ring('a');
    expect((await hint)?.done).toBe(false);
    const last = hints?.next();
    leaving.abort();
    expect((await last)?.done).toBe(true);
    expect(store.watchers('a')).toBe(0);
  });

  it('that a caller who leaves a slow store leaves nothing behind', async () => {
    const { clock, store, call } = setUp({ latencyMs: 1_000 });
    store.set('a', 'one');
    const leaving = new AbortController();
    const read = store.fetch({ path: 'a' }, { ...call, signal: leaving.signal });
    leaving.abort(new Error('enough'));
    await expect(read).rejects.toThrow('enough');
    expect(clock.pending).toBe(0);
  });

  it('only what its methods give: without some, it is a lesser provider', () => {
    const { store } = setUp({ without: ['renew', 'watch'] });
    expect([store.renew, store.watch, store.session]).toEqual([undefined, undefined, undefined]);
    expect([store.revoke, store.list, store.fetchMany]).not.toContain(undefined);
  });
});

it('under the real thing: every lease ends live, revoked or expired, and one fetch runs at a time', async () => {
  const clock = fakeClock();
  const store = memoryProvider({ clock, session: { ttlMs: 10 * MINUTE_MS }, latencyMs: 20 });
  store.lease('db', { ttlMs: MINUTE_MS, maxTtlMs: 3 * MINUTE_MS, make: credential });
  const secrets = createSecrets({ providers: { store }, clock });
  const reads = Array.from({ length: 50 }, () => secrets.getSecret('store:db#password'));
  expect(new Set((await until(clock, Promise.all(reads))).map((secret) => secret.version))).toEqual(
    new Set(['lease-1']),
  );
  await clock.advance(30 * MINUTE_MS);
  expect(store.leases.length).toBeGreaterThan(8);
  expect(store.liveLeases()).toHaveLength(1);
  const closing = secrets.close();
  await clock.advance(10_000);
  await closing;
  expect(store.liveLeases()).toEqual([]);
  expect(store.logins.filter(({ state }) => state === 'live')).toEqual([]);
  expect([store.peak('fetch'), store.peak('login'), clock.pending]).toEqual([1, 1, 0]);
});
