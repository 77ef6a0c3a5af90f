import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { rotating, SecretsError, template } from '@keyturn/core';
import { describe, expect, it, vi } from 'vitest';
import { recorder } from '../support/recorder.js';
import { CANARY, failure } from '../support/store.js';
import { codeOf, EVENTS, until, world } from '../support/world.js';

const MINUTE_MS = 60_000;

describe('events', () => {
  it('tell the life of a leased secret', async () => {
    const { store, secrets, clock, heard } = world({ session: { ttlMs: 60 * MINUTE_MS } });
    store.dynamic('creds', { ttlMs: 100_000, maxTtlMs: 200_000 });
    await secrets.getSecret('s:creds');
    await clock.advance(200_000);
    expect(heard.map(({ event }) => event)).toEqual([
      'session-started',
      'secret-loaded',
      'lease-renewed',
      'lease-renewed',
      'secret-rotated',
      'secret-drained',
      'lease-revoked',
      'lease-renewed',
    ]);
    expect(heard[4]?.payload).toEqual({ ref: 's:creds', version: 'v2', previousVersion: 'v1', tookMs: 0 });
  });

  it('are published on channels of their own', async () => {
    const { store, secrets } = world();
    const seen: unknown[] = [];
    const hear = (message: unknown) => seen.push(message);
    subscribe('keyturn.secret-loaded', hear);
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    unsubscribe('keyturn.secret-loaded', hear);
    expect(seen).toEqual([{ ref: 's:app', version: '1', tookMs: 0 }]);
  });

  it('stop when the listener is taken away', async () => {
    const { store, secrets } = world();
    const listener = vi.fn();
    const off = secrets.on('secret-loaded', listener);
    store.put('a', 'one').put('b', 'two');
    await secrets.getSecret('s:a');
    off();
    off();
    await secrets.getSecret('s:b');
    expect(listener).toHaveBeenCalledOnce();
  });

  it('F50: a listener that throws or rejects disturbs nobody, and its message is not shown', async () => {
    const { store, secrets, clock } = world();
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const after = vi.fn();
    secrets.on('secret-loaded', () => {
      throw new RangeError(CANARY);
    });
    secrets.on('secret-loaded', async () => {
      throw new TypeError(CANARY);
    });
    secrets.on('secret-loaded', after);
    store.put('app', 'one');
    expect((await secrets.getSecret('s:app')).reveal()).toBe('one');
    await clock.settle();
    const messages = warn.mock.calls.map(([message]) => message);
    warn.mockRestore();
    expect(after).toHaveBeenCalledOnce();
    expect(messages).toEqual([
      'Keyturn called a listener of secret-loaded, which threw RangeError.',
      'Keyturn called a listener of secret-loaded, which threw TypeError.',
    ]);
  });

  it('a background failure that nobody hears becomes one warning for each reference', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const { store, secrets, clock } = world({ listens: false });
    store.put('a', 'one').put('b', 'two').put('c', 'three');
    for (const ref of ['s:a', 's:b']) secrets.watch(ref, () => {});
    await secrets.preload(['s:a', 's:b', 's:c']);
    store.goDown();
    await clock.advance(30 * MINUTE_MS);
    await secrets.getSecret('s:c');
    await clock.settle();
    const warned = warn.mock.calls.map(([message]) => String(message).match(/s:\w/)?.[0]);
    warn.mockRestore();
    expect(warned.sort()).toEqual(['s:a', 's:b', 's:c']);
  });

  it('and that somebody hears becomes none', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const { store, secrets, clock, of } = world();
    store.put('a', 'one');
    secrets.watch('s:a', () => {});
    await secrets.ready();
    store.goDown();
    await clock.advance(30 * MINUTE_MS);
    const count = warn.mock.calls.length;
    warn.mockRestore();
    expect([count, of('refresh-failed').length > 5]).toEqual([0, true]);
  });
});

