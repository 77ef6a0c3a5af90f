import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createSecrets } from '@keyturn/core';
import { describe, expect, it, vi } from 'vitest';
import { recorder } from '../support/recorder.js';
import { failure, type Operation } from '../support/store.js';
import { codeOf, until, world } from '../support/world.js';

const HOUR_MS = 3_600_000;
const LEASE = { ttlMs: HOUR_MS };

describe('close', () => {
  it('is idempotent, never rejects, and refuses what comes after it', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    await secrets.getSecret('s:creds');
    const first = secrets.close();
    expect(secrets.close()).toBe(first);
    await until(clock, first);
    await secrets.close();
    expect(store.count('revoke')).toBe(1);
    expect(store.count('close')).toBe(1);

    for (const call of [
      () => secrets.getSecret('s:creds'),
      () => secrets.rotate('s:creds'),
      () => secrets.ready(),
    ]) {
      expect(await codeOf(call())).toBe(call.toString().includes('ready') ? 'resolved' : 'closed');
    }
    expect(await codeOf(secrets.preload(['s:creds']))).toBe('closed');
    expect(secrets.peekSecret('s:creds')).toBeUndefined();
    const listener = vi.fn();
    secrets.watch('s:creds', listener)();
    secrets.watch('s:creds', listener);
    expect(await codeOf(secrets.consume('s:creds', { adopt: listener }).current())).toBe('closed');
    await clock.advance(HOUR_MS);
    expect([listener.mock.calls.length, store.count('fetch'), clock.pending]).toEqual([0, 1, 0]);
  });

  it('before anything was asked for does nothing', async () => {
    const { store, close } = world({ session: {} });
    expect(await close()).toBe(0);
    expect(store.calls.map((call) => call.operation)).toEqual(['close']);
  });

  it('happens at the end of `await using`', async () => {
    const { store, clock } = world();
    store.dynamic('creds', LEASE);
    {
      await using secrets = createSecrets({ providers: { s: store.provider }, clock });
      await secrets.getSecret('s:creds');
      expect(store.live()).toHaveLength(1);
    }
    expect([store.live().length, clock.pending]).toEqual([0, 0]);
  });

  it('drains consumers, then revokes, then closes the provider', async () => {
    const { store, secrets, clock } = world({ session: {} });
    store.dynamic('creds', LEASE);
    const pool = recorder();
    await secrets.consume('s:creds', pool).current();
    pool.hangs.add('release');
    const closing = secrets.close();
    await clock.advance(10_000);
    expect(store.live()).toHaveLength(1);
    pool.resume();
    await closing;
    expect(pool.log).toEqual(['prepare v1', 'adopt v1', 'release']);
    expect(store.calls.map((call) => call.operation).slice(-3)).toEqual([
      'revoke',
      'revoke-session',
      'close',
    ]);
  });

  it('hands out nothing once its lease is being revoked', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE).put('app', 'one');
    await secrets.preload(['s:creds', 's:app']);
    store.latencyMs.revoke = 1_000;
    const closing = secrets.close();
    await clock.advance(500);
    for (const ref of ['s:creds', 's:app']) expect(await codeOf(secrets.getSecret(ref))).toBe('closed');
    await until(clock, closing);
  });

  it('F46: during a renewal leaves no lease, and waits for no answer', async () => {
    for (const operation of ['renew', 'fetch'] as const) {
      const { store, secrets, clock, close } = world();
      store.dynamic('creds', { ttlMs: 100_000, renewable: operation === 'renew' });
      await secrets.getSecret('s:creds');
      store.latencyMs[operation] = 5_000;
      while (store.count(operation) < (operation === 'fetch' ? 2 : 1)) await clock.advance(1_000);
      expect(await close()).toBeLessThan(100);
      expect(clock.pending).toBe(0);
      await clock.advance(HOUR_MS);
      expect(store.live()).toEqual([]);
    }
  });

  it.each<Operation>(['fetch', 'renew', 'revoke'])(
    'F46: a %s that hears no signal and answers after the end makes no lease that lives on',
    async (operation) => {
      const { store, secrets, clock, close } = world({ session: { ttlMs: HOUR_MS } });
      store.dynamic('a', { ttlMs: 100_000 }).dynamic('b', LEASE);
      await secrets.getSecret('s:a');
      store.ignoresSignals = true;
      store.latencyMs[operation] = 9_000;
      const read = codeOf(secrets.getSecret('s:b'));
      await clock.advance(65_000);
      await close();
      await read;
      expect(store.count('login')).toBe(1);
      await clock.advance(20_000);
      expect([store.live(), store.liveSessions(), store.count('login')]).toEqual([[], [], 1]);
    },
  );

  it('F46: a call that learns only after the end that its login is dead is not made again', async () => {
    const { store, secrets, clock, close } = world({ session: { ttlMs: HOUR_MS } });
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    store.ignoresSignals = true;
    store.latencyMs.fetch = 9_000;
    const read = codeOf(secrets.rotate('s:app'));
    await clock.advance(1_000);
    await close();
    expect(await read).toBe('closed');
    const before = store.calls.length;
    await clock.advance(30_000);
    expect(store.calls).toHaveLength(before);
  });

  it('during a load aborts it, and whoever waits is told', async () => {
    const { store, secrets, clock, close } = world();
    store.dynamic('creds', LEASE);
    store.hanging.add('fetch');
    const reads = Array.from({ length: 10 }, () => codeOf(secrets.getSecret('s:creds')));
    await clock.advance(1_000);
    expect(await close()).toBe(0);
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['closed']));
    store.heal();
  });

  it('during the wait before a retry ends it', async () => {
    const { store, secrets, clock, close } = world();
    store.goDown();
    const read = codeOf(secrets.getSecret('s:app'));
    await clock.settle();
    expect(await close()).toBe(0);
    expect(await read).toBe('closed');
    store.heal();
  });

  it('during a proof takes the new version back and revokes both', async () => {
    const { store, secrets, clock, close } = world();
    store.dynamic('creds', LEASE);
    const [pool, other] = [recorder(), recorder()];
    await secrets.consume('s:creds', pool).current();
    await secrets.consume('s:creds', other).current();
    pool.hangs.add('prepare');
    const refreshed = codeOf(secrets.rotate('s:creds'));
    await clock.settle();
    await close();
    expect(await refreshed).toBe('closed');
    expect(other.log).toEqual(
      ['prepare v1', 'adopt v1', 'prepare v2', 'cut prepare v2', 'discard v2', 'release'].filter(
        (line) => line !== 'cut prepare v2',
      ),
    );
    pool.resume();
    await clock.settle();
    expect(pool.log).toContain('discard v2');
    expect(store.leases).toHaveLength(2);
    expect(store.live()).toEqual([]);
  });

  it('just after a proof takes the new version back too', async () => {
    for (let ticks = 0; ticks < 25; ticks++) {
      const { store, secrets, clock } = world();
      store.dynamic('creds', LEASE);
      const pool = recorder();
      await secrets.consume('s:creds', pool).current();
      pool.hangs.add('prepare');
      const refreshed = codeOf(secrets.rotate('s:creds'));
      await clock.settle();
      pool.resume();
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      await until(clock, secrets.close());
      await refreshed;
      await clock.settle();
      const [discarded, adopted] = ['discard v2', 'adopt v2'].map((line) => pool.log.includes(line));
      expect([discarded, adopted]).toContain(true);
      expect(discarded).not.toBe(adopted);
      expect(store.live()).toEqual([]);
    }
  });

  it('during a drain waits for it, and not for ever', async () => {
    const { store, secrets, clock, close } = world();
    store.dynamic('creds', LEASE);
    const pool = recorder();
    await secrets.consume('s:creds', pool).current();
    pool.hangs.add('adopt');
    await secrets.rotate('s:creds');
    await clock.advance(20_000);
    expect(await close()).toBeLessThanOrEqual(10_050);
    expect(store.live()).toEqual([]);
    expect(pool.log).toContain('cut adopt v2');
  });

  it('a drain that is cut off has its lease revoked before the login is', async () => {
    const { store, secrets, close } = world({ session: {} });
    store.dynamic('creds', LEASE);
    const pool = recorder();
    await secrets.consume('s:creds', pool).current();
    pool.hangs.add('adopt');
    store.latencyMs.revoke = 200;
    await secrets.rotate('s:creds');
    pool.hangs.add('release');
    await close();
    expect(store.calls.map((call) => call.operation).slice(-4)).toEqual([
      'revoke',
      'revoke',
      'revoke-session',
      'close',
    ]);
  });

  it('while a consumer catches up takes back what it opened', async () => {
    const { store, secrets, clock, close } = world();
    store.dynamic('creds', LEASE);
    await secrets.getSecret('s:creds');
    const pool = recorder();
    pool.hangs.add('prepare');
    const current = codeOf(secrets.consume('s:creds', pool).current());
    await clock.settle();
    await close();
    expect(await current).toBe('closed');
    pool.resume();
    await clock.settle();
    expect(pool.adopted).toEqual([]);
    expect(pool.log).toContain('discard v1');
  });

  it('while a consumer that was left behind catches up leaves no timer either', async () => {
    const { store, secrets, clock, close } = world();
    store.put('app', 'one');
    const pool = recorder();
    pool.refuses.add('1');
    expect(await codeOf(secrets.consume('s:app', pool).current())).not.toBe('resolved');
    pool.refuses.clear();
    pool.hangs.add('prepare');
    await secrets.rotate('s:app');
    await clock.settle();
    expect(pool.log.at(-1)).toBe('prepare 1');
    expect(await close()).toBe(0);
    expect(clock.pending).toBe(0);
    pool.resume();
    await clock.settle();
    expect([pool.adopted, pool.log.at(-1)]).toEqual([[], 'discard 1']);
  });

  it('is bounded, whatever hangs', async () => {
    const { store, secrets, clock, close } = world({ session: { ttlMs: HOUR_MS } });
    store.dynamic('creds', LEASE);
    const pool = recorder();
    await secrets.consume('s:creds', pool).current();
    for (const operation of ['revoke', 'revoke-session', 'close', 'renew'] as const)
      store.hanging.add(operation);
    for (const step of ['prepare', 'adopt', 'discard', 'release'] as const) pool.hangs.add(step);
    void codeOf(secrets.rotate('s:creds'));
    await clock.advance(1_000);
    expect(await close()).toBeLessThanOrEqual(30_000 + 5_000 + 5_000 + 5_000);
    expect(pool.log).toContain('cut release');
    expect(clock.pending).toBe(0);
  });

  it('with a store that is down tries to revoke again and again within its time, and gives up', async () => {
    const { store, secrets, of, close } = world();
    store.dynamic('a', LEASE).dynamic('b', LEASE);
    await secrets.preload(['s:a', 's:b']);
    store.goDown();
    expect(await close()).toBeLessThanOrEqual(5_050);
    const outcomes = of('lease-revoked').map((event) => event.error);
    expect(outcomes.length).toBeGreaterThanOrEqual(8);
    expect(new Set(outcomes)).toEqual(new Set(['unavailable']));
  });

  it('with a store that comes back within that time leaves nothing', async () => {
    const { store, secrets, close } = world();
    store.dynamic('creds', LEASE);
    await secrets.getSecret('s:creds');
    store.failNext('revoke', failure('unavailable'), failure('timeout'));
    expect(await close()).toBeLessThan(3_000);
    expect(store.live()).toEqual([]);
  });

  it('revokes what still waited to be revoked', async () => {
    const { store, secrets, clock, close } = world();
    store.dynamic('creds', LEASE);
    await secrets.getSecret('s:creds');
    store.failNext('revoke', failure('unavailable'));
    await secrets.rotate('s:creds');
    await clock.settle();
    expect(store.live()).toHaveLength(2);
    await close();
    expect(store.live()).toEqual([]);
  });

  it('revokes a lease that was over for us, in case it is not for the store', async () => {
    const { store, secrets, clock, close } = world();
    store.dynamic('creds', { ttlMs: 100_000 });
    secrets.watch('s:creds', () => {});
    await secrets.ready();
    const { renew } = store.provider;
    store.provider.renew = async (...args) => {
      await renew?.(...args);
      throw failure('timeout');
    };
    store.failNext('fetch', ...new Array(20).fill(failure('unavailable')));
    await clock.advance(100_000);
    expect(secrets.peekSecret('s:creds')).toBeUndefined();
    expect(store.live()).toHaveLength(1);
    await close();
    expect(store.live()).toEqual([]);
  });

  it('stops following hints', async () => {
    const { store, secrets, clock, close } = world({ watches: true });
    store.dynamic('creds', LEASE).put('app', 'one');
    for (const ref of ['s:creds', 's:app']) secrets.watch(ref, () => {});
    await secrets.ready();
    await close();
    await clock.settle();
    expect([store.isWatched('creds'), store.isWatched('app')]).toEqual([false, false]);
  });
});

