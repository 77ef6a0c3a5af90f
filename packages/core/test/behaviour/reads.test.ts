import { rotating, template } from '@keyturn/core';
import { describe, expect, it } from 'vitest';
import { CANARY, failure } from '../support/store.js';
import { codeOf, until, world } from '../support/world.js';

const MINUTE_MS = 60_000;

describe('a read', () => {
  it('F24: a thousand cold ones make one call', async () => {
    const { store, secrets, clock } = world();
    store.put('app', { key: 'one' });
    store.latencyMs.fetch = 50;
    const reads = Array.from({ length: 1_000 }, () => secrets.getSecret('s:app#key'));
    const found = await until(clock, Promise.all(reads));
    expect(new Set(found.map((secret) => secret.reveal()))).toEqual(new Set(['one']));
    expect(store.count('fetch')).toBe(1);
  });

  it('F24: their failure reaches all of them, is retried three times, and is not remembered for ever', async () => {
    const { store, secrets, clock } = world();
    store.put('app', { key: 'one' });
    store.goDown();
    const reads = Array.from({ length: 1_000 }, () => codeOf(secrets.getSecret('s:app')));
    expect(new Set(await until(clock, Promise.all(reads)))).toEqual(new Set(['unavailable']));
    expect(store.count('fetch')).toBe(3);

    expect(await codeOf(secrets.getSecret('s:app'))).toBe('unavailable');
    expect(store.count('fetch')).toBe(3);
    store.heal();
    await clock.advance(1_000);
    expect((await secrets.getSecret('s:app#key')).reveal()).toBe('one');
  });

  it('fields of a secret share one fetch, one version and one lease', async () => {
    const { store, secrets } = world();
    store.dynamic('creds', { ttlMs: 60_000 });
    const [user, password, whole] = await Promise.all(
      ['s:creds#username', 's:creds#password', 's:creds'].map((ref) => secrets.getSecret(ref)),
    );
    expect(new Set([user?.version, password?.version, whole?.version]).size).toBe(1);
    expect(store.count('fetch')).toBe(1);
    expect(String(user)).toBe('Secret(s:creds#username, v1)');
  });

  it('F29: version and stage isolate what is cached', async () => {
    const { store, secrets } = world();
    store.put('app', 'x');
    for (const ref of ['s:app', 's:app?version=1', 's:app?version=2', 's:app?stage=1', 's:app']) {
      await secrets.getSecret(ref);
    }
    expect(store.count('fetch')).toBe(4);
  });

  it('a fresh value is handed out as one and the same promise', async () => {
    const { store, secrets } = world();
    store.put('app', 'x');
    await secrets.getSecret('s:app');
    expect(secrets.getSecret('s:app')).toBe(secrets.getSecret('s:app'));
  });

  it('is served stale while one refresh runs, with its age and why', async () => {
    const { store, secrets, clock, of } = world();
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    store.put('app', 'two');
    await clock.advance(5 * MINUTE_MS);
    const stale = await Promise.all(Array.from({ length: 10 }, () => secrets.getSecret('s:app')));
    expect(stale.map((secret) => [secret.reveal(), secret.staleReason, secret.ageMs])).toEqual(
      new Array(10).fill(['one', 'refreshing', 5 * MINUTE_MS]),
    );
    await clock.settle();
    expect(store.count('fetch')).toBe(2);
    expect(await secrets.getSecret('s:app')).toMatchObject({ stale: false, version: '2' });
    expect(of('stale-served')[0]).toEqual({
      ref: 's:app',
      version: '1',
      ageMs: 300_000,
      reason: 'refreshing',
    });
  });

  it('serves stale through an outage, says why, and does not flood the store', async () => {
    const { store, secrets, clock, of } = world();
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    await clock.advance(5 * MINUTE_MS);
    store.goDown();
    for (let second = 0; second < 600; second++) {
      expect((await secrets.getSecret('s:app')).reveal()).toBe('one');
      await clock.advance(1_000);
    }
    expect((await secrets.getSecret('s:app')).staleReason).toMatch(/unavailable|circuit-open/);
    expect(store.count('fetch')).toBeLessThan(600 / 7);
    expect(of('refresh-failed')[0]).toMatchObject({
      ref: 's:app',
      code: 'unavailable',
      retryInMs: undefined,
    });
  });

  it('F41: no run of failures moves the bound on stale values', async () => {
    const { store, secrets, clock } = world({ config: { cache: { ttl: '1m', maxStale: '10m' } } });
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    store.goDown();
    for (let minute = 1; minute <= 11; minute++) {
      await clock.advance(MINUTE_MS - 1);
      expect((await secrets.getSecret('s:app')).reveal()).toBe('one');
      await clock.advance(1);
    }
    expect(await until(clock, codeOf(secrets.getSecret('s:app')))).toMatch(/unavailable|circuit-open/);
  });

  it('that joins a single attempt of the background goes on with its own where that failed', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 10_000, renewable: false });
    await secrets.getSecret('s:creds');
    store.latencyMs.fetch = 500;
    store.failNext('fetch', failure('unavailable'));
    while (store.count('fetch') < 2) await clock.advance(50);
    const refreshed = secrets.rotate('s:creds');
    expect((await until(clock, refreshed)).version).toBe('v2');
    expect(store.mostAtOnce.get('fetch creds')).toBe(1);
  });

  it('F39: after an error a forced refresh goes to the store at once and returns promptly', async () => {
    const { store, secrets, clock } = world();
    store.goDown();
    await until(clock, codeOf(secrets.getSecret('s:app')));
    store.heal();
    store.put('app', 'one');
    expect((await secrets.rotate('s:app')).reveal()).toBe('one');
    expect(clock.monotonicMs()).toBeLessThan(1_000);
  });

  it('waits and refreshes when the value is past any use', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    store.put('app', 'two');
    await clock.advance(66 * MINUTE_MS);
    const secret = await secrets.getSecret('s:app');
    expect([secret.reveal(), secret.stale]).toEqual(['two', false]);
  });
});

