import { describe, expect, it, vi } from 'vitest';
import { failure } from '../support/store.js';
import { codeOf, until, world } from '../support/world.js';

const MINUTE_MS = 60_000;

describe('watch', () => {
  it('tells the current version, then every new one, once each and in order', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'v0');
    const seen: string[] = [];
    secrets.watch('s:app', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    for (let turn = 1; turn < 6; turn++) {
      store.put('app', `v${turn}`);
      await clock.advance(5 * MINUTE_MS);
      await secrets.rotate('s:app');
      await secrets.getSecret('s:app');
    }
    expect(seen).toEqual(['v0', 'v1', 'v2', 'v3', 'v4', 'v5']);
  });

  it('polls a value without a lease, inside its ttl, so that no read ever waits', async () => {
    const { store, secrets, clock, of } = world();
    store.put('app', 'one');
    secrets.watch('s:app', () => {});
    await secrets.ready();
    for (let minute = 0; minute < 60; minute++) {
      await clock.advance(MINUTE_MS);
      expect(secrets.peekSecret('s:app')).toMatchObject({ stale: false });
    }
    expect(of('stale-served')).toEqual([]);
    expect(store.count('fetch')).toBeLessThanOrEqual(15);
  });

  it('F3: with a cache ttl of zero polls once a second, not without end', async () => {
    const { store, secrets, clock } = world({ config: { cache: { ttl: 0 } } });
    store.put('app', 'one');
    secrets.watch('s:app', () => {});
    await secrets.ready();
    await clock.advance(MINUTE_MS);
    expect(store.count('fetch')).toBeLessThanOrEqual(61);
  });

  it('stops when it is told to, and leaves the value to the cache', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one');
    const listener = vi.fn();
    const unwatch = secrets.watch('s:app', listener);
    await secrets.ready();
    unwatch();
    unwatch();
    store.put('app', 'two');
    await clock.advance(60 * MINUTE_MS);
    expect([listener.mock.calls.length, store.count('fetch'), clock.pending]).toEqual([1, 1, 0]);
  });

  it('stopped during the first load calls nobody, and is no reason to go on', async () => {
    const { store, secrets, clock } = world();
    store.latencyMs.fetch = 1_000;
    const listener = vi.fn();
    const unwatch = secrets.watch('s:app', listener);
    await clock.settle();
    unwatch();
    await clock.advance(60 * MINUTE_MS);
    expect([listener.mock.calls.length, store.count('fetch'), clock.pending]).toEqual([0, 1, 0]);
  });

  it('stopped and begun again during a failing load is served once the store is back', async () => {
    const { store, secrets, clock } = world();
    store.goDown();
    store.latencyMs.fetch = 500;
    const seen: string[] = [];
    for (let turn = 0; turn < 5; turn++) {
      const unwatch = secrets.watch('s:app', (secret) => void seen.push(secret.reveal()));
      await clock.advance(700);
      if (turn < 4) unwatch();
    }
    store.heal();
    store.put('app', 'one');
    await clock.advance(2 * MINUTE_MS);
    store.put('app', 'two');
    await clock.advance(6 * MINUTE_MS);
    expect(seen).toEqual(['one', 'two']);
  });

  it('of a secret that is not there yet waits for it, says so, and asks less and less often', async () => {
    const { store, secrets, clock, of } = world();
    const seen: string[] = [];
    secrets.watch('s:app', (secret) => void seen.push(secret.reveal()));
    await clock.advance(60 * MINUTE_MS);
    expect(of('refresh-failed').length).toBeGreaterThan(10);
    const times = store.timesOf('fetch');
    const gaps = times.slice(1).map((atMs, place) => atMs - (times[place] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
    expect(times.length).toBeLessThan(140);
    expect(secrets.health()).toMatchObject({ status: 'failing', missing: ['s:app'] });
    store.put('app', 'one');
    await clock.advance(MINUTE_MS);
    expect(seen).toEqual(['one']);
    expect(secrets.health().status).toBe('ok');
  });

  it('of a field that the secret lacks says so, and is told once it is there', async () => {
    const { store, secrets, clock, of } = world();
    store.put('app', { user: 'a' });
    const seen: string[] = [];
    secrets.watch('s:app#password', (secret) => void seen.push(secret.reveal()));
    await clock.settle();
    expect(of('refresh-failed')).toMatchObject([{ ref: 's:app', code: 'not-found', retryInMs: undefined }]);
    store.put('app', { user: 'a', password: 'b' });
    await clock.advance(5 * MINUTE_MS);
    expect(seen).toEqual(['b']);
  });

  it('of a malformed reference or an unknown alias throws', () => {
    const { secrets } = world();
    expect(() => secrets.watch('s:a/../b', () => {})).toThrow('invalid-ref');
    expect(() => secrets.watch('other:a', () => {})).toThrow('No provider is called other');
    expect(() => secrets.consume('other:a', { adopt: () => {} })).toThrow('No provider is called other');
  });

  it('F50: a listener that throws, rejects or hangs is told again; renewal and rotation go on', async () => {
    const { store, secrets, clock } = world();
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    store.dynamic('creds', { ttlMs: 60_000, maxTtlMs: 5 * MINUTE_MS });
    const seen: string[] = [];
    const told = (name: string) => (secret: { version: string }) => seen.push(`${name} ${secret.version}`);
    secrets.watch('s:creds', (secret) => {
      told('throws')(secret);
      throw new Error('canary-7fK2');
    });
    secrets.watch('s:creds', async (secret) => {
      told('rejects')(secret);
      throw new TypeError('canary-7fK2');
    });
    secrets.watch('s:creds', (secret) => {
      told('hangs')(secret);
      return new Promise(() => {});
    });
    await secrets.ready();
    await clock.advance(6 * MINUTE_MS);
    const messages = warn.mock.calls.map(([message]) => String(message));
    warn.mockRestore();
    expect(seen.filter((line) => line.endsWith(store.leases.at(-1)?.version ?? ''))).toHaveLength(3);
    expect(store.live()).toHaveLength(1);
    expect(messages).toContain('Keyturn called the watch of s:creds, which threw TypeError.');
    expect(messages.join()).not.toContain('canary');
  });

  it('holds a lease until its listener’s promise has resolved', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    let letGo = () => {};
    secrets.watch('s:creds', () => new Promise<void>((resolve) => (letGo = resolve)));
    await secrets.ready();
    await secrets.rotate('s:creds');
    await clock.advance(5_000);
    expect(store.live()).toHaveLength(2);
    letGo();
    await clock.settle();
    expect(store.live()).toHaveLength(1);
  });
});

