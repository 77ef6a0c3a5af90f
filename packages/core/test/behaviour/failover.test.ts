import { describe, expect, it } from 'vitest';
import { failure } from '../support/store.js';
import { codeOf, until, type World, type WorldOptions, world } from '../support/world.js';

const MINUTE_MS = 60_000;
const ADDRESSES = ['a', 'b', 'c'];

/** A world whose store is at three addresses. */
const places = (options: WorldOptions = {}) => world({ addresses: ADDRESSES, ...options });

/** Where the calls of one operation went, in order. */
const at = ({ store }: World, operation: string) =>
  store.calls
    .filter((call) => call.operation === operation)
    .map(({ address }) => address)
    .join();

describe('a read', () => {
  it('is made at the preferred address', async () => {
    const made = places();
    made.store.put('app', 'one');
    await made.secrets.getSecret('s:app');
    expect(at(made, 'fetch')).toBe('a');
  });

  it('of a provider that names no address is told of none', async () => {
    const made = world();
    made.store.put('app', 'one');
    await made.secrets.getSecret('s:app');
    expect(made.store.calls[0]).toMatchObject({ operation: 'fetch', address: undefined });
  });

  it('is made at the next address at once, within one attempt, when the preferred is down', async () => {
    const made = places({ config: { resilience: { attempts: 1 } } });
    const { store, secrets, clock } = made;
    store.put('app', 'one');
    store.downAt.set('a', failure('unavailable'));
    expect((await secrets.getSecret('s:app')).reveal()).toBe('one');
    expect([at(made, 'fetch'), clock.monotonicMs()]).toEqual(['a,b', 0]);
  });

  it('takes no longer than attemptTimeout in all where every address hangs', async () => {
    const made = places({ config: { resilience: { attempts: 1, attemptTimeout: '9s' } } });
    const { store, secrets, clock } = made;
    store.put('app', 'one');
    for (const address of ADDRESSES) store.slowAt.set(address, 1e6);
    expect(await codeOf(until(clock, secrets.getSecret('s:app')))).toBe('timeout');
    expect(store.timesOf('fetch')).toEqual([0, 3_000, 6_000]);
    expect(clock.monotonicMs()).toBe(9_000);
  });

  it.each(['not-found', 'permission-denied', 'rate-limited', 'bad-response', 'unauthenticated'] as const)(
    'F40: is told %s by the preferred address and asks no other',
    async (code) => {
      const made = places({ config: { resilience: { attempts: 1 } } });
      const { store, secrets } = made;
      store.put('app', 'one');
      store.downAt.set('a', failure(code));
      expect(await codeOf(secrets.getSecret('s:app'))).toBe(code);
      expect(at(made, 'fetch')).toBe('a');
    },
  );

  it('of many in one tick moves on with all that are open, and with them alone', async () => {
    const made = places({ many: true });
    const { store, secrets, clock } = made;
    store.put('x', 'one').put('y', 'two').put('z', 'three');
    store.failAt('y', failure('unavailable'));
    store.failAt('z', failure('not-found'));
    const [x, y, z] = await Promise.all(['s:x', 's:y', 's:z'].map((ref) => codeOf(secrets.getSecret(ref))));
    expect([x, y, z]).toEqual(['resolved', 'resolved', 'not-found']);
    expect(store.calls.map(({ operation, subject, address }) => [operation, subject, address])).toEqual([
      ['fetch-many', 'x,y,z', 'a'],
      ['fetch', 'y', 'b'],
    ]);
    expect(clock.monotonicMs()).toBe(0);
  });

  it('F18: goes back to the preferred address a few seconds after its blip, however many calls failed there', async () => {
    const made = places();
    const { store, secrets, clock } = made;
    for (let number = 0; number < 20; number++) store.put(`app${number}`, 'one');
    store.put('late', 'two');
    store.downAt.set('a', failure('unavailable'));
    await until(
      clock,
      Promise.all(Array.from({ length: 20 }, (_, number) => secrets.getSecret(`s:app${number}`))),
    );
    store.downAt.clear();
    await clock.advance(5_001);
    await until(clock, secrets.getSecret('s:late'));
    expect(store.calls.at(-1)).toMatchObject({ subject: 'late', address: 'a' });
  });
});