describe('the inventory', () => {
  it('tells of each secret how it stands', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one', '1').dynamic('creds', { ttlMs: 100_000 }).rotating('role', { periodMs: 60_000 });
    await secrets.preload(['s:app', 's:creds', 's:role']);
    const pool = recorder();
    await secrets.consume('s:creds', pool).current();
    secrets.consume('s:creds', recorder());
    await clock.advance(30_000);
    const wallMs = clock.wallMs();
    const byRef = Object.fromEntries(secrets.inventory().map((item) => [item.ref, item]));
    expect(byRef['s:creds']).toEqual({
      ref: 's:creds',
      provider: 's',
      version: 'v1',
      state: 'fresh',
      ageMs: 30_000,
      expiresAt: new Date(wallMs + 68_000),
      lease: { remainingMs: 68_000, renewable: true },
      consumers: { total: 2, adopted: 1 },
      failing: undefined,
    });
    expect(byRef['s:role']).toMatchObject({
      lease: { remainingMs: 30_000, renewable: false },
      version: 'rotation-0',
    });
    expect(byRef['s:app']).toMatchObject({ lease: undefined, expiresAt: new Date(wallMs + 270_000) });
  });

  it('can be written as JSON, of what is over too', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 100_000 });
    secrets.watch('s:creds', () => {});
    await secrets.ready();
    store.goDown();
    await clock.advance(10 * MINUTE_MS);
    const [item] = secrets.inventory();
    expect(item).toMatchObject({ ref: 's:creds', state: 'expired' });
    expect(item?.expiresAt.toISOString()).toMatch(/^20/);
    expect(Number.isFinite(item?.lease?.remainingMs)).toBe(true);
    store.heal();
  });
});

it('a secret carries what its store says about it', async () => {
  const { store, secrets } = world();
  store.provider.fetch = async () => ({ data: 'x', version: '1', metadata: { owner: 'payments' } });
  expect((await secrets.getSecret('s:app')).metadata).toEqual({ owner: 'payments' });
});

describe('health', () => {
  it('is ok, degraded while something fails, failing while something needed is not at hand', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    expect(secrets.health()).toEqual({
      status: 'ok',
      missing: [],
      failing: [],
      providers: [{ provider: 's', breaker: 'closed' }],
    });
    secrets.watch('s:creds', () => {});
    await secrets.ready();
    expect(secrets.health().status).toBe('ok');
    store.goDown();
    await clock.advance(9 * MINUTE_MS);
    expect(secrets.health()).toMatchObject({ status: 'degraded', missing: [], failing: ['s:creds'] });
    await clock.advance(2 * MINUTE_MS);
    expect(secrets.health()).toMatchObject({ status: 'failing', missing: ['s:creds'] });
    store.heal();
    await clock.advance(2 * MINUTE_MS);
    expect(secrets.health()).toMatchObject({ status: 'ok', missing: [], failing: [] });
  });

  it('is degraded for as long as renewals fail, between the attempts too', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 60 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    store.failNext('renew', failure('unavailable'), failure('unavailable'), failure('unavailable'));
    while (store.count('renew') === 0) await clock.advance(1_000);
    while (store.count('renew') < 4) {
      expect(secrets.health()).toMatchObject({ status: 'degraded', failing: ['s:creds'] });
      expect(secrets.inventory()[0]?.failing).toBe('unavailable');
      await clock.advance(1_000);
    }
    expect(secrets.health().status).toBe('ok');
  });

  it('is ok while a secret that nobody reads is past its ttl', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    await clock.advance(10 * MINUTE_MS);
    expect(secrets.inventory()[0]?.state).toBe('stale');
    expect(secrets.health()).toMatchObject({ status: 'ok', failing: [] });
  });

  it('is degraded from a failed refresh on, past maxStale too, until one succeeds', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    store.goDown();
    await clock.advance(6 * MINUTE_MS);
    expect((await secrets.getSecret('s:app')).stale).toBe(true);
    await clock.settle();
    await clock.advance(MINUTE_MS);
    expect(secrets.health()).toMatchObject({ status: 'degraded', failing: ['s:app'] });
    expect(secrets.inventory()[0]?.failing).toBe('unavailable');
    await clock.advance(80 * MINUTE_MS);
    expect(await codeOf(until(clock, secrets.getSecret('s:app')))).toBe('unavailable');
    expect(secrets.health()).toMatchObject({ status: 'degraded', failing: ['s:app'] });
    store.heal();
    await clock.advance(MINUTE_MS);
    await secrets.getSecret('s:app');
    expect(secrets.health()).toMatchObject({ status: 'ok', failing: [] });
  });

  it('tells the state of each breaker', async () => {
    const { store, secrets, clock, of } = world();
    store.goDown();
    for (let turn = 0; turn < 5; turn++) await until(clock, codeOf(secrets.rotate('s:app')));
    expect(secrets.health().providers).toEqual([{ provider: 's', breaker: 'open' }]);
    const before = store.count('fetch');
    expect(await codeOf(secrets.rotate('s:app'))).toBe('circuit-open');
    expect(store.count('fetch')).toBe(before);
    store.heal();
    store.put('app', 'one');
    await clock.advance(5_000);
    await secrets.rotate('s:app');
    expect(of('breaker-changed').map((event) => event.state)).toEqual(['open', 'half-open', 'closed']);
  });
});