describe('hints of a store', () => {
  it('lead to a fetch at once, and polling goes on beside them', async () => {
    const { store, secrets, clock } = world({ watches: true });
    store.put('app', 'one');
    const seen: string[] = [];
    secrets.watch('s:app', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    store.put('app', 'two');
    await clock.settle();
    expect(seen).toEqual(['one', 'two']);
    await clock.advance(5 * MINUTE_MS);
    expect(store.count('fetch')).toBe(3);
  });

  it('F45: missed ones are made up for by polling', async () => {
    const { store, secrets, clock } = world({ watches: true });
    store.put('app', 'one');
    const seen: string[] = [];
    secrets.watch('s:app', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    store.ring = () => {};
    const ring = store.isWatched('app');
    store.provider.fetch = async () => ({ data: 'two', version: '2' });
    await clock.advance(5 * MINUTE_MS);
    expect([ring, seen]).toEqual([true, ['one', 'two']]);
  });

  it('F45: doubled ones and false ones are told to nobody', async () => {
    const { store, secrets, clock } = world({ watches: true });
    store.put('app', 'one');
    const seen: string[] = [];
    secrets.watch('s:app', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    store.latencyMs.fetch = 10;
    for (let turn = 0; turn < 50; turn++) {
      store.ring('app');
      await clock.advance(3);
    }
    expect(seen).toEqual(['one']);
    expect(store.mostAtOnce.get('fetch app')).toBe(1);
    expect(store.count('fetch')).toBeLessThan(20);
  });

  it('F45: one that comes while a fetch is under way is not lost with it', async () => {
    const { store, secrets, clock } = world({ watches: true });
    store.put('app', 'one');
    const seen: string[] = [];
    secrets.watch('s:app', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    const { fetch } = store.provider;
    store.provider.fetch = async (...args) => {
      const answer = await fetch(...args);
      await clock.sleep(100);
      return answer;
    };
    const refreshed = secrets.rotate('s:app');
    await clock.advance(50);
    store.put('app', 'two');
    await until(clock, refreshed);
    await clock.advance(200);
    expect(seen).toEqual(['one', 'two']);
  });

  it('are followed once, however often a watcher comes and goes, and no more when the last has gone', async () => {
    const { store, secrets, clock } = world({ watches: true });
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    for (let turn = 0; turn < 5; turn++) {
      const unwatch = secrets.watch('s:creds', () => {});
      await clock.advance(1_000);
      expect(store.isWatched('creds')).toBe(true);
      unwatch();
      await clock.advance(1_000);
      expect(store.isWatched('creds')).toBe(false);
    }
    expect(store.count('watch')).toBe(5);
  });

  it('whose stream breaks are followed again, less and less often while it stays broken', async () => {
    const { store, secrets, clock } = world({ watches: true });
    store.put('app', 'one');
    let opened = 0;
    store.provider.watch = () => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          opened++;
          throw failure('unavailable');
        },
      }),
    });
    secrets.watch('s:app', () => {});
    await secrets.ready();
    await clock.advance(60 * MINUTE_MS);
    expect(opened).toBeGreaterThan(60);
    expect(opened).toBeLessThan(240);
  });

  it('whose stream ends at once are not followed without end', async () => {
    const { store, secrets, clock } = world({ watches: true });
    store.put('app', 'one');
    let opened = 0;
    store.provider.watch = () => {
      opened++;
      return { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }) };
    };
    secrets.watch('s:app', () => {});
    await secrets.ready();
    await clock.advance(60 * MINUTE_MS);
    expect(opened).toBeLessThan(240);
  });

  it('about a secret that cannot be read are reported, not repeated at once', async () => {
    const { store, secrets, clock, of } = world({ watches: true });
    store.put('app', 'one');
    secrets.watch('s:app', () => {});
    await secrets.ready();
    store.deny('app');
    store.ring('app');
    await clock.settle();
    expect(of('refresh-failed')).toMatchObject([{ code: 'permission-denied' }]);
    await clock.settle();
    expect(store.count('fetch')).toBe(2);
    expect(await codeOf(secrets.rotate('s:app'))).toBe('permission-denied');
  });
});
