import { createSecrets, fallback, type SecretsConfig } from '@keyturn/core';
import { describe, expect, it } from 'vitest';
import { problemOf } from '../support/problem.js';
import { recorder } from '../support/recorder.js';
import { failure } from '../support/store.js';
import { codeOf, until, type WorldOptions, world } from '../support/world.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** A world with a store, and one that stands in for it. */
const pair = (options: WorldOptions = {}) => world({ standby: {}, ...options });

/** Both hold `app`, with values that say whose they are, and the same version. */
function filled(options: WorldOptions = {}) {
  const made = pair(options);
  made.store.put('app', 'main', '1');
  made.standby.put('app', 'standby', '1');
  return made;
}

describe('the next store', () => {
  it('is not asked while the first answers', async () => {
    const { secrets, standby } = filled();
    const secret = await secrets.getSecret('s:app');
    expect([secret.reveal(), secret.version, standby.calls]).toEqual(['main', '1', []]);
  });

  it.each(['unavailable', 'timeout', 'rate-limited', 'unauthenticated', 'circuit-open'] as const)(
    'is asked at once when the first fails with %s',
    async (code) => {
      const { secrets, store, clock } = filled();
      store.goDown(failure(code));
      expect((await secrets.getSecret('s:app')).reveal()).toBe('standby');
      expect([store.count('fetch'), clock.monotonicMs()]).toEqual([1, 0]);
    },
  );

  it.each(['not-found', 'permission-denied', 'invalid-ref'] as const)(
    'F40: is not asked when the first answers %s',
    async (code) => {
      const { secrets, store, standby } = filled();
      store.goDown(failure(code));
      expect(await codeOf(secrets.getSecret('s:app'))).toBe(code);
      expect(standby.calls).toEqual([]);
    },
  );

  it('is asked when the first is too slow', async () => {
    const { secrets, store, clock } = filled({ config: { resilience: { attemptTimeout: '2s' } } });
    store.hanging.add('fetch');
    expect((await until(clock, secrets.getSecret('s:app'))).reveal()).toBe('standby');
    expect(clock.monotonicMs()).toBe(2_000);
  });

  it('is asked without the first being called once its breaker is open', async () => {
    const { secrets, store, standby, of } = filled();
    store.goDown();
    for (let number = 0; number < 8; number++) {
      standby.put(`app${number}`, 'standby');
      await secrets.getSecret(`s:app${number}`);
    }
    expect(of('breaker-changed')).toMatchObject([{ provider: 's', state: 'open' }]);
    expect([store.count('fetch'), standby.count('fetch')]).toEqual([5, 8]);
    expect(secrets.health().providers).toEqual([
      { provider: 's', breaker: 'open' },
      { provider: 's/2', breaker: 'closed' },
    ]);
  });

  it.each(['unavailable', 'unauthenticated', 'permission-denied'] as const)(
    'is asked when the login to the first fails with %s',
    async (code) => {
      const { secrets, store, standby } = filled({ session: {} });
      store.failNext('login', failure(code));
      expect(await codeOf(secrets.getSecret('s:app'))).toBe('resolved');
      expect([store.count('fetch'), standby.count('fetch')]).toEqual([0, 1]);
    },
  );

  it('is asked when every address of the first is down', async () => {
    const { secrets, store } = filled({ addresses: ['a', 'b'] });
    store.downAt.set('a', failure('unavailable')).set('b', failure('unavailable'));
    expect((await secrets.getSecret('s:app')).reveal()).toBe('standby');
    expect(store.calls.map(({ address }) => address)).toEqual(['a', 'b']);
  });

  it.each(['s:app', 's:app s:other'])(
    'is not asked for %s while one address of the first answers, in one call or in several',
    async (asked) => {
      for (const many of [false, true]) {
        const made = pair({ addresses: ['a', 'b'], many, standby: { many } });
        for (const path of ['app', 'other']) {
          made.store.put(path, 'main');
          made.standby.put(path, 'standby');
        }
        made.store.downAt.set('a', failure('unavailable'));
        const got = await Promise.all(asked.split(' ').map((ref) => made.secrets.getSecret(ref)));
        expect(got.every((secret) => secret.reveal() === 'main')).toBe(true);
        expect(made.standby.calls).toEqual([]);
      }
    },
  );

  it('is the third when the second fails as well', async () => {
    const { store, standby, clock } = pair();
    const secrets = createSecrets({
      clock,
      providers: {
        s: fallback(store.provider, standby.provider, {
          name: 'last',
          fetch: async () => ({ data: 'third', version: '1' }),
        }),
      },
    });
    store.goDown();
    standby.goDown(failure('rate-limited'));
    const secret = await secrets.getSecret('s:app');
    expect([secret.reveal(), secret.version]).toEqual(['third', '3/1']);
    await until(clock, secrets.close());
  });

  it('of all in one tick is asked for what the first could not give, in one call', async () => {
    const { secrets, store, standby, clock } = world({ many: true, standby: { many: true } });
    for (const path of ['w', 'x', 'y', 'z']) standby.put(path, `standby ${path}`);
    store.put('w', 'main w');
    store.failAt('x', failure('unavailable'));
    store.failAt('y', failure('rate-limited'));
    const got = await Promise.all(
      ['s:w', 's:x', 's:y', 's:z'].map((ref) => secrets.getSecret(ref).catch((error) => error)),
    );
    expect(got.slice(0, 3).map((secret) => secret.reveal())).toEqual(['main w', 'standby x', 'standby y']);
    expect(got[3]).toMatchObject({ code: 'not-found' });
    expect(standby.calls.map(({ subject }) => subject)).toEqual(['x,y']);
    expect(clock.monotonicMs()).toBe(0);
  });
});