describe('the redactor', () => {
  /** Knows what is in use, as a redactor does. */
  function register() {
    const inUse = new Set<string>();
    const retired = new Set<string>();
    const text = (value: Uint8Array) => Buffer.from(value).toString();
    return {
      inUse,
      retired,
      add: (value: Uint8Array) => void inUse.add(text(value)),
      retire(value: Uint8Array) {
        inUse.delete(text(value));
        retired.add(text(value));
      },
    };
  }

  it('is told of every value before anybody has it, and of what is made from it', async () => {
    const redactor = register();
    const { store, secrets } = world({ config: { redactor } });
    store.put('app', { user: 'app', password: 'pw' });
    store.put('json', '{"token":"tk"}');
    await secrets.getSecret(template('{{user}}:{{password}}', 's:app'));
    await secrets.getSecret('s:json');
    expect([...redactor.inUse].sort()).toEqual(['app:pw', 'pw', 'tk', '{"token":"tk"}']);
  });

  it('is not told of fields that say where to connect, nor of words that every log has', async () => {
    const redactor = register();
    const { store, secrets } = world({ config: { redactor } });
    store.put('db', { host: 'db.internal', port: 5432, ssl: true, database: 'orders', password: 'pw' });
    store.put('json', '{"username":"admin","enabled":"true","password":"json-pw"}');
    await secrets.getSecret('s:db');
    await secrets.getSecret('s:json#username');
    expect([...redactor.inUse].filter((text) => !text.startsWith('{')).sort()).toEqual(['json-pw', 'pw']);
  });

  it('is told of fields that the application says are secret, whatever their name', async () => {
    const redactor = register();
    const { store, secrets } = world({ config: { redactor, plainFields: ['port'] } });
    store.put('db', { host: 'db.internal', port: 5432, password: 'pw' });
    await secrets.getSecret('s:db');
    expect([...redactor.inUse].sort()).toEqual(['db.internal', 'pw']);
  });

  it('is told of each that is out of use, and keeps those that versions share', async () => {
    const redactor = register();
    const { store, secrets, clock } = world({ config: { redactor } });
    store.put('app', { user: 'app', password: 'one' });
    secrets.watch(template('{{user}}:{{password}}', 's:app'), () => {});
    await secrets.ready();
    store.put('app', { user: 'app', password: 'two' });
    await secrets.rotate('s:app');
    await clock.advance(30 * MINUTE_MS);
    expect([...redactor.inUse].sort()).toEqual(['app:two', 'two']);
    expect([...redactor.retired].sort()).toEqual(['app:one', 'one']);
  });

  it('is told of what was refused, too', async () => {
    const redactor = register();
    const { store, secrets, clock } = world({ config: { redactor } });
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    const pool = recorder();
    await secrets.consume('s:creds', pool).current();
    pool.refuses.add('v2');
    expect(await codeOf(secrets.rotate('s:creds'))).toBe('invalid-value');
    await clock.settle();
    expect([...redactor.inUse].sort()).toEqual([`${CANARY}-1`]);
    expect([...redactor.retired].sort()).toEqual([`${CANARY}-2`]);
  });

  it('that throws when it should forget does not stop a rotation', async () => {
    const { store, secrets, clock } = world({
      config: {
        redactor: {
          add: () => {},
          retire: () => {
            throw new Error(CANARY);
          },
        },
      },
    });
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    await secrets.rotate('s:creds');
    await secrets.rotate('s:creds');
    await clock.settle();
    expect(store.live().map((lease) => lease.version)).toEqual(['v3']);
  });
});

