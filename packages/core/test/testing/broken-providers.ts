import { createHash } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { posix } from 'node:path';
import { SecretsError } from '@keyturn/core';
import type {
  FetchOptions,
  Provider,
  ProviderRef,
  SecretVersion,
  SessionContract,
} from '@keyturn/core/provider';
import type { MemoryProvider, ProviderUnderTest } from '@keyturn/core/testing';

/** A fault of a provider, and the check that must find it. */
export interface BrokenProvider {
  readonly does: string;
  readonly foundBy: string;
  /** Breaks a sound provider over `store`. */
  readonly change: (store: MemoryProvider, sound: ProviderUnderTest) => Partial<Provider>;
  /** Breaks what surrounds it. */
  readonly around?: (sound: ProviderUnderTest) => Partial<ProviderUnderTest>;
}

type Fetch = Provider['fetch'];

/** A provider whose answers are changed. */
const answering =
  (change: (answer: SecretVersion, ref: ProviderRef) => SecretVersion) =>
  (store: MemoryProvider): Partial<Provider> => ({
    fetch: async (ref, options) => change(await store.fetch(ref, options), ref),
  });

/** A provider whose failures are changed. */
const failing =
  (change: (error: unknown, ref: ProviderRef, options: FetchOptions) => unknown) =>
  (store: MemoryProvider): Partial<Provider> => ({
    fetch: (ref, options) =>
      store.fetch(ref, options).catch((error: unknown) => {
        throw change(error, ref, options);
      }),
  });

/** A provider whose session is changed. */
const loggingIn =
  (change: (sound: SessionContract) => Partial<SessionContract>) =>
  (store: MemoryProvider): Partial<Provider> => {
    const { session } = store;
    if (session === undefined) throw new Error('the store must have a session');
    return { session: { ...session, ...change(session) } };
  };

const refused = (code: ConstructorParameters<typeof SecretsError>[0], problem = 'Not this.') =>
  new SecretsError(code, { problem, remedy: 'Look elsewhere.' });

const deaf = (options: FetchOptions) => ({ ...options, signal: new AbortController().signal });

const passwordOf = ({ data }: SecretVersion) => String((data as Record<string, unknown>).password ?? '');

/** Remembers the first answer for each path. */
const caching = (store: MemoryProvider): { fetch: Fetch } => {
  const kept = new Map<string, SecretVersion>();
  return {
    async fetch(ref, options) {
      const answer = kept.get(ref.path) ?? (await store.fetch(ref, options));
      kept.set(ref.path, answer);
      return answer;
    },
  };
};

const VERSIONS = 'a value that changes has a version that changes, and no version ever stands for two values';
const SHOWN =
  'shows no value: not in itself, in what an answer says besides its data, in an error, in what it prints';
const LEFT_ALREADY = 'a call whose caller has left already rejects at once, whatever the method';
const LEFT_MEANWHILE = 'a call whose caller leaves while it runs settles at once, whatever the method';
const MISSING = 'what is not there is not-found';
const BATCH = 'fetchMany: answers each in its place, as fetch would, also what is asked for twice';
const LIST = 'list: names what lies below a prefix, at any depth, once, and nothing else';
const TOLD = 'watch: tells of a change, each time, and of one that came while nobody listened';
const HELD = 'watch: holds no timer and no process, and leaves nothing when it ends';
const LEASED = 'leases: each fetch gives a credential, a version and a lease of its own';
const REVOKED = 'leases: a revoked lease is over, and only that one';
const LOGIN = 'session: a login has a credential, and a lease with a length where it ends';
const DEAD = 'session: a revoked login is known for dead, twice revoked as once, and no other with it';

