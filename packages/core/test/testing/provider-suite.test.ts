import { SecretsError } from '@keyturn/core';
import { type Provider, systemClock } from '@keyturn/core/provider';
import { type MemoryProvider, memoryProvider, testProvider } from '@keyturn/core/testing';
import { describe, expect, it } from 'vitest';
import { runSuite } from './run-suite.js';

/** A memory provider that the suite can test, with one path that hands out leases. */
function underTest(change: (sound: MemoryProvider) => Partial<Provider> = () => ({})) {
  const store = memoryProvider({ clock: systemClock });
  store.lease('leased', { ttlMs: 60_000, make: (n) => ({ user: `user-${n}` }) });
  return {
    provider: { ...store, ...change(store) } as Provider,
    put: async (name: string, fields: Readonly<Record<string, string>>) => {
      store.set(name, fields);
      return { path: name };
    },
    leased: { path: 'leased' },
  };
}

testProvider({ describe, it }, 'memory', async () => underTest());

describe('the conformance suite fails a provider that', () => {
  const failures = async (change: (sound: MemoryProvider) => Partial<Provider>) => [
    ...(
      await runSuite((functions) => testProvider(functions, 'broken', async () => underTest(change)))
    ).keys(),
  ];

  it('is sound: not at all', async () => {
    expect(await failures(() => ({}))).toEqual([]);
  });

  it('has no name', async () => {
    expect(await failures(() => ({ name: '' }))).toContain('has a name');
  });

  it('gives the wrong data', async () => {
    expect(
      await failures((sound) => ({
        fetch: async (ref, options) => ({ ...(await sound.fetch(ref, options)), data: { user: 'app' } }),
      })),
    ).toContain('fetch gives what was put, with a version');
  });

  it('gives a new version at each read', async () => {
    let reads = 0;
    expect(
      await failures((sound) => ({
        fetch: async (ref, options) => ({ ...(await sound.fetch(ref, options)), version: `v${++reads}` }),
      })),
    ).toContain('the same data has the same version, other data another');
  });

  it('keeps its version when the data changes', async () => {
    expect(
      await failures((sound) => ({
        fetch: async (ref, options) => ({ ...(await sound.fetch(ref, options)), version: 'one' }),
      })),
    ).toContain('the same data has the same version, other data another');
  });

  it('rejects with an error of its own', async () => {
    expect(
      await failures((sound) => ({
        fetch: (ref, options) =>
          sound.fetch(ref, options).catch(() => {
            throw new TypeError('nothing there');
          }),
      })),
    ).toContain('what is not there is not-found');
  });

  it('shows the value in an error', async () => {
    let seen = '';
    expect(
      await failures((sound) => ({
        async fetch(ref, options) {
          try {
            const answer = await sound.fetch(ref, options);
            seen = String((answer.data as Record<string, unknown>).password ?? seen);
            return answer;
          } catch {
            throw new SecretsError('not-found', {
              problem: `Not this: canary-5c1d77e2 ${seen}`,
              remedy: 'Look.',
            });
          }
        },
      })),
    ).toContain('what is not there is not-found');
  });

  it('follows a path that leads elsewhere', async () => {
    expect(
      await failures((sound) => ({
        fetch: async (ref, options) =>
          ref.path.includes('..') ? { data: 'up', version: '1' } : sound.fetch(ref, options),
      })),
    ).toContain('a path that leads elsewhere is refused: "../up"');
  });

  it('does not heed an aborted signal', async () => {
    expect(
      await failures((sound) => ({
        fetch: (ref, options) => sound.fetch(ref, { ...options, signal: new AbortController().signal }),
      })),
    ).toContain('an aborted fetch rejects promptly with a SecretsError or the reason');
  });

  it('mixes up its answers', async () => {
    expect(
      await failures((sound) => ({
        fetch: (ref, options) =>
          sound.fetch(ref.path.startsWith('suite-many') ? { path: 'suite-many-0' } : ref, options),
      })),
    ).toContain('many fetches at once each get their own answer');
  });

  it('renews a lease that was revoked', async () => {
    expect(await failures(() => ({ revoke: async () => {} }))).toContain(
      'leases: each fetch a new one; renewed, revoked twice, then lost',
    );
  });

  it('hands out the same lease twice', async () => {
    expect(
      await failures((sound) => {
        let first: Awaited<ReturnType<typeof sound.fetch>> | undefined;
        return {
          async fetch(ref, options) {
            if (ref.path !== 'leased') return sound.fetch(ref, options);
            first ??= await sound.fetch(ref, options);
            return first;
          },
        };
      }),
    ).toContain('leases: each fetch a new one; renewed, revoked twice, then lost');
  });

  it('does not list what is there', async () => {
    expect(
      await failures(() => ({
        async *list() {
          yield { path: 'other' };
        },
      })),
    ).toContain('list names what was put');
  });

  it('mixes up the errors of a batch', async () => {
    expect(
      await failures((sound) => ({
        fetchMany: async (refs, options) =>
          Promise.all(
            [...refs].reverse().map((ref) => sound.fetch(ref, options).catch((error) => error)),
          ).then((answers) => [answers[1], answers[0], answers[2]]),
      })),
    ).toContain('fetchMany keeps the order and gives each its own error');
  });

  it('has a session that outlives its revocation', async () => {
    expect(
      await failures(() => ({
        session: {
          login: async () => ({ credential: {}, revocable: true }),
          revoke: async () => {},
          isAlive: async () => true,
        },
      })),
    ).toContain('the session lives, and is dead after its revocation');
  });
});