describe('F49: nothing leaks', () => {
  it('into events, errors, warnings, the inventory or anything printed, whatever goes wrong', async () => {
    const shown: string[] = [];
    const show = (thing: unknown) => {
      shown.push(inspect(thing, { showHidden: true, depth: null, getters: true }));
      shown.push(String(JSON.stringify(thing)));
    };
    const warn = vi
      .spyOn(process, 'emitWarning')
      .mockImplementation((...args) => shown.push(args.map(String).join()));
    const channels = EVENTS.map((event) => `keyturn.${event}`);
    for (const channel of channels) subscribe(channel, show);

    const { store, secrets, clock, heard } = world({ session: { ttlMs: 20 * MINUTE_MS } });
    const leaky = (code: string) => Object.assign(new Error(`${CANARY} in ${code}`), { code, body: CANARY });
    const { fetch } = store.provider;
    let turn = 0;
    store.provider.fetch = async (...args) => {
      turn++;
      if (turn % 4 === 0) throw leaky('ECONNRESET');
      if (turn % 7 === 0)
        throw new SecretsError('bad-response', { problem: 'p', remedy: 'r', cause: leaky('X') });
      if (turn % 9 === 0) return { data: { password: CANARY }, version: '' };
      return fetch(...args);
    };
    store.dynamic('creds', { ttlMs: 60_000, maxTtlMs: 5 * MINUTE_MS });
    store.put('app', { password: CANARY, user: 'app' }).put('json', `{"password":"${CANARY}"`);
    const url = template('postgres://{{username}}:{{password}}@db/x', 's:creds');
    const inputs = [
      's:creds',
      's:creds#password',
      's:app',
      's:app#none',
      's:json',
      's:json#password',
      's:none',
      url,
    ];
    const pool = rotating(secrets, 's:creds', {
      open: async () => {
        if (turn % 5 === 0) throw leaky('28P01');
        return {};
      },
      close: () => Promise.reject(leaky('XX')),
    });
    secrets.watch('s:app#password', () => {
      throw leaky('listener');
    });
    for (let minute = 0; minute < 60; minute++) {
      for (const input of [...inputs, pool]) {
        const asked =
          typeof input === 'object' && 'current' in input ? input.current() : secrets.getSecret(input);
        const outcome: unknown = await until(
          clock,
          asked.catch((error: unknown) => error),
        );
        show(outcome);
        if (outcome instanceof Error) shown.push(String(outcome.stack));
      }
      store.put('app', { password: `${CANARY}-${minute}`, user: 'app' });
      if (minute === 30) store.revokeSessions();
      show([secrets, secrets.inventory(), secrets.health(), pool, url]);
      await clock.advance(MINUTE_MS);
    }
    await until(clock, secrets.close());
    show(heard);
    for (const channel of channels) unsubscribe(channel, show);
    warn.mockRestore();
    expect(heard.length).toBeGreaterThan(100);
    expect(shown.filter((text) => text.includes(CANARY))).toEqual([]);
  });
});
