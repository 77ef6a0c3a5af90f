import { createSecrets } from '@keyturn/core';
import { fakeClock, memoryProvider } from '@keyturn/core/testing';
import { describe, expect, it } from 'vitest';
import { failure } from '../support/store.js';
import { codeOf, until, world } from '../support/world.js';

const HOUR_MS = 3_600_000;

describe('a reference that is broken', () => {
  it('does not open the breaker for its neighbours by being empty', async () => {
    const { store, secrets, clock } = world();
    store.put('good', 'one');
    for (let number = 0; number < 20; number++) store.put(`empty-${number}`, '');
    for (let number = 0; number < 20; number++)
      expect(await until(clock, codeOf(secrets.getSecret(`s:empty-${number}`)))).toBe('bad-response');
    expect((await secrets.getSecret('s:good')).reveal()).toBe('one');
  });

  it('does not keep the leases of others from being replaced, though the breaker is open', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', { ttlMs: 10_000, renewable: false });
    await secrets.getSecret('s:creds');
    const { fetch } = store.provider;
    store.provider.fetch = (ref, options) =>
      ref.path.startsWith('dead') ? Promise.reject(failure('unavailable')) : fetch(ref, options);
    for (let passedMs = 0; passedMs < 60_000; passedMs += 100) {
      for (const dead of ['dead-1', 'dead-2', 'dead-3']) void codeOf(secrets.getSecret(`s:${dead}`));
      await clock.advance(100);
      const lease = store.leaseOf(secrets.peekSecret('s:creds')?.version ?? '');
      expect(lease !== undefined && store.isLive(lease), `after ${passedMs} ms`).toBe(true);
    }
    expect(of('breaker-changed').some(({ state }) => state === 'open')).toBe(true);
    expect(of('lease-expired')).toEqual([]);
  });
});

describe('a login', () => {
  it('that is over by the clock is replaced at the next read, though its timer has not rung', async () => {
    const { store, secrets, clock } = world({ session: { ttlMs: HOUR_MS } });
    store.dynamic('creds', { ttlMs: HOUR_MS });
    await secrets.getSecret('s:creds');
    clock.jumpWall(2 * HOUR_MS);
    expect(await until(clock, codeOf(secrets.getSecret('s:creds')))).toBe('resolved');
    expect(store.sessions.length).toBe(2);
  });

  it('that is refused is not tried again by each reference', async () => {
    const clock = fakeClock();
    const store = memoryProvider({ clock, session: true });
    let logins = 0;
    const session = {
      login: async () => {
        logins++;
        throw failure('unauthenticated');
      },
    };
    const secrets = createSecrets({ providers: { s: { ...store, session } }, clock });
    for (let number = 0; number < 300; number++)
      expect(await until(clock, codeOf(secrets.getSecret(`s:app-${number}`)))).toBe('unauthenticated');
    expect(logins).toBe(1);
    await clock.advance(60_000);
    expect(await until(clock, codeOf(secrets.getSecret('s:later')))).toBe('unauthenticated');
    expect(logins).toBe(2);
    await secrets.close();
  });
});

describe('what is asked for wrongly', () => {
  const wrong: [string, (secrets: ReturnType<typeof world>['secrets']) => unknown][] = [
    ['a reference of a megabyte', (secrets) => secrets.getSecret(`s:a/%${'25'.repeat(500_000)}41`)],
    ['a signal that is none', (secrets) => secrets.getSecret('s:app', { signal: 5 as never })],
    ['an event that there is not', (secrets) => secrets.on('secret-rotatd' as never, () => {})],
    ['a listener that is none', (secrets) => secrets.on('secret-rotated', 5 as never)],
    ['a watcher that is none', (secrets) => secrets.watch('s:app', undefined as never)],
    ['no list to preload', (secrets) => secrets.preload('s:app' as never)],
  ];
  it.each(wrong)('%s: is told by name, and reaches no store', async (_, ask) => {
    const { store, secrets } = world();
    const outcome = await codeOf((async () => ask(secrets))());
    expect(['invalid-config', 'invalid-ref']).toContain(outcome);
    expect(store.count('fetch')).toBe(0);
  });
});