describe('a denial', () => {
  it('F40: is never masked by a stale value', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    await clock.advance(5 * MINUTE_MS);
    store.deny('app');
    await secrets.getSecret('s:app');
    await clock.settle();
    expect(await codeOf(secrets.getSecret('s:app'))).toBe('permission-denied');
    expect(secrets.peekSecret('s:app')).toBeUndefined();
  });

  it('F40: that came while the value was fresh is not masked once it is stale, however late that is read', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    await clock.advance(4.9 * MINUTE_MS);
    store.deny('app');
    expect(await codeOf(secrets.rotate('s:app'))).toBe('permission-denied');
    expect((await secrets.getSecret('s:app')).reveal()).toBe('one');
    for (const laterMs of [6_000, 25_000, 10 * MINUTE_MS]) {
      await clock.advance(laterMs);
      expect(secrets.peekSecret('s:app')).toBeUndefined();
      expect(await codeOf(secrets.getSecret('s:app'))).toBe('permission-denied');
    }
  });

  it('F40: leaves a lease usable until its own end, and no longer', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 100_000, renewable: false });
    const { version } = await secrets.getSecret('s:creds');
    store.deny('creds');
    await clock.advance(97_999);
    expect((await secrets.getSecret('s:creds')).version).toBe(version);
    await clock.advance(1);
    expect(await until(clock, codeOf(secrets.getSecret('s:creds')))).toBe('permission-denied');
  });

  it('is remembered 30 s, doubling to 5 min', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one');
    store.deny('app');
    for (let second = 0; second < 1_800; second++) {
      expect(await codeOf(secrets.getSecret('s:app'))).toBe('permission-denied');
      await clock.advance(1_000);
    }
    const times = store.timesOf('fetch');
    const gaps = times.slice(1).map((atMs, place) => atMs - (times[place] ?? 0));
    expect(gaps[0]).toBeLessThanOrEqual(31_000);
    expect(gaps[0]).toBeGreaterThanOrEqual(22_500);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(301_000);
    expect(Math.max(...gaps)).toBeGreaterThan(200_000);
  });

  it('F42: a secret deleted at its store is told apart from an outage', async () => {
    const { store, secrets, clock } = world();
    store.put('gone', 'one').put('down', 'two');
    await secrets.preload(['s:gone', 's:down']);
    await clock.advance(5 * MINUTE_MS);
    store.delete('gone');
    await secrets.getSecret('s:gone');
    await clock.settle();
    expect(await codeOf(secrets.getSecret('s:gone'))).toBe('not-found');

    store.goDown();
    await secrets.getSecret('s:down');
    await clock.settle();
    expect((await secrets.getSecret('s:down')).reveal()).toBe('two');
  });

  it('F42: a secret that comes back is served again', async () => {
    const { store, secrets, clock } = world();
    expect(await codeOf(secrets.getSecret('s:app'))).toBe('not-found');
    store.put('app', 'one');
    expect(await codeOf(secrets.getSecret('s:app'))).toBe('not-found');
    expect(store.count('fetch')).toBe(1);
    await clock.advance(30_000);
    expect((await secrets.getSecret('s:app')).reveal()).toBe('one');
  });
});

