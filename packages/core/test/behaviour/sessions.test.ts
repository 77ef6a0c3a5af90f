import { describe, expect, it } from 'vitest';
import { failure } from '../support/store.js';
import { codeOf, until, world } from '../support/world.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const SESSION = { ttlMs: 10 * MINUTE_MS };
const LEASE = { ttlMs: HOUR_MS };

describe('a login', () => {
  it('is made once for all, at the first call', async () => {
    const { store, secrets, clock } = world({ session: SESSION });
    store.put('a', 'one').put('b', 'two');
    store.latencyMs.login = 500;
    await clock.advance(MINUTE_MS);
    expect(store.count('login')).toBe(0);
    await until(clock, secrets.preload(['s:a', 's:b']));
    expect([store.count('login'), store.count('fetch')]).toEqual([1, 2]);
  });

  it('that is denied is told to the caller as a login that fails, and tried again for the next', async () => {
    const { store, secrets, clock, of } = world({ session: SESSION });
    store.put('a', 'one');
    store.failNext('login', failure('permission-denied'));
    expect(await codeOf(secrets.getSecret('s:a'))).toBe('unauthenticated');
    expect(of('session-started')).toEqual([]);
    await clock.advance(30_000);
    expect((await secrets.getSecret('s:a')).reveal()).toBe('one');
  });

  it('is renewed between 60 and 70 % of its ttl, once per turn', async () => {
    const { store, secrets, clock, of } = world({ session: SESSION });
    store.put('a', 'one');
    await secrets.getSecret('s:a');
    await clock.advance(5 * HOUR_MS);
    const times = store.timesOf('renew-session');
    expect(times.length).toBeGreaterThanOrEqual(300 / 7);
    expect(times.length).toBeLessThanOrEqual(50);
    expect(of('session-renewed')).toHaveLength(times.length);
    expect(store.count('login')).toBe(1);
  });

  it('without an end is not renewed', async () => {
    const { store, secrets, clock } = world({ session: {} });
    store.put('a', 'one');
    await secrets.getSecret('s:a');
    await clock.advance(24 * HOUR_MS);
    expect([store.count('login'), store.count('renew-session')]).toEqual([1, 0]);
    expect(clock.pending).toBe(0);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    'F9: with a ttl of %d is refused and given back, not renewed without end',
    async (ttlMs) => {
      const { store, secrets, clock } = world({ session: SESSION });
      const contract = store.provider.session;
      const login = contract?.login.bind(contract);
      if (contract !== undefined && login !== undefined) {
        contract.login = async (options) => ({ ...(await login(options)), lease: { ttlMs } });
      }
      store.put('a', 'one');
      expect(await codeOf(secrets.getSecret('s:a'))).toBe('bad-response');
      await clock.advance(MINUTE_MS);
      expect(store.count('login')).toBe(1);
      expect(store.liveSessions()).toEqual([]);
    },
  );

  it('F17: that cannot be renewed is replaced before its end, with no renewal', async () => {
    const { store, secrets, clock, of } = world({ session: { ...SESSION, renewable: false } });
    store.put('a', 'one');
    await secrets.getSecret('s:a');
    await clock.advance(HOUR_MS);
    expect(store.count('renew-session')).toBe(0);
    const starts = store.timesOf('login');
    const gaps = starts.slice(1).map((atMs, place) => atMs - (starts[place] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(7.5 * MINUTE_MS);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(8.5 * MINUTE_MS + 1);
    expect(of('session-lost')).toEqual([]);
    expect(store.liveSessions()).toHaveLength(1);
  });

  it('F17: from outside, that has less left each time, is asked for once a second at most', async () => {
    const { store, secrets, clock } = world({ session: { ttlMs: MINUTE_MS, revocable: false } });
    const contract = store.provider.session;
    if (contract !== undefined) {
      const { login } = contract;
      delete (contract as { renew?: unknown }).renew;
      let granted: Awaited<ReturnType<typeof login>> | undefined;
      contract.login = async (options) => {
        granted ??= await login(options);
        store.calls.push({ operation: 'login', subject: 'again', atMs: clock.monotonicMs() });
        const leftMs = MINUTE_MS - clock.monotonicMs();
        if (leftMs <= 0) throw failure('unauthenticated');
        return { ...granted, lease: { ttlMs: leftMs } };
      };
    }
    store.put('a', 'one');
    await secrets.getSecret('s:a');
    await clock.advance(5 * MINUTE_MS);
    const times = store.calls.filter((call) => call.subject === 'again').map((call) => call.atMs);
    const gaps = times.slice(1).map((atMs, place) => atMs - (times[place] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
    expect(times.length).toBeLessThan(40);
  });

  it('F43: is made anew each time, so that what it reads from disk is read again', async () => {
    const { store, secrets, clock } = world({ session: { ...SESSION, renewable: false } });
    store.put('a', 'one');
    await secrets.getSecret('s:a');
    await clock.advance(9 * MINUTE_MS);
    expect(store.sessions.map((session) => session.token)).toEqual(['token-1', 'token-2']);
  });

  it('F20: whose first call meets a standby that lags behind is not repeated; the call is', async () => {
    const { store, secrets, clock } = world({ session: SESSION });
    store.put('a', 'one');
    store.failNext('fetch', failure('unavailable'));
    expect((await until(clock, secrets.getSecret('s:a'))).reveal()).toBe('one');
    expect([store.count('login'), store.count('fetch')]).toEqual([1, 2]);
  });

  it('renewed against errors keeps trying, and logs in anew in the last fifth', async () => {
    const { store, secrets, clock, of } = world({ session: SESSION });
    store.put('a', 'one');
    await secrets.getSecret('s:a');
    store.failNext('renew-session', ...new Array(30).fill(failure('unavailable')));
    await clock.advance(9.9 * MINUTE_MS);
    expect(store.count('login')).toBe(2);
    expect(store.count('renew-session')).toBeLessThan(20);
    expect(of('refresh-failed').length).toBeGreaterThan(0);
    expect(of('session-lost')).toEqual([]);
    store.heal();
  });

  it('that can neither be renewed nor replaced until its end is lost, and found again when the store is back', async () => {
    const { store, secrets, clock, of } = world({ session: SESSION });
    store.dynamic('creds', LEASE);
    const seen: string[] = [];
    secrets.watch('s:creds', (secret) => void seen.push(secret.version));
    await secrets.ready();
    store.goDown();
    await clock.advance(11 * MINUTE_MS);
    expect(of('session-lost')).toHaveLength(1);
    expect(secrets.peekSecret('s:creds')).toBeUndefined();
    store.heal();
    await clock.advance(2 * MINUTE_MS);
    expect(seen).toEqual(['v1', 'v2']);
  });
});

describe.each(['unauthenticated', 'permission-denied'] as const)(
  'a store that answers a dead login with %s',
  (deadAnswer) => {
    const session = { ttlMs: HOUR_MS, deadAnswer };

    it('F13: fifty calls share one check and one re-login', async () => {
      const { store, secrets, clock } = world({ session });
      const paths = Array.from({ length: 50 }, (_, number) => `app-${number}`);
      for (const path of paths) store.put(path, 'value');
      await secrets.getSecret('s:app-0');
      store.revokeSessions();
      store.latencyMs.login = 100;
      store.latencyMs['is-alive'] = 100;
      await until(clock, secrets.preload(paths.map((path) => `s:${path}`)));
      expect(store.count('login')).toBe(2);
      expect(store.count('is-alive')).toBeLessThanOrEqual(1);
    });

    it('F14: revoked from outside, it is noticed at the next call, and what was leased under it is replaced', async () => {
      const { store, secrets, clock, of } = world({ session });
      for (const path of ['a', 'b', 'c']) store.dynamic(path, LEASE);
      await secrets.preload(['s:a', 's:b', 's:c']);
      store.put('app', 'one');
      store.revokeSessions();
      await clock.advance(MINUTE_MS);
      expect((await secrets.getSecret('s:app')).reveal()).toBe('one');
      await clock.settle();
      expect(of('session-lost')).toHaveLength(1);
      expect(
        of('secret-rotated')
          .map((event) => event.ref)
          .sort(),
      ).toEqual(['s:a', 's:b', 's:c']);
      expect(store.live()).toHaveLength(3);
    });

    it('F14: noticed when the login itself is renewed, its leases are replaced at once', async () => {
      const { store, secrets, clock } = world({ session });
      store.dynamic('creds', { ttlMs: 10 * HOUR_MS });
      await secrets.getSecret('s:creds');
      await clock.advance(MINUTE_MS);
      store.revokeSessions();
      await clock.advance(43 * MINUTE_MS);
      expect(store.live().map((lease) => lease.version)).toEqual([secrets.peekSecret('s:creds')?.version]);
    });

    it('F12 F14: noticed when a lease is renewed, that lease is replaced once', async () => {
      const { store, secrets, clock } = world({ session });
      store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
      await secrets.getSecret('s:creds');
      store.revokeSessions();
      await clock.advance(8 * MINUTE_MS);
      expect(store.count('fetch')).toBe(2);
      expect(store.live()).toHaveLength(1);
    });

    it('a call that was given up before its login turned out to be dead is not made again', async () => {
      const { store, secrets, clock } = world({ session });
      store.put('app', 'one');
      await secrets.getSecret('s:app');
      store.revokeSessions();
      store.put('app2', 'two');
      store.ignoresSignals = true;
      store.latencyMs.fetch = 5_000;
      const caller = new AbortController();
      const left = codeOf(secrets.getSecret('s:app2', { signal: caller.signal }));
      await clock.advance(1_000);
      caller.abort();
      expect(await left).toBe('aborted');
      await clock.advance(60_000);
      expect(store.count('fetch', 'app2')).toBe(1);
    });

    it('a new login that is refused as well is no loop', async () => {
      const { store, secrets, clock } = world({ session });
      store.put('app', 'one');
      store.failNext('fetch', ...new Array(9).fill(failure('unauthenticated')));
      expect(await until(clock, codeOf(secrets.getSecret('s:app')))).toBe('unauthenticated');
      expect([store.count('login'), store.count('fetch')]).toEqual([2, 2]);
      store.heal();
      store.revokeSessions();
    });

    it('a value without a lease serves on, stale, while the store refuses every login', async () => {
      const { store, secrets, clock } = world({ session });
      store.put('app', 'one');
      await secrets.getSecret('s:app');
      store.revokeSessions();
      store.failNext('login', ...new Array(20).fill(failure('unauthenticated')));
      await clock.advance(5 * MINUTE_MS);
      await secrets.getSecret('s:app');
      await clock.settle();
      expect(await secrets.getSecret('s:app')).toMatchObject({ staleReason: 'unauthenticated' });
      store.heal();
    });
  },
);

describe('a policy denial', () => {
  const session = { ttlMs: HOUR_MS, deadAnswer: 'permission-denied' } as const;

  it('F40: under a login that is alive costs one check and no re-login', async () => {
    const { store, secrets } = world({ session });
    store.put('app', 'one');
    store.deny('app');
    expect(await codeOf(secrets.getSecret('s:app'))).toBe('permission-denied');
    expect([store.count('login'), store.count('is-alive')]).toEqual([1, 1]);
  });

  it('where the check itself is forbidden costs one re-login, and no more', async () => {
    const { store, secrets, clock } = world({ session });
    const contract = store.provider.session;
    if (contract !== undefined) contract.isAlive = async () => false;
    for (const path of ['a', 'b', 'c']) {
      store.put(path, 'one');
      store.deny(path);
      expect(await codeOf(secrets.getSecret(`s:${path}`))).toBe('permission-denied');
    }
    expect(store.count('login')).toBe(2);
    await clock.advance(1_000);
    store.revokeSessions();
  });

  it('that meets a dead login does not discredit the check', async () => {
    const { store, secrets, clock } = world({ session });
    store.put('denied', 'one').put('app', 'two').put('app2', 'three');
    await secrets.getSecret('s:app');
    store.deny('denied');
    store.revokeSessions();
    expect(await codeOf(secrets.getSecret('s:denied'))).toBe('permission-denied');
    store.revokeSessions();
    expect((await until(clock, secrets.getSecret('s:app2'))).reveal()).toBe('three');
    expect(store.count('login')).toBe(3);
  });

  it('when the check fails, the denial is not believed yet: it is tried again', async () => {
    const { store, secrets, clock } = world({ session });
    store.put('app', 'one');
    store.failNext('fetch', failure('permission-denied'));
    store.failNext('is-alive', failure('unavailable'));
    expect((await until(clock, secrets.getSecret('s:app'))).reveal()).toBe('one');
  });
});

describe('leases under a login', () => {
  it('F15: whose maximum is near are replaced while it lasts, and it is revoked when it has none left', async () => {
    const { store, secrets, clock, of } = world({
      session: { ttlMs: 10 * MINUTE_MS, maxTtlMs: 30 * MINUTE_MS },
    });
    const paths = ['a', 'b', 'c', 'd'];
    for (const path of paths) store.dynamic(path, { ttlMs: 24 * HOUR_MS });
    const seen: string[] = [];
    for (const path of paths)
      secrets.watch(`s:${path}`, (secret) => void seen.push(`${path} ${secret.version}`));
    await secrets.ready();
    for (let minute = 0; minute < 120; minute++) {
      await clock.advance(MINUTE_MS);
      for (const path of paths) {
        const secret = secrets.peekSecret(`s:${path}`);
        const lease = store.leaseOf(secret?.version ?? '');
        expect(lease && store.isLive(lease)).toBe(true);
      }
    }
    expect(of('session-lost')).toEqual([]);
    expect(of('lease-expired')).toEqual([]);
    expect(store.liveSessions().length).toBeLessThanOrEqual(2);
    expect(store.count('login')).toBeLessThanOrEqual(6);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('F15: that end sooner than their login’s last half are renewed or replaced in their own time', async () => {
    const { store, secrets, clock, of } = world({ session: { ttlMs: 10 * HOUR_MS, maxTtlMs: 10 * HOUR_MS } });
    store.dynamic('creds', { ttlMs: MINUTE_MS });
    secrets.watch('s:creds', () => {});
    await secrets.ready();
    for (let turn = 0; turn < 30; turn++) {
      await clock.advance(HOUR_MS);
      expect(secrets.peekSecret('s:creds')).toMatchObject({ stale: false });
    }
    expect(of('lease-expired')).toEqual([]);
    expect(of('session-lost')).toEqual([]);
  });

  it('F15: fetched or renewed while another login began still make way in time', async () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const { store, secrets, clock, of } = world({
        seed,
        session: { ttlMs: 10 * MINUTE_MS, renewable: false },
      });
      store.dynamic('renewed', { ttlMs: 3 * MINUTE_MS }).dynamic('fetched', { ttlMs: HOUR_MS });
      store.latencyMs.renew = 9_000;
      store.latencyMs.fetch = 9_000;
      store.latencyMs.login = 500;
      await until(clock, secrets.preload(['s:renewed', 's:fetched']));
      for (let minute = 0; minute < 60; minute++) {
        await clock.advance(MINUTE_MS);
        const refreshed = codeOf(secrets.rotate('s:fetched'));
        for (let second = 0; second < 10; second++) {
          await clock.advance(1_000);
          for (const path of ['renewed', 'fetched']) {
            const version = secrets.peekSecret(`s:${path}`)?.version;
            const lease = store.leaseOf(version ?? '');
            if (version !== undefined) expect(lease && store.isLive(lease), `${path} ${version}`).toBe(true);
          }
        }
        await until(clock, refreshed);
      }
      expect(of('lease-expired')).toEqual([]);
      expect(secrets.inventory().map((item) => item.state)).toEqual(['fresh', 'fresh']);
    }
  });

  it('F15: renewed while their login was being replaced do not fall back to their own time', async () => {
    const { store, secrets, clock, of } = world({ session: { ttlMs: 10 * MINUTE_MS, renewable: false } });
    store.dynamic('creds', { ttlMs: 12 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    store.latencyMs.renew = 9_000;
    store.latencyMs.login = MINUTE_MS;
    const { login } = store.provider.session ?? {};
    expect(login).toBeDefined();
    while (store.count('renew') === 0) await clock.advance(1_000);
    store.latencyMs.login = 1_000;
    await clock.advance(20 * MINUTE_MS);
    expect(of('lease-expired')).toEqual([]);
    expect(of('secret-rotated').length).toBeGreaterThan(0);
  });

  it('that cannot be replaced before their login ends are handed out until then and no longer', async () => {
    const { store, secrets, clock, of } = world({ session: { ttlMs: MINUTE_MS, renewable: false } });
    store.dynamic('creds', { ttlMs: HOUR_MS });
    secrets.watch('s:creds', () => {});
    await secrets.ready();
    store.deny('creds');
    while (store.sessions.length < 2) await clock.advance(500);
    const [first] = store.sessions;
    while (store.nowMs < (first?.endMs ?? 0) - 2_000) {
      expect(secrets.peekSecret('s:creds')).toBeDefined();
      await clock.advance(500);
    }
    await clock.advance(500);
    expect(secrets.peekSecret('s:creds')).toBeUndefined();
    expect(store.count('revoke-session', first?.token)).toBe(0);
    store.allow('creds');
    await clock.advance(MINUTE_MS);
    // The second login may have been followed by a third meanwhile, and its lease with it.
    expect(['v2', 'v3']).toContain(secrets.peekSecret('s:creds')?.version);
    expect(of('lease-expired')).toHaveLength(1);
  });

  it('F16: a batch login caps them, and they are replaced under the next', async () => {
    const { store, secrets, clock, of } = world({ session: { ttlMs: 10 * MINUTE_MS, renewable: false } });
    const { fetch } = store.provider;
    store.provider.fetch = async (ref, options) => {
      const answer = await fetch(ref, options);
      const session = store.sessions.find((each) => each.token === options.session);
      const leftMs = (session?.endMs ?? 0) - store.nowMs;
      const lease = store.leaseOf(answer.version);
      if (lease !== undefined) lease.endMs = Math.min(lease.endMs, session?.endMs ?? 0);
      return { ...answer, lease: { ttlMs: leftMs, handle: { id: lease?.id ?? '', renewable: false } } };
    };
    store.dynamic('creds', { ttlMs: 24 * HOUR_MS });
    await secrets.getSecret('s:creds');
    await clock.advance(2 * HOUR_MS);
    expect(store.count('renew') + store.count('renew-session')).toBe(0);
    expect(of('lease-expired')).toEqual([]);
    expect(store.leases.length).toBeLessThan(40);
    expect(secrets.peekSecret('s:creds')).toBeDefined();
  });

  it('F35: die with it, timers or not: nothing is handed out past the end of the login', async () => {
    const { store, secrets, clock } = world({ session: { ttlMs: 10 * MINUTE_MS } });
    store.dynamic('creds', { ttlMs: 24 * HOUR_MS });
    await secrets.getSecret('s:creds');
    clock.jumpWall(HOUR_MS);
    store.aheadMs += HOUR_MS;
    expect(secrets.peekSecret('s:creds')).toBeUndefined();
    const { version } = await until(clock, secrets.getSecret('s:creds'));
    expect(version).toBe('v2');
  });

  it('that outlive it (their store says so) are left alone', async () => {
    const { store, secrets, clock, of } = world({
      session: { ttlMs: 10 * MINUTE_MS, renewable: false, ownsLeases: false },
    });
    store.dynamic('creds', { ttlMs: 24 * HOUR_MS });
    await secrets.getSecret('s:creds');
    await clock.advance(2 * HOUR_MS);
    expect(of('secret-rotated')).toEqual([]);
    store.revokeSessions();
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    await clock.settle();
    expect(of('secret-rotated')).toEqual([]);
  });

  it('F23: a re-login, a renewal and a rotation race: one lease is left of each', async () => {
    const { store, secrets, clock } = world({
      session: { ttlMs: 10 * MINUTE_MS, deadAnswer: 'permission-denied' },
    });
    store.dynamic('a', { ttlMs: 5 * MINUTE_MS }).dynamic('b', { ttlMs: 7 * MINUTE_MS, renewable: false });
    store.latencyMs.fetch = 300;
    store.latencyMs.renew = 300;
    store.latencyMs.login = 300;
    store.latencyMs.revoke = 300;
    await until(clock, secrets.preload(['s:a', 's:b']));
    for (let turn = 0; turn < 40; turn++) {
      await clock.advance(turn * 7_001);
      store.revokeSessions();
      const refreshes = [secrets.rotate('s:a'), secrets.rotate('s:b')];
      await until(clock, Promise.all(refreshes));
      await clock.advance(3_000);
      const served = ['s:a', 's:b'].map((ref) => secrets.peekSecret(ref)?.version);
      expect(
        store
          .live()
          .map((lease) => lease.version)
          .sort(),
      ).toEqual(served.sort());
    }
  });
});

describe('at the end', () => {
  it('a login of ours is revoked after the leases', async () => {
    const { store, secrets, close } = world({ session: SESSION });
    store.dynamic('creds', LEASE);
    await secrets.getSecret('s:creds');
    await close();
    const order = store.calls.map((call) => call.operation).slice(-3);
    expect(order).toEqual(['revoke', 'revoke-session', 'close']);
  });

  it('a login that was given to us is not', async () => {
    const { store, secrets, close } = world({ session: { ttlMs: HOUR_MS, revocable: false } });
    store.put('a', 'one');
    await secrets.getSecret('s:a');
    await close();
    expect(store.count('revoke-session')).toBe(0);
  });

  it('an error of that revocation is swallowed', async () => {
    const { store, secrets, close } = world({ session: SESSION });
    store.put('a', 'one');
    await secrets.getSecret('s:a');
    store.failNext('revoke-session', failure('unavailable'), failure('unavailable'));
    await close();
    for (const session of store.sessions) session.revokedMs = 0;
  });

  it('a login that is still being replaced, and the one before it, are both revoked', async () => {
    const { store, secrets, clock, close } = world({ session: { ttlMs: 10 * MINUTE_MS, renewable: false } });
    store.dynamic('creds', LEASE);
    const seen = secrets.watch('s:creds', () => new Promise<void>(() => {}));
    await secrets.ready();
    while (store.sessions.length < 2) await clock.advance(1_000);
    expect(store.liveSessions()).toHaveLength(2);
    await close();
    expect(store.liveSessions()).toEqual([]);
    seen();
  });

  it.each(['login', 'renew-session', 'is-alive'] as const)(
    'F46: a %s that hangs when everything is closed leaves nothing behind',
    async (operation) => {
      const { store, secrets, clock, close } = world({
        session: { ttlMs: 10 * MINUTE_MS, deadAnswer: 'permission-denied' },
      });
      store.put('a', 'one').put('b', 'two');
      await secrets.getSecret('s:a');
      store.hanging.add(operation);
      const read = operation === 'renew-session' ? undefined : codeOf(secrets.getSecret('s:b'));
      if (operation !== 'renew-session') {
        store.revokeSessions();
        void codeOf(secrets.rotate('s:b'));
      }
      await clock.advance(7 * MINUTE_MS - 5_000);
      await close();
      await read;
      store.heal();
      expect(clock.pending).toBe(0);
      await clock.advance(HOUR_MS);
      expect(store.liveSessions()).toEqual([]);
    },
  );

  it('F46: a login that comes after everything was closed is given back', async () => {
    const { store, secrets, clock, close } = world({ session: SESSION });
    store.put('a', 'one');
    store.latencyMs.login = 9_000;
    store.ignoresSignals = true;
    const read = codeOf(secrets.getSecret('s:a'));
    await clock.advance(1_000);
    await close();
    expect(await read).toBe('closed');
    await clock.advance(10_000);
    expect(store.sessions).toHaveLength(1);
    expect(store.liveSessions()).toEqual([]);
  });
});
