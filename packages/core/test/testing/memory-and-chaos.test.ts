import { createSecrets, isSecretsError } from '@keyturn/core';
import { chaosProvider, fakeClock, memoryProvider } from '@keyturn/core/testing';
import { describe, expect, it } from 'vitest';

const signal = new AbortController().signal;

describe('the memory provider', () => {
  it('ends a lease by the clock, and a renewal at its maximum', async () => {
    const clock = fakeClock();
    const store = memoryProvider({ clock });
    store.lease('db', { ttlMs: 10_000, maxTtlMs: 15_000, make: (n) => ({ user: `u${n}` }) });
    const { lease } = await store.fetch({ path: 'db' }, { signal, clock });
    expect(store.liveLeases()).toEqual(['db/1']);
    await clock.advance(8_000);
    const renewed = await store.renew?.(lease?.handle?.id ?? '', { signal, clock, ttlMs: 10_000 });
    expect(renewed?.ttlMs).toBe(7_000);
    await clock.advance(6_999);
    expect(store.liveLeases()).toEqual(['db/1']);
    await clock.advance(1);
    expect(store.liveLeases()).toEqual([]);
  });

  it('counts what reaches it, and how much of it at once', async () => {
    const clock = fakeClock();
    const store = memoryProvider({ clock });
    store.set('a', 'one');
    await Promise.all([1, 2, 3].map(() => store.fetch({ path: 'a' }, { signal, clock })));
    expect(store.calls.map(({ method, subject }) => `${method} ${subject}`)).toEqual(
      Array(3).fill('fetch a'),
    );
    expect(store.peakInFlight).toBe(3);
  });
});

describe('the chaos provider', () => {
  function world() {
    const clock = fakeClock();
    const store = memoryProvider({ clock });
    store.set('orders', { key: 'one' });
    const chaos = chaosProvider(store);
    const secrets = createSecrets({ providers: { store: chaos }, clock, resilience: { attempts: 1 } });
    return { clock, store, chaos, secrets };
  }

  it('takes the store away and gives it back', async () => {
    const { clock, chaos, secrets } = world();
    chaos.outage();
    await expect(secrets.getSecret('store:orders')).rejects.toMatchObject({ code: 'unavailable' });
    chaos.heal();
    await clock.advance(10_000);
    expect((await secrets.getSecret('store:orders#key')).reveal()).toBe('one');
    await secrets.close();
  });

  it('fails so many calls and no more', async () => {
    const { clock, chaos } = world();
    chaos.disturbNext(2, { fail: 'rate-limited', retryAfterMs: 5_000 }, ['fetch']);
    const fetch = () => chaos.fetch({ path: 'orders' }, { signal, clock });
    await expect(fetch()).rejects.toMatchObject({ code: 'rate-limited', retryAfterMs: 5_000 });
    await expect(fetch()).rejects.toMatchObject({ code: 'rate-limited' });
    await expect(fetch()).resolves.toMatchObject({ version: '1' });
    expect(chaos.disturbed).toBe(2);
  });

  it('hangs until the caller gives up, and waits on the caller’s clock', async () => {
    const { clock, chaos } = world();
    chaos.disturb('hang');
    const leaving = new AbortController();
    const hung = chaos.fetch({ path: 'orders' }, { signal: leaving.signal, clock });
    leaving.abort(new Error('enough'));
    await expect(hung).rejects.toThrow('enough');
    chaos.disturb({ latencyMs: 3_000 });
    let isDone = false;
    const slow = chaos.fetch({ path: 'orders' }, { signal, clock }).then(() => {
      isDone = true;
    });
    await clock.advance(2_999);
    expect(isDone).toBe(false);
    await clock.advance(1);
    await slow;
  });

  it('leaves alone what it was not told to disturb', async () => {
    const { clock, chaos } = world();
    chaos.disturb({ fail: 'unavailable' }, ['renew']);
    await expect(chaos.fetch({ path: 'orders' }, { signal, clock })).resolves.toBeDefined();
    const failed = await chaos.renew?.('x', { signal, clock, ttlMs: 1 }).catch((error: unknown) => error);
    expect(isSecretsError(failed) && failed.code).toBe('unavailable');
  });
});