describe('a caller who leaves', () => {
  it('is told at once, and the last one aborts the fetch', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one');
    store.latencyMs.fetch = 1_000;
    const [first, last] = [new AbortController(), new AbortController()];
    const results = [first, last].map(({ signal }) => codeOf(secrets.getSecret('s:app', { signal })));
    await clock.settle();
    first.abort();
    expect(await results[0]).toBe('aborted');
    expect(clock.pending).toBeGreaterThan(0);
    last.abort();
    expect(await results[1]).toBe('aborted');
    await clock.settle();
    expect(clock.pending).toBe(0);
    store.latencyMs.fetch = 0;
    expect((await secrets.getSecret('s:app')).reveal()).toBe('one');
  });

  it('does not take the value from the others', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one');
    store.latencyMs.fetch = 1_000;
    const leaver = new AbortController();
    const left = codeOf(secrets.getSecret('s:app', { signal: leaver.signal }));
    const stays = secrets.getSecret('s:app');
    leaver.abort();
    expect(await left).toBe('aborted');
    expect((await until(clock, stays)).reveal()).toBe('one');
    expect(store.count('fetch')).toBe(1);
  });

  it('gets a fresh value even so', async () => {
    const { store, secrets } = world();
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    expect((await secrets.getSecret('s:app', { signal: AbortSignal.abort() })).reveal()).toBe('one');
  });

  it('behind a store that hangs and hears no signal, leaves a lease that is revoked when it comes', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 600_000 });
    store.latencyMs.fetch = 30_000;
    store.ignoresSignals = true;
    const caller = new AbortController();
    const left = codeOf(secrets.getSecret('s:creds', { signal: caller.signal }));
    await clock.settle();
    caller.abort();
    expect(await left).toBe('aborted');
    await clock.advance(30_000);
    expect(store.leases).toHaveLength(1);
    expect(store.live()).toEqual([]);
  });

  it('whose place another took does not make the store’s leases go astray', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 600_000 });
    const leaver = new AbortController();
    const left = codeOf(secrets.getSecret('s:creds', { signal: leaver.signal }));
    for (let tick = 0; tick < 40; tick++) {
      if (store.leases.length > 0) break;
      await Promise.resolve();
    }
    leaver.abort();
    const next = await until(clock, secrets.getSecret('s:creds'));
    await left;
    await clock.settle();
    expect(store.live().map((lease) => lease.version)).toEqual([next.version]);
  });
});

describe('peekSecret', () => {
  it('never asks the store', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one');
    expect(secrets.peekSecret('s:app')).toBeUndefined();
    await clock.settle();
    expect(store.calls).toEqual([]);
    await secrets.getSecret('s:app');
    expect(secrets.peekSecret('s:app')?.reveal()).toBe('one');
    await clock.advance(5 * MINUTE_MS);
    expect(secrets.peekSecret('s:app')).toMatchObject({ staleReason: 'refreshing' });
    await clock.advance(60 * MINUTE_MS);
    expect(secrets.peekSecret('s:app')).toBeUndefined();
    expect(store.count('fetch')).toBe(1);
  });

  it('says what is wrong with a reference, and which field is missing', async () => {
    const { store, secrets } = world();
    store.put('app', { key: 'one' });
    await secrets.getSecret('s:app');
    expect(() => secrets.peekSecret('s:../app')).toThrow('invalid-ref');
    expect(() => secrets.peekSecret('s:app#other')).toThrow('not-found');
  });
});