describe('the late answer of an address that was given up', () => {
  it.each([false, true])('has its lease revoked (fetchMany: %s)', async (many) => {
    const made = places({ many, config: { resilience: { attemptTimeout: '9s' } } });
    const { store, secrets, clock, of } = made;
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS }).dynamic('other', { ttlMs: 10 * MINUTE_MS });
    store.slowAt.set('a', 20_000);
    store.ignoresSignals = true;
    const both = Promise.all(['s:creds', 's:other'].map((ref) => secrets.getSecret(ref)));
    const versions = (await until(clock, both)).map(({ version }) => version);
    store.slowAt.clear();
    expect(clock.monotonicMs()).toBeLessThan(4_000);
    expect(store.leases).toHaveLength(2);
    await clock.advance(30_000);
    expect(store.leases).toHaveLength(4);
    expect(store.live().map(({ version }) => version)).toEqual(versions);
    expect(of('lease-revoked')).toHaveLength(2);
    for (const ref of ['s:creds', 's:other']) expect(versions).toContain(secrets.peekSecret(ref)?.version);
  });
});

describe('what is leased at one address', () => {
  it('F1: is renewed at another when the first is down, and never replaced', async () => {
    const made = places();
    const { store, secrets, clock, of } = made;
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    const { version } = await secrets.getSecret('s:creds');
    store.downAt.set('a', failure('unavailable'));
    await clock.advance(60 * MINUTE_MS);
    expect(secrets.peekSecret('s:creds')?.version).toBe(version);
    expect(store.count('fetch')).toBe(1);
    expect(of('lease-renewed').length).toBeGreaterThanOrEqual(8);
    expect(of('refresh-failed')).toEqual([]);
    expect(at(made, 'renew').startsWith('a,b')).toBe(true);
  });

  it('is renewed though every breaker is open', async () => {
    const made = places({ config: { resilience: { attempts: 1, breakerReset: '20m' } } });
    const { store, secrets, clock, of } = made;
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    for (const address of ADDRESSES) store.downAt.set(address, failure('unavailable'));
    for (let turn = 0; turn < 6; turn++) await codeOf(secrets.getSecret(`s:none${turn}`));
    expect(of('breaker-changed').map(({ address, state }) => `${address} ${state}`)).toEqual([
      'a open',
      'b open',
      'c open',
    ]);
    store.downAt.clear();
    await clock.advance(8 * MINUTE_MS);
    expect(of('lease-renewed')).toHaveLength(1);
    expect(await codeOf(secrets.getSecret('s:other'))).toBe('circuit-open');
  });

  it('F46: is revoked at another at the end', async () => {
    const made = places({ session: {} });
    const { store, secrets, of } = made;
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    store.downAt.set('a', failure('unavailable'));
    expect(await made.close()).toBe(0);
    expect([store.live(), store.liveSessions()]).toEqual([[], []]);
    expect(of('lease-revoked')).toEqual([expect.not.objectContaining({ error: expect.anything() })]);
    expect(at(made, 'revoke').split(',').at(-1)).not.toBe('a');
  });
});

