import { describe, expect, it } from 'vitest';
import { codeOf, until, world } from '../support/world.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

const overridden = (overrides: Record<string, { ttl?: string; maxStale?: string }>) => {
  const made = world({ config: { cache: { ttl: '5m', maxStale: '1h', overrides } as never } });
  for (const path of ['app', 'pay/card', 'pay/bank']) made.store.put(path, path);
  return made;
};

describe('a secret that a pattern matches', () => {
  it('is fresh for its own ttl, and the others for theirs', async () => {
    const { secrets, clock, store } = overridden({ 's:pay/**': { ttl: '30s' } });
    await secrets.preload(['s:app', 's:pay/card']);
    await clock.advance(29_999);
    expect(secrets.peekSecret('s:pay/card')?.stale).toBe(false);
    await clock.advance(1);
    expect(secrets.peekSecret('s:pay/card')?.stale).toBe(true);
    expect(secrets.peekSecret('s:app')?.stale).toBe(false);
    await secrets.preload(['s:app', 's:pay/card']);
    await clock.settle();
    expect([store.count('fetch', 'app'), store.count('fetch', 'pay/card')]).toEqual([1, 2]);
  });

  it('F41: is served stale for its own time and no longer', async () => {
    const { secrets, clock, store } = overridden({
      's:pay/*': { maxStale: '0s' },
      's:app': { maxStale: '1m' },
    });
    await secrets.preload(['s:app', 's:pay/card']);
    store.goDown();
    await clock.advance(5 * MINUTE_MS);
    expect(await codeOf(until(clock, secrets.getSecret('s:pay/card')))).toBe('unavailable');
    expect(secrets.peekSecret('s:app')?.stale).toBe(true);
    await clock.advance(MINUTE_MS);
    expect(secrets.peekSecret('s:app')).toBeUndefined();
  });

  it('has the terms of all where the pattern leaves them out', async () => {
    const { secrets, clock } = overridden({ 's:app': { ttl: '10m' }, 's:pay/card': { maxStale: '2h' } });
    await secrets.preload(['s:app', 's:pay/card']);
    await clock.advance(5 * MINUTE_MS);
    expect([secrets.peekSecret('s:app')?.stale, secrets.peekSecret('s:pay/card')?.stale]).toEqual([
      false,
      true,
    ]);
    await clock.advance(HOUR_MS + 4 * MINUTE_MS);
    expect([secrets.peekSecret('s:app')?.stale, secrets.peekSecret('s:pay/card')?.stale]).toEqual([
      true,
      true,
    ]);
    await clock.advance(MINUTE_MS);
    expect(secrets.peekSecret('s:app')).toBeUndefined();
    expect(secrets.peekSecret('s:pay/card')).toBeDefined();
  });

  it('is polled for its consumers within the last tenth of its own ttl', async () => {
    const { secrets, clock, store } = overridden({
      's:pay/card': { ttl: '30s' },
      's:pay/bank': { ttl: '1h' },
    });
    for (const ref of ['s:app', 's:pay/card', 's:pay/bank']) secrets.watch(ref, () => {});
    await secrets.ready();
    await clock.advance(30 * MINUTE_MS);
    const polls = (path: string) => store.count('fetch', path) - 1;
    expect(polls('pay/card')).toBeGreaterThanOrEqual(60);
    expect(polls('pay/card')).toBeLessThanOrEqual(66);
    expect(polls('app')).toBeGreaterThanOrEqual(6);
    expect(polls('app')).toBeLessThanOrEqual(7);
    expect(polls('pay/bank')).toBe(0);
  });

  it('F3: with a ttl of nothing is polled no more often than once a second', async () => {
    const { secrets, clock, store } = overridden({ 's:app': { ttl: '0s' } });
    secrets.watch('s:app', () => {});
    await secrets.ready();
    await clock.advance(MINUTE_MS);
    expect(store.count('fetch')).toBeLessThanOrEqual(61);
  });

  it('takes the first pattern that matches, in the order in which they were written', async () => {
    const { secrets, clock } = overridden({
      's:pay/card': { ttl: '1m' },
      's:pay/*': { ttl: '2m' },
      's:**': { ttl: '3m' },
    });
    const refs = ['s:pay/card', 's:pay/bank', 's:app'];
    await secrets.preload(refs);
    const fresh = () => refs.map((ref) => secrets.peekSecret(ref)?.stale === false);
    await clock.advance(MINUTE_MS);
    expect(fresh()).toEqual([false, true, true]);
    await clock.advance(MINUTE_MS);
    expect(fresh()).toEqual([false, false, true]);
    await clock.advance(MINUTE_MS);
    expect(fresh()).toEqual([false, false, false]);
  });

  it('and has a lease goes by the lease', async () => {
    const { secrets, clock, store } = overridden({ 's:creds': { ttl: '1s', maxStale: '10h' } });
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS, renewable: false });
    const { version } = await secrets.getSecret('s:creds');
    await clock.advance(5 * MINUTE_MS);
    expect((await secrets.getSecret('s:creds')).version).toBe(version);
    store.goDown();
    await clock.advance(5 * MINUTE_MS);
    expect(secrets.peekSecret('s:creds')).toBeUndefined();
    store.heal();
  });

  it('F26: and is replaced by its store may be stale for its own time', async () => {
    const { secrets, clock, store } = overridden({ 's:role': { maxStale: '1m' } });
    store.rotating('role', { periodMs: 10 * MINUTE_MS });
    await secrets.getSecret('s:role');
    store.goDown();
    await clock.advance(10.5 * MINUTE_MS);
    expect((await until(clock, secrets.getSecret('s:role'))).stale).toBe(true);
    await clock.advance(MINUTE_MS);
    expect(await codeOf(until(clock, secrets.getSecret('s:role')))).toBe('unavailable');
    store.heal();
  });
});