describe('when no store can answer', () => {
  it('the error is that of the first', async () => {
    const { secrets, store, standby, clock } = filled();
    store.goDown(failure('rate-limited'));
    standby.goDown();
    expect(await codeOf(until(clock, secrets.getSecret('s:app')))).toBe('rate-limited');
  });

  it('nor the next one has the secret, the error is that of the first', async () => {
    const { secrets, store, standby, clock } = filled();
    store.goDown();
    standby.delete('app');
    expect(await codeOf(until(clock, secrets.getSecret('s:app')))).toBe('unavailable');
  });

  it('one attempt is made at each but the last', async () => {
    const { secrets, store, standby, clock } = filled();
    store.goDown();
    standby.goDown();
    await codeOf(until(clock, secrets.getSecret('s:app')));
    expect([store.count('fetch'), standby.count('fetch')]).toEqual([1, 3]);
  });

  it('one call of fetchMany is made at each but the last', async () => {
    const { secrets, store, standby, clock } = world({ many: true, standby: { many: true } });
    store.goDown();
    standby.goDown();
    await codeOf(until(clock, secrets.preload(['s:x', 's:y'])));
    expect([store.count('fetch-many'), standby.count('fetch-many')]).toEqual([1, 3]);
  });

  it('F46: and the secrets are closed, the caller is told that', async () => {
    const made = filled();
    made.store.goDown();
    made.standby.latencyMs.fetch = 1_000;
    const asked = codeOf(made.secrets.getSecret('s:app'));
    await made.clock.advance(500);
    await made.close();
    expect(await asked).toBe('closed');
  });

  it('yet because its only caller has left, nothing is held against the reference', async () => {
    const { secrets, store, standby, clock } = filled();
    store.goDown();
    standby.latencyMs.fetch = 1_000;
    const controller = new AbortController();
    const leaving = codeOf(secrets.getSecret('s:app', { signal: controller.signal }));
    await clock.advance(500);
    controller.abort();
    expect(await leaving).toBe('aborted');
    await clock.settle();
    standby.latencyMs.fetch = 0;
    expect((await secrets.getSecret('s:app')).reveal()).toBe('standby');
  });
});