describe('what is needed at the start', () => {
  it('preload fetches all, at once', async () => {
    const { store, secrets, clock } = world();
    store.put('a', 'one').put('b', 'two');
    store.latencyMs.fetch = 1_000;
    await until(clock, secrets.preload(['s:a', 's:b']));
    expect(clock.monotonicMs()).toBeLessThanOrEqual(1_050);
    expect(secrets.peekSecret('s:b')?.reveal()).toBe('two');
  });

  it('preload throws the one error as it is, and lists several', async () => {
    const { store, secrets } = world();
    store.put('a', 'one');
    await expect(secrets.preload(['s:a', 's:b'])).rejects.toMatchObject({ code: 'not-found', ref: 's:b' });
    store.deny('a2');
    await expect(secrets.preload(['s:a', 's:b', 's:a2', 'nonsense'])).rejects.toThrow(
      /3 of 4 secrets of preload\(\) cannot be had\. .*:\n- not-found: s:b.*\n- permission-denied: s:a2.*\n- invalid-ref/,
    );
  });

  it('ready waits for every consumer’s first secret, and lists those that have none', async () => {
    const { store, secrets, clock } = world();
    store.put('a', 'one');
    const opened: string[] = [];
    const open = async (secret: { ref: string }) => {
      opened.push(secret.ref);
      return {};
    };
    rotating(secrets, 's:a', { open, close: () => {} });
    await secrets.ready();
    expect(opened).toEqual(['s:a']);
    rotating(secrets, 's:b', { open, close: () => {} });
    await expect(secrets.ready()).rejects.toMatchObject({ code: 'not-found', ref: 's:b' });
    store.deny('c');
    rotating(secrets, 's:c', { open, close: () => {} });
    await expect(secrets.ready()).rejects.toThrow(/2 of 3 secrets of ready\(\)/);
    await clock.settle();
  });

  it('an unknown alias is refused without a call, and what follows it is not echoed', async () => {
    const { secrets } = world();
    const refused = secrets.getSecret('user:7fK2secret');
    await expect(refused).rejects.toMatchObject({ code: 'invalid-ref' });
    await expect(refused).rejects.toThrow(/No provider is called user.*Configured are: s/);
    await expect(refused).rejects.not.toThrow('7fK2secret');
  });
});

describe('a template', () => {
  const url = template('postgres://{{username}}:{{password}}@db/orders', 's:creds');

  it('F25: is made from one version, and is a secret itself', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 10_000, renewable: false });
    for (let turn = 0; turn < 10; turn++) {
      const { username, password } = new URL((await secrets.getSecret(url)).reveal());
      expect(password).toBe(`${CANARY}-${username.split('-')[1]}`);
      await clock.advance(7_000);
    }
    expect(String(await secrets.getSecret(url))).toMatch(/^Secret\(template\(s:creds\), v\d+\)$/);
  });

  it('made anew for each call costs no memory', async () => {
    const { store, secrets } = world({ config: { redactor: { add: () => adds++, retire: () => {} } } });
    let adds = 0;
    store.put('creds', { username: 'app', password: 'pw' });
    for (let turn = 0; turn < 100; turn++) await secrets.getSecret(template(url.text, 's:creds'));
    expect(adds).toBe(2);
  });

  it('over a field that is JSON', async () => {
    const { store, secrets } = world();
    store.put('app', { db: '{"user":"a","port":1}' });
    expect((await secrets.getSecret(template('{{user}}:{{port}}', 's:app#db'))).reveal()).toBe('a:1');
  });

  it('F21: whose field is missing or empty gives no half-made string', async () => {
    const { store, secrets } = world();
    store.put('creds', { username: 'app', password: '' });
    await expect(secrets.getSecret(url)).rejects.toMatchObject({ code: 'bad-response' });
  });
});