describe('F48: no timer holds the process', () => {
  const script = `
    import { createSecrets, rotating } from '@keyturn/core';
    let number = 0;
    const provider = {
      name: 'p',
      async fetch() {
        number++;
        return { data: 'x', version: 'v' + number, lease: { ttlMs: 60_000, handle: { id: 'l' + number, renewable: true } } };
      },
      renew: () => new Promise(() => {}),
      revoke: () => new Promise(() => {}),
    };
    const secrets = createSecrets({ providers: { p: provider } });
    const pool = rotating(secrets, 'p:creds', { open: async () => ({}), close: () => new Promise(() => {}) });
    await pool.current();
    secrets.watch('p:app', () => {});
    await secrets.ready();
    await secrets.rotate('p:creds');
    console.log('done');
  `;

  it('of a program that never closes, in the middle of a drain', () => {
    const core = new URL('../../src/index.ts', import.meta.url).href;
    const started = performance.now();
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', script.replace('@keyturn/core', core)],
      { cwd: fileURLToPath(new URL('../../../..', import.meta.url)), encoding: 'utf8', timeout: 20_000 },
    );
    expect([stdout.trim(), stderr, status]).toEqual(['done', '', 0]);
    expect(performance.now() - started).toBeLessThan(8_000);
  });
});