describe('a value of the first store', () => {
  const config = { cache: { ttl: '1m', maxStale: '1h' } } as const;

  it('F41: is kept, stale, and the next store not asked, as long as it may be served', async () => {
    const { secrets, store, standby, clock } = filled({ config });
    await secrets.getSecret('s:app');
    store.goDown();
    for (let minute = 0; minute < 60; minute++) {
      await clock.advance(MINUTE_MS);
      const secret = await secrets.getSecret('s:app');
      expect([secret.reveal(), secret.stale]).toEqual(['main', true]);
    }
    expect(store.count('fetch')).toBeGreaterThan(50);
    expect(standby.calls).toEqual([]);
    await clock.advance(MINUTE_MS);
    expect(await until(clock, secrets.getSecret('s:app'))).toMatchObject({ stale: false, version: '2/1' });
  });

  it('is kept for its consumers as well, in the background', async () => {
    const { secrets, store, standby, clock } = filled({ config });
    const seen: string[] = [];
    secrets.watch('s:app', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    store.goDown();
    await clock.advance(60 * MINUTE_MS);
    expect([seen, standby.calls]).toEqual([['main'], []]);
    await clock.advance(3 * MINUTE_MS);
    expect(seen).toEqual(['main', 'standby']);
  });

  it('F40: that the first has deleted is not found in the next', async () => {
    const { secrets, store, standby, clock } = filled({ config });
    await secrets.getSecret('s:app');
    store.delete('app');
    await clock.advance(2 * MINUTE_MS);
    await secrets.getSecret('s:app');
    await clock.settle();
    expect(await codeOf(secrets.getSecret('s:app'))).toBe('not-found');
    expect(standby.calls).toEqual([]);
  });

  it('F2: leased, serves to its end, and then the next store leases', async () => {
    const { secrets, store, standby, clock } = pair();
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    standby.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    const seen: string[] = [];
    secrets.watch('s:creds', (secret) => void seen.push(secret.version));
    await secrets.ready();
    store.goDown();
    await clock.advance(9.5 * MINUTE_MS);
    expect([seen, standby.calls]).toEqual([['v1'], []]);
    await clock.advance(1.5 * MINUTE_MS);
    expect(seen).toEqual(['v1', '2/v1']);
    store.heal();
  });
});

describe('a value of the next store', () => {
  const config = { cache: { ttl: '1m', maxStale: '1h' } } as const;

  it('is followed by that of the first at the refresh after this one answers again', async () => {
    const { secrets, store, clock, of } = filled({ config });
    store.goDown();
    expect((await secrets.getSecret('s:app')).reveal()).toBe('standby');
    store.heal();
    await clock.advance(61_000);
    await secrets.getSecret('s:app');
    await clock.settle();
    expect(secrets.peekSecret('s:app')).toMatchObject({ version: '1', stale: false });
    expect(of('secret-rotated')).toMatchObject([{ previousVersion: '2/1', version: '1' }]);
  });

  it('is refreshed from there while the first is down', async () => {
    const { secrets, store, standby, clock } = filled({ config });
    store.goDown();
    const seen: string[] = [];
    secrets.watch('s:app', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    standby.put('app', 'standby, newer', '2');
    await clock.advance(2 * MINUTE_MS);
    expect(seen).toEqual(['standby', 'standby, newer']);
    await clock.advance(HOUR_MS);
    expect(secrets.peekSecret('s:app')).toMatchObject({ version: '2/2' });
    expect(secrets.peekSecret('s:app')?.reveal()).toBe('standby, newer');
  });

  it('F41: serves, stale, when both are down', async () => {
    const { secrets, store, standby, clock } = filled({ config });
    store.goDown();
    await secrets.getSecret('s:app');
    standby.goDown();
    await clock.advance(10 * MINUTE_MS);
    expect(await secrets.getSecret('s:app')).toMatchObject({ version: '2/1', stale: true });
    await clock.advance(HOUR_MS);
    expect(await codeOf(until(clock, secrets.getSecret('s:app')))).toBe('unavailable');
  });

  it('F40: ends when the first answers that it is denied', async () => {
    const { secrets, store, clock } = filled({ config });
    store.goDown();
    await secrets.getSecret('s:app');
    store.heal();
    store.deny('app');
    await clock.advance(61_000);
    await secrets.getSecret('s:app');
    await clock.settle();
    expect(await codeOf(secrets.getSecret('s:app'))).toBe('permission-denied');
  });

  it('F31: is proven by consumers before they use it, though the stores call it by one version', async () => {
    const { secrets, store, standby, clock } = filled({ config });
    standby.put('app', 'main', '1');
    const consumer = recorder();
    const consumption = secrets.consume('s:app', consumer);
    await consumption.current();
    store.goDown();
    await clock.advance(62 * MINUTE_MS + 30_000);
    store.heal();
    await clock.advance(2 * MINUTE_MS);
    expect(consumer.log).toEqual([
      'prepare 1',
      'adopt 1',
      'prepare 2/1',
      'adopt 2/1',
      'prepare 1',
      'adopt 1',
    ]);
  });
});

describe('a lease', () => {
  it('of the next store is renewed there, and revoked there when the first leases again', async () => {
    const { secrets, store, standby, clock, of } = pair({ standby: { session: {} }, session: {} });
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    standby.dynamic('creds', { ttlMs: 10 * MINUTE_MS, maxTtlMs: 40 * MINUTE_MS });
    store.goDown();
    expect((await secrets.getSecret('s:creds')).version).toBe('2/v1');
    await clock.advance(20 * MINUTE_MS);
    expect([standby.count('renew'), store.count('renew')]).toEqual([3, 0]);
    store.heal();
    await clock.advance(20 * MINUTE_MS);
    expect(secrets.peekSecret('s:creds')?.version).toBe('v1');
    expect([standby.live(), store.live().length]).toEqual([[], 1]);
    expect([standby.count('revoke'), store.count('revoke')]).toEqual([1, 0]);
    expect(of('lease-expired')).toEqual([]);
  });

  it('that came too late from the first is revoked at the first', async () => {
    const { secrets, store, standby, clock } = pair({ config: { resilience: { attemptTimeout: '2s' } } });
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    standby.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    store.latencyMs.fetch = 5_000;
    store.ignoresSignals = true;
    expect((await until(clock, secrets.getSecret('s:creds'))).version).toBe('2/v1');
    await clock.advance(10_000);
    expect([store.leases.length, store.live(), standby.live().length]).toEqual([1, [], 1]);
  });

  it('F46: and the logins of both are ended where they are, at the end', async () => {
    const made = pair({ session: {}, standby: { session: {} } });
    const { secrets, store, standby, clock } = made;
    store.dynamic('x', { ttlMs: 10 * MINUTE_MS });
    standby.dynamic('y', { ttlMs: 10 * MINUTE_MS });
    await secrets.getSecret('s:x');
    store.goDown();
    await secrets.getSecret('s:y');
    store.heal();
    expect([store.liveSessions().length, standby.liveSessions().length]).toEqual([1, 1]);
    await made.close();
    expect([store.live(), standby.live()]).toEqual([[], []]);
    expect([store.liveSessions(), standby.liveSessions()]).toEqual([[], []]);
    expect([store.count('close'), standby.count('close')]).toEqual([1, 1]);
    expect(clock.pending).toBe(0);
  });

  it('F14: of the next store is replaced when the login there is lost, whatever the first does', async () => {
    const { secrets, store, standby, clock } = pair({ standby: { session: { ttlMs: 30 * MINUTE_MS } } });
    store.goDown();
    standby.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    secrets.watch('s:creds', () => {});
    await secrets.ready();
    standby.revokeSessions();
    await clock.advance(10 * MINUTE_MS);
    const version = secrets.peekSecret('s:creds')?.version.slice(2);
    expect(standby.live().map((lease) => lease.version)).toEqual([version]);
  });
});

describe('the making of a fallback', () => {
  const provider = { name: 'p', fetch: async () => ({ data: 'x', version: '1' }) };
  const made = (given: unknown) =>
    problemOf(() => createSecrets({ providers: { p: given } } as unknown as SecretsConfig));

  it.each<[string, () => unknown]>([
    ['nothing', () => fallback(...([] as unknown as [typeof provider]))],
    ['what is no provider', () => fallback(provider, {} as typeof provider)],
    ['a fallback', () => fallback(provider, fallback(provider) as unknown as typeof provider)],
  ])('of %s is refused by name', (_, make) => {
    expect(made(make())).toMatchObject({ code: 'invalid-config' });
    expect(made(make()).message).toContain('providers.p ');
  });

  it('of one store is that store', async () => {
    const secrets = createSecrets({ providers: { p: fallback(provider) } });
    expect((await secrets.getSecret('p:a')).version).toBe('1');
    await secrets.close();
  });
});