describe('a login', () => {
  it('is made at the next address with the read that wants it', async () => {
    const made = places({ session: {} });
    const { store, secrets } = made;
    store.put('app', 'one');
    store.downAt.set('a', failure('unavailable'));
    await secrets.getSecret('s:app');
    expect([at(made, 'login'), at(made, 'fetch')]).toEqual(['a,b', 'b']);
  });

  it('that hangs at one address is not waited for at another', async () => {
    const made = places({ session: {}, config: { resilience: { attemptTimeout: '9s' } } });
    const { store, secrets, clock } = made;
    store.put('app', 'one');
    store.slowAt.set('a', 20_000);
    store.ignoresSignals = true;
    await until(clock, secrets.getSecret('s:app'));
    store.slowAt.clear();
    expect(clock.monotonicMs()).toBeLessThan(4_000);
    await clock.advance(30_000);
    expect(store.sessions).toHaveLength(2);
    expect(store.liveSessions().map(({ token }) => token)).toEqual(['token-1']);
  });

  it('that still hangs for somebody at one address is not joined by who has moved on to another', async () => {
    const made = places({ session: {}, config: { resilience: { attemptTimeout: '9s' } } });
    const { store, secrets, clock } = made;
    store.put('app', 'one').put('other', 'two');
    store.slowAt.set('a', 20_000);
    const first = secrets.getSecret('s:app');
    await clock.advance(1_000);
    const second = secrets.getSecret('s:other');
    await until(clock, first);
    expect(clock.monotonicMs()).toBeLessThan(3_500);
    await until(clock, second);
    store.heal();
  });

  it('is shared by all who ask at one address', async () => {
    const made = places({ session: {} });
    const { store, secrets, clock } = made;
    store.downAt.set('a', failure('unavailable'));
    store.latencyMs.login = 500;
    for (const path of ['x', 'y', 'z']) store.put(path, 'one');
    await until(clock, secrets.preload(['s:x', 's:y', 's:z']));
    expect(store.sessions).toHaveLength(1);
  });

  it('is renewed at another address when the first is down', async () => {
    const made = places({ session: { ttlMs: 10 * MINUTE_MS } });
    const { store, secrets, clock, of } = made;
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    store.downAt.set('a', failure('unavailable'));
    await clock.advance(60 * MINUTE_MS);
    expect(of('session-renewed').length).toBeGreaterThanOrEqual(8);
    expect([of('session-lost'), of('refresh-failed'), store.count('login')]).toEqual([[], [], 1]);
  });

  it('F15: is followed by another before its end at an address that answers', async () => {
    const made = places({ session: { ttlMs: 10 * MINUTE_MS, renewable: false } });
    const { store, secrets, clock, of } = made;
    store.dynamic('creds', { ttlMs: 60 * MINUTE_MS });
    secrets.watch('s:creds', () => {});
    await secrets.ready();
    store.downAt.set('a', failure('unavailable'));
    await clock.advance(30 * MINUTE_MS);
    expect(of('session-started').length).toBeGreaterThanOrEqual(4);
    expect([of('session-lost'), of('lease-expired')]).toEqual([[], []]);
  });

  it('F13: is checked at an address that answers', async () => {
    const made = places({ session: { deadAnswer: 'permission-denied' } });
    const { store, secrets, clock } = made;
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    store.revokeSessions();
    store.downAt.set('a', failure('unavailable'));
    await clock.advance(11 * MINUTE_MS);
    expect(at(made, 'is-alive')).not.toBe('');
    expect(at(made, 'is-alive').split(',')).not.toContain('a');
    const { version } = await until(clock, secrets.getSecret('s:creds'));
    expect(store.live().map((lease) => lease.version)).toEqual([version]);
    expect(store.liveSessions()).toHaveLength(1);
  });
});

describe('a watch', () => {
  it('follows the hints of the preferred address', async () => {
    const made = places({ watches: true });
    const { store, secrets, clock } = made;
    store.put('app', 'one');
    const seen: string[] = [];
    secrets.watch('s:app', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    await clock.settle();
    store.put('app', 'two');
    await clock.advance(1);
    expect([at(made, 'watch'), seen]).toEqual(['a', ['one', 'two']]);
  });

  it('F45: is begun again at an address that answers', async () => {
    const made = places({ watches: true });
    const { store, secrets, clock } = made;
    store.put('app', 'one');
    store.downAt.set('a', failure('unavailable'));
    const seen: string[] = [];
    secrets.watch('s:app', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    await clock.advance(4_000);
    expect(store.isWatched('app')).toBe(true);
    store.put('app', 'two');
    await clock.advance(1);
    expect(seen).toEqual(['one', 'two']);
  });
});

describe('the health of a provider at several addresses', () => {
  it('has a line and a breaker for each, and tells which one changed', async () => {
    const made = places({ config: { resilience: { attempts: 1 } } });
    const { store, secrets, of } = made;
    for (let number = 0; number < 10; number++) store.put(`app${number}`, 'one');
    store.downAt.set('a', failure('unavailable'));
    await Promise.all(Array.from({ length: 10 }, (_, number) => secrets.getSecret(`s:app${number}`)));
    expect(of('breaker-changed')).toEqual([{ provider: 's', address: 'a', state: 'open' }]);
    expect(secrets.health()).toEqual({
      status: 'degraded',
      missing: [],
      failing: [],
      providers: [
        { provider: 's', address: 'a', breaker: 'open', resting: true },
        { provider: 's', address: 'b', breaker: 'closed', resting: false },
        { provider: 's', address: 'c', breaker: 'closed', resting: false },
      ],
    });
  });

  it('names no address where there is none', () => {
    expect(world().secrets.health().providers).toEqual([{ provider: 's', breaker: 'closed' }]);
  });
});