/** At least one for each check of the suite. */
export const BROKEN_PROVIDERS: readonly BrokenProvider[] = [
  { does: 'has no name', foundBy: 'has a name that people can read', change: () => ({ name: '' }) },
  {
    does: 'has lost a method',
    foundBy: 'is able to do what it is said to, no less and no more',
    change: () => ({}),
    around: ({ provider }) => {
      const { watch: _, ...rest } = provider;
      return { provider: rest };
    },
  },
  {
    does: 'takes a backend that is gone for a denial',
    foundBy: 'a backend that cannot be reached is a failure to try again, within time',
    change: failing((error) => (isCode(error, 'unavailable') ? refused('permission-denied') : error)),
  },
  {
    does: 'shows the value in an error',
    foundBy: SHOWN,
    change: showing((seen) => refused('not-found', seen)),
  },
  {
    does: 'shows the value in base64 in an error',
    foundBy: SHOWN,
    change: showing((seen) => refused('not-found', Buffer.from(`app:${seen}`).toString('base64'))),
  },
  {
    does: 'shows the value in what hangs on an error',
    foundBy: SHOWN,
    change: showing((seen) => Object.assign(refused('not-found'), { response: { body: { seen } } })),
  },
  {
    does: 'keeps the value in itself',
    foundBy: SHOWN,
    change: (store) => {
      const broken: Partial<Provider> & { last?: unknown } = {
        async fetch(ref, options) {
          const answer = await store.fetch(ref, options);
          broken.last = answer.data;
          (this as { last?: unknown }).last = answer.data;
          return answer;
        },
      };
      return broken;
    },
  },
  {
    does: 'tells listeners the value',
    foundBy: SHOWN,
    change: answering((answer) => {
      channel('keyturn.secret-loaded').publish({ seen: passwordOf(answer) });
      return answer;
    }),
  },
  {
    does: 'shows the value in metadata',
    foundBy: SHOWN,
    change: answering((answer) => ({ ...answer, metadata: { seen: passwordOf(answer) } })),
  },
  {
    does: 'takes the value for the version',
    foundBy: SHOWN,
    change: answering((answer) => ({ ...answer, version: passwordOf(answer) || answer.version })),
  },
  {
    does: 'closes only once',
    foundBy: 'closes twice as once',
    change: () => {
      let isClosed = false;
      return {
        async close() {
          if (isClosed) throw new Error('closed already');
          isClosed = true;
        },
      };
    },
  },
  {
    does: 'adds a field',
    foundBy: 'fetch gives what was written, all of it and nothing else',
    change: answering((answer) => ({ ...answer, data: { ...(answer.data as object), more: 'more' } })),
  },
  {
    does: 'trims values',
    foundBy: 'fetch gives every character as it was written',
    change: answering((answer) => ({
      ...answer,
      data: Object.fromEntries(
        Object.entries(answer.data).map(([name, value]) => [name, String(value).trim()]),
      ),
    })),
  },
  {
    does: 'caches',
    foundBy: 'fetch asks the backend each time: what was written last is what the next one gives',
    change: caching,
  },
  {
    does: 'gives a new version at each read',
    foundBy: 'a value that stays has a version that stays',
    change: (store) => {
      let reads = 0;
      return answering((answer) => ({ ...answer, version: `v${++reads}` }))(store);
    },
  },
  {
    does: 'has one version for all',
    foundBy: VERSIONS,
    change: answering((answer) => ({ ...answer, version: 'one' })),
  },
  {
    does: 'comes back to a version for another value',
    foundBy: VERSIONS,
    change: answering((answer) => ({ ...answer, version: `v${Number(answer.version) % 2}` })),
  },
  {
    does: 'hashes the value',
    foundBy: 'a version tells nothing about the value: it is no plain hash of it',
    change: answering((answer) => ({
      ...answer,
      version: createHash('sha256').update(passwordOf(answer)).digest('hex').slice(0, 16),
    })),
  },
  {
    does: 'has numbers in its metadata',
    foundBy: 'metadata is text',
    change: answering((answer) => ({ ...answer, metadata: { createdAt: 5 as unknown as string } })),
  },
  {
    does: 'mixes up answers that run at once',
    foundBy: 'many fetches at once each get their own answer',
    change: (store) => {
      let underWay: Promise<SecretVersion> | undefined;
      return {
        fetch(ref, options) {
          underWay ??= store.fetch(ref, options).finally(() => {
            underWay = undefined;
          });
          return underWay;
        },
      };
    },
  },
  {
    does: 'rejects with an error of its own',
    foundBy: MISSING,
    change: failing(() => new TypeError('nothing there')),
  },
  {
    does: 'takes what is missing for a denial',
    foundBy: MISSING,
    change: failing(() => refused('permission-denied')),
  },
  {
    does: 'says nothing of what to do',
    foundBy: MISSING,
    change: failing(() => new SecretsError('not-found', { problem: 'Not there.', remedy: '' })),
  },
  {
    does: 'gives nothing for what is missing',
    foundBy: MISSING,
    change: (store) => ({
      fetch: (ref, options) => store.fetch(ref, options).catch(() => ({ data: '-', version: '0' })),
    }),
  },
  { does: 'gives what was removed', foundBy: 'what was removed is not-found', change: caching },
  {
    does: 'ignores a version',
    foundBy: 'a version or stage that it cannot give is refused, never ignored',
    change: (store) => ({ fetch: ({ version: _, ...ref }, options) => store.fetch(ref, options) }),
  },
  {
    does: 'ignores a stage',
    foundBy: 'a version or stage that it cannot give is refused, never ignored',
    change: (store) => ({ fetch: ({ stage: _, ...ref }, options) => store.fetch(ref, options) }),
  },
  {
    does: 'gives the newest for an older one',
    foundBy: 'an older version, where it can be asked for, is that version',
    change: (store) => ({ fetch: ({ version: _, ...ref }, options) => store.fetch(ref, options) }),
  },
  {
    does: 'follows dots',
    foundBy: 'a path that leads elsewhere is refused, plain and escaped',
    change: (store) => ({
      fetch: (ref, options) => store.fetch({ ...ref, path: posix.normalize(ref.path) }, options),
    }),
  },
  {
    does: 'decodes a path once more',
    foundBy: 'a path that leads elsewhere is refused, plain and escaped',
    change: (store) => ({
      fetch: (ref, options) =>
        store.fetch(
          { ...ref, path: posix.normalize(decodeURIComponent(ref.path)).replace(/\0/g, '') },
          options,
        ),
    }),
  },
  {
    does: 'does not look at the signal of a fetch',
    foundBy: LEFT_ALREADY,
    change: (store) => ({ fetch: (ref, options) => store.fetch(ref, deaf(options)) }),
  },
  {
    does: 'does not look at the signal of a login',
    foundBy: LEFT_ALREADY,
    change: loggingIn(({ login }) => ({ login: (options) => login(deaf(options)) })),
  },
  {
    does: 'does not look at the signal of a listing',
    foundBy: LEFT_ALREADY,
    change: (store) => ({ list: (prefix, options) => store.list?.(prefix, deaf(options)) ?? ([] as never) }),
  },
  {
    does: 'rejects with something else when its caller leaves',
    foundBy: LEFT_ALREADY,
    change: failing((error, _, { signal }) => (signal.aborted ? new TypeError('terminated') : error)),
  },
  {
    does: 'finishes what its caller has left',
    foundBy: LEFT_MEANWHILE,
    change: (store) => ({
      async renew(id, options) {
        options.signal.throwIfAborted();
        await options.clock.sleep(5_000);
        return store.renew?.(id, deaf(options) as typeof options) as never;
      },
    }),
  },
  {
    does: 'waits for ever for a backend that does not answer',
    foundBy: 'a fetch that the backend does not answer rejects as soon as its caller leaves',
    change: (_, { provider }) => ({ fetch: (ref, options) => provider.fetch(ref, deaf(options)) }),
  },
  {
    does: 'answers a batch in its own order',
    foundBy: BATCH,
    change: (store) => ({
      fetchMany: async (refs, options) =>
        [...((await store.fetchMany?.(refs, options)) ?? [])].reverse().sort(byPath),
    }),
  },
  {
    does: 'answers what is asked for twice once',
    foundBy: BATCH,
    change: (store) => ({
      fetchMany: async (refs, options) => (await store.fetchMany?.([...new Set(refs)], options)) ?? [],
    }),
  },
  {
    does: 'fails a batch for one of it',
    foundBy: 'fetchMany: one that fails has its own error in its place, and the others their answer',
    change: (store) => ({
      fetchMany: (refs, options) => Promise.all(refs.map((ref) => store.fetch(ref, options))),
    }),
  },
  {
    does: 'rejects an empty batch',
    foundBy: 'fetchMany: nothing asked is nothing answered',
    change: (store) => ({
      fetchMany: async (refs, options) => {
        if (refs.length === 0) throw refused('invalid-ref');
        return (await store.fetchMany?.(refs, options)) ?? [];
      },
    }),
  },
  {
    does: 'lists what only begins alike',
    foundBy: LIST,
    change: (store) => ({
      async *list(prefix, options) {
        for await (const ref of store.list?.('', options) ?? []) {
          if (ref.path.startsWith(prefix.replace(/\/$/, ''))) yield ref;
        }
      },
    }),
  },
  {
    does: 'lists one level only',
    foundBy: LIST,
    change: (store) => ({
      async *list(prefix, options) {
        for await (const ref of store.list?.(prefix, options) ?? [])
          if (!ref.path.includes('deep')) yield ref;
      },
    }),
  },
  {
    does: 'lists what cannot be fetched',
    foundBy: 'list: what it names can be fetched',
    change: (store) => ({
      async *list(prefix, options) {
        for await (const { path } of store.list?.(prefix, options) ?? [])
          yield { path: path.slice(prefix.length + 1) };
      },
    }),
  },
  {
    does: 'lists everything below what is not there',
    foundBy: 'list: nothing lies below a prefix that is not there',
    change: (store) => ({ list: (_, options) => store.list?.('', options) ?? ([] as never) }),
  },
  {
    does: 'never tells of a change',
    foundBy: TOLD,
    change: () => ({
      async *watch(_, { signal }) {
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    }),
  },
  {
    does: 'tells of one change only',
    foundBy: TOLD,
    change: (store) => ({
      async *watch(ref, options) {
        for await (const _ of store.watch?.(ref, options) ?? []) {
          yield;
          return;
        }
      },
    }),
  },
  {
    does: 'listens only while it is listened to',
    foundBy: TOLD,
    change: (store) => ({
      async *watch(ref, options) {
        while (!options.signal.aborted) {
          const hints = store.watch?.(ref, options)[Symbol.asyncIterator]();
          if ((await hints?.next())?.done !== false) return;
          await hints?.return?.();
          yield;
        }
      },
    }),
  },
  {
    does: 'gives the value with a hint',
    foundBy: TOLD,
    change: (store) => ({
      async *watch(ref, options) {
        for await (const _ of store.watch?.(ref, options) ?? []) yield { data: 1 } as never;
      },
    }),
  },
  {
    does: 'tells without end',
    foundBy: 'watch: is silent while nothing changes',
    change: () => ({
      async *watch(_, { signal, clock }) {
        while (!signal.aborted) {
          await clock.sleep(10);
          yield;
        }
      },
    }),
  },
  {
    does: 'watches on when its caller has left',
    foundBy: 'watch: ends when its caller leaves, while it waits',
    change: (store) => ({ watch: (ref, options) => store.watch?.(ref, deaf(options)) ?? ([] as never) }),
  },
  {
    does: 'does not let go of a watch',
    foundBy: 'watch: ends when its caller leaves after a hint, as by a break',
    change: (store) => ({
      async *watch(ref, options) {
        try {
          yield* store.watch?.(ref, options) ?? [];
        } finally {
          await new Promise(() => {});
        }
      },
    }),
  },
  {
    does: 'ends every watch with one',
    foundBy: 'watch: two of one secret are independent',
    change: (store) => {
      const shared = new AbortController();
      return {
        watch(ref, options) {
          options.signal.addEventListener('abort', () => shared.abort());
          return store.watch?.(ref, { ...options, signal: shared.signal }) ?? ([] as never);
        },
      };
    },
  },
  {
    does: 'leaves a timer behind',
    foundBy: HELD,
    change: (store) => ({
      async *watch(ref, options) {
        void options.clock.sleep(60_000);
        yield* store.watch?.(ref, options) ?? [];
      },
    }),
  },
  {
    does: 'keeps the process alive',
    foundBy: HELD,
    change: (store) => ({
      async *watch(ref, options) {
        const polling = setInterval(() => {}, 1_000);
        try {
          yield* store.watch?.(ref, options) ?? [];
        } finally {
          clearInterval(polling);
        }
      },
    }),
  },
  {
    does: 'hands out one lease to all',
    foundBy: LEASED,
    change: (store) => {
      const first = caching(store);
      return {
        fetch: (ref, options) =>
          ref.path === 'leased' ? first.fetch(ref, options) : store.fetch(ref, options),
      };
    },
  },
  {
    does: 'hands out a lease without a length',
    foundBy: LEASED,
    change: answering((answer) => ({
      ...answer,
      ...(answer.lease && { lease: { ...answer.lease, ttlMs: 0 } }),
    })),
  },
  {
    does: 'renews for no time',
    foundBy: 'leases: a renewal grants time, again and again',
    change: (store) => ({
      renew: async (id, options) => ({ ...(await store.renew?.(id, options)), ttlMs: Number.NaN }),
    }),
  },
  {
    does: 'renews only once',
    foundBy: 'leases: a renewal grants time, again and again',
    change: (store) => {
      let renewals = 0;
      return {
        async renew(id, options) {
          if (++renewals > 1) throw refused('lease-lost');
          return store.renew?.(id, options) as never;
        },
      };
    },
  },
  {
    does: 'takes an unknown lease for a missing secret',
    foundBy: 'leases: the renewal of an unknown lease is lease-lost',
    change: (store) => ({
      renew: async (id, options) =>
        store.renew?.(id, options).catch(() => {
          throw refused('not-found');
        }) as never,
    }),
  },
  { does: 'does not revoke', foundBy: REVOKED, change: () => ({ revoke: async () => {} }) },
  {
    does: 'revokes everything',
    foundBy: REVOKED,
    change: (store) => ({
      async revoke() {
        for (const { id } of store.liveLeases()) store.revokeLease(id);
      },
    }),
  },
  {
    does: 'cannot revoke what is revoked',
    foundBy: 'leases: to revoke twice is to revoke once, and an unknown lease is revoked already',
    change: (store) => ({
      async revoke(id, options) {
        if (!store.liveLeases().some((lease) => lease.id === id)) throw refused('lease-lost');
        await store.revoke?.(id, options);
      },
    }),
  },
  {
    does: 'logs in without a credential',
    foundBy: LOGIN,
    change: loggingIn(() => ({ login: async () => ({ credential: undefined, revocable: true }) })),
  },
  {
    does: 'logs in for no time',
    foundBy: LOGIN,
    change: loggingIn(({ login }) => ({
      login: async (options) => ({ ...(await login(options)), lease: { ttlMs: Number.NaN } }),
    })),
  },
  {
    does: 'says that a live login is dead',
    foundBy: LOGIN,
    change: loggingIn(() => ({ isAlive: async () => false })),
  },
  {
    does: 'extends a login by nothing',
    foundBy: 'session: a login is extended, where its lease says that it can be',
    change: loggingIn(() => ({ renew: async () => ({ ttlMs: 0 }) })),
  },
  { does: 'does not revoke logins', foundBy: DEAD, change: loggingIn(() => ({ revoke: async () => {} })) },
  {
    does: 'revokes every login',
    foundBy: DEAD,
    change: (store) => loggingIn(() => ({ revoke: async () => store.revokeSession() }))(store),
  },
  {
    does: 'denies a dead login, and cannot tell',
    foundBy: DEAD,
    change: failing((error) => (isCode(error, 'unauthenticated') ? refused('permission-denied') : error)),
  },
  {
    does: 'extends a dead login',
    foundBy: DEAD,
    change: loggingIn(() => ({ renew: async () => ({ ttlMs: 60_000 }) })),
  },
  {
    does: 'says that leases outlive their login, and they do not',
    foundBy: 'session: leases die with their login exactly when it owns them',
    change: loggingIn(({ login }) => ({
      login: async (options) => ({ ...(await login(options)), ownsLeases: false }),
    })),
  },
];

function isCode(error: unknown, code: string): boolean {
  return error instanceof SecretsError && error.code === code;
}

/** A provider that has what it saw last in mind when it fails. */
function showing(fail: (seen: string) => unknown): (store: MemoryProvider) => Partial<Provider> {
  return (store) => {
    let seen = '';
    return {
      async fetch(ref, options) {
        try {
          const answer = await store.fetch(ref, options);
          seen = passwordOf(answer) || seen;
          return answer;
        } catch {
          throw fail(seen);
        }
      },
    };
  };
}

function byPath(one: SecretVersion | SecretsError, other: SecretVersion | SecretsError): number {
  return 'version' in one && 'version' in other ? passwordOf(one).localeCompare(passwordOf(other)) : 0;
}
