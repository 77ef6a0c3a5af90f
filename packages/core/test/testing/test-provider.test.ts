import type { Provider } from '@keyturn/core/provider';
import {
  chaosProvider,
  fakeClock,
  type LoginPolicy,
  type MemoryProvider,
  memoryProvider,
  type ProviderUnderTest,
  testProvider,
} from '@keyturn/core/testing';
import { describe, expect, it } from 'vitest';
import { BROKEN_PROVIDERS } from './broken-providers.js';
import { runSuite } from './run-suite.js';

/** A memory provider under test, with all that the suite can ask for. */
function sound(session: boolean | LoginPolicy = { ttlMs: 600_000 }): [ProviderUnderTest, MemoryProvider] {
  const clock = fakeClock();
  const store = memoryProvider({ clock, session });
  const provider = chaosProvider(store, { clock });
  store.lease('leased', { ttlMs: 60_000, make: (n) => ({ username: `user-${n}` }) });
  const underTest: ProviderUnderTest = {
    provider,
    clock,
    capabilities: [
      'fetchMany',
      'renew',
      'revoke',
      'watch',
      'list',
      ...(session ? (['session'] as const) : []),
    ],
    leased: { path: 'leased' },
    put(name, fields) {
      store.set(name, fields);
      return { path: name };
    },
    remove: ({ path }) => store.remove(path),
    disconnect: () => void provider.outage(),
    freeze: () => void provider.hang({ only: 'fetch' }),
  };
  return [underTest, store];
}

testProvider({ describe, it }, 'memory', () => sound(false)[0]);
testProvider({ describe, it }, 'memory with logins', () => sound()[0]);
testProvider(
  { describe, it },
  'memory with logins that own no leases, and whose end shows as a denial',
  () => {
    return sound({ ttlMs: 600_000, ownsLeases: false, deadAnswer: 'permission-denied' })[0];
  },
);

describe('the provider suite', () => {
  it('finds nothing wrong with a sound provider, and skips nothing', async () => {
    const { passed, failed, skipped } = await runSuite((test) =>
      testProvider(test, 'sound', () => sound()[0]),
    );
    expect([...failed]).toEqual([]);
    expect([...skipped]).toEqual([]);
    expect(passed.length).toBeGreaterThan(35);
  });

  it('skips by name what it cannot test, and says why', async () => {
    const clock = fakeClock();
    const { fetch, name } = memoryProvider({ clock });
    const { skipped } = await runSuite((test) =>
      testProvider(test, 'bare', () => ({ provider: { fetch, name }, clock, put: () => ({ path: 'x' }) })),
    );
    expect(skipped.get('watch: is silent while nothing changes')).toBe('the provider has no watch');
    expect(skipped.get('what was removed is not-found')).toBe('the test was given no remove');
    expect(skipped.size).toBeGreaterThan(15);
  });

  it.each(BROKEN_PROVIDERS)('fails a provider that $does', async ({ foundBy, change, around }) => {
    const create = () => {
      const [underTest, store] = sound();
      const provider: Provider = { ...underTest.provider, ...change(through(store, underTest), underTest) };
      const broken = { ...underTest, provider };
      return { ...broken, ...around?.(broken) };
    };
    const { failed, skipped, passed } = await runSuite(
      (test) => testProvider(test, 'broken', create),
      (name) => name === foundBy,
    );
    expect({ passed, skipped: [...skipped.keys()], failed: [...failed.keys()] }).toEqual({
      passed: [],
      skipped: [],
      failed: [foundBy],
    });
    expect([...failed.values()].join()).not.toMatch(/canary-[0-9a-f]/);
  });

  it('has a broken provider for each of its checks', async () => {
    const names: string[] = [];
    testProvider(
      { describe: (_, body) => body(), it: (name) => void names.push(name) },
      'any',
      () => sound()[0],
    );
    expect(names.filter((name) => !BROKEN_PROVIDERS.some(({ foundBy }) => foundBy === name))).toEqual([]);
    expect(BROKEN_PROVIDERS.map(({ foundBy }) => foundBy).filter((name) => !names.includes(name))).toEqual(
      [],
    );
  });

  it('registers bodies without a parameter, which jest would take for ones that call back', () => {
    const lengths: number[] = [];
    testProvider(
      { describe: (_, body) => body(), it: (_, body) => void lengths.push(body.length) },
      'any',
      () => sound()[0],
    );
    expect(new Set(lengths)).toEqual(new Set([0]));
  });

  it('gives back what it was leased and logged in for', async () => {
    const stores: MemoryProvider[] = [];
    await runSuite((test) =>
      testProvider(test, 'sound', () => {
        const [underTest, store] = sound();
        stores.push(store);
        return underTest;
      }),
    );
    const isReachable = (store: MemoryProvider) => store.count('revokeLogin') > 0;
    expect(stores.filter(isReachable).flatMap((store) => store.liveLeases())).toEqual([]);
    expect(
      stores.filter(isReachable).flatMap(({ logins }) => logins.filter(({ state }) => state === 'live')),
    ).toEqual([]);
    expect(stores.filter(isReachable).length).toBeGreaterThan(30);
  });
});

/** The store as its provider sees it: under the faults that the suite sets. */
function through(store: MemoryProvider, { provider }: ProviderUnderTest): MemoryProvider {
  return { ...store, ...provider } as MemoryProvider;
}