describe('an answer of the store', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no version', { data: 'x' }],
    ['a blank version', { data: 'x', version: '' }],
    ['a blank value', { data: '', version: '1' }],
    ['no field', { data: {}, version: '1' }],
    ['a ttl of zero', { data: 'x', version: '1', lease: { ttlMs: 0 } }],
    ['a negative ttl', { data: 'x', version: '1', lease: { ttlMs: -15_000 } }],
    ['a ttl that is no number', { data: 'x', version: '1', lease: { ttlMs: Number.NaN } }],
    ['an endless ttl', { data: 'x', version: '1', lease: { ttlMs: Number.POSITIVE_INFINITY } }],
  ])('F9 F21: with %s is refused', async (_, answer) => {
    const { store, secrets } = world();
    store.provider.fetch = async () => answer as never;
    expect(await codeOf(secrets.getSecret('s:app'))).toMatch(/bad-response|unavailable/);
  });

  it('F21: a blank never replaces a value', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    store.put('app', '');
    await clock.advance(5 * MINUTE_MS);
    await secrets.getSecret('s:app');
    await clock.settle();
    expect(await secrets.getSecret('s:app')).toMatchObject({ version: '1', staleReason: 'bad-response' });
  });

  it('that cannot be used does not leave its lease behind at each try', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 600_000 });
    const { fetch } = store.provider;
    store.provider.fetch = async (...args) => ({ ...(await fetch(...args)), data: {} });
    expect(await until(clock, codeOf(secrets.getSecret('s:creds')))).toBe('bad-response');
    expect(store.leases.length).toBeGreaterThan(0);
    expect(store.live()).toEqual([]);
  });

  it('F19: 429 with Retry-After is waited for, once for all', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one');
    store.failNext('fetch', failure('rate-limited', { retryAfterMs: 3_000 }));
    const reads = Array.from({ length: 10 }, () => secrets.getSecret('s:app'));
    await until(clock, Promise.all(reads));
    const [firstMs, secondMs] = store.timesOf('fetch');
    expect(store.count('fetch')).toBe(2);
    expect((secondMs ?? 0) - (firstMs ?? 0)).toBeGreaterThanOrEqual(3_000);
  });

  it('F19: a longer Retry-After is not waited for, and keeps all from asking until it is over', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one');
    store.failNext('fetch', failure('rate-limited', { retryAfterMs: 20_000 }));
    expect(await codeOf(secrets.getSecret('s:app'))).toBe('rate-limited');
    await clock.advance(19_999);
    expect(await codeOf(secrets.getSecret('s:app'))).toBe('rate-limited');
    await clock.advance(1);
    expect((await secrets.getSecret('s:app')).reveal()).toBe('one');
    expect(store.count('fetch')).toBe(2);
  });

  it('F21: that never comes is given up after its time, and asked for again', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one');
    store.hanging.add('fetch');
    const read = secrets.getSecret('s:app');
    await clock.advance(10_000);
    store.heal();
    expect((await until(clock, read)).reveal()).toBe('one');
    expect(clock.monotonicMs()).toBeLessThan(10_300);
  });

  it('F28: may move back to an earlier version', async () => {
    const { store, secrets } = world();
    store.put('app', 'one', 'v1');
    const seen: string[] = [];
    secrets.watch('s:app', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    store.put('app', 'two', 'v2');
    await secrets.rotate('s:app');
    store.put('app', 'one', 'v1');
    await secrets.rotate('s:app');
    expect(seen).toEqual(['one', 'two', 'one']);
  });

  it('F30: may alternate user names', async () => {
    const { store, secrets } = world();
    const seen: string[] = [];
    store.put('app', { username: 'a', password: 'p0' }, '0');
    secrets.watch('s:app', (secret) => {
      const { username, password } = secret.revealFields();
      seen.push(`${username}:${password}`);
    });
    await secrets.ready();
    for (let turn = 1; turn < 6; turn++) {
      store.put('app', { username: turn % 2 ? 'b' : 'a', password: `p${turn}` }, String(turn));
      await secrets.rotate('s:app');
    }
    expect(seen).toEqual(['a:p0', 'b:p1', 'a:p2', 'b:p3', 'a:p4', 'b:p5']);
  });
});
