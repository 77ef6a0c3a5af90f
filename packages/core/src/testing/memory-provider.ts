import { SecretsError } from '../errors/secrets-error.js';
import type { Lease } from '../model/lease.js';
import type { CallOptions, Provider, ProviderRef, SecretVersion } from '../provider/contract.js';
import type { Clock } from '../time/clock.js';

/** Text, bytes or named fields. */
export type SecretData = SecretVersion['data'];

/** How a path hands out leases: each fetch makes a new credential. */
export interface DynamicPath {
  readonly ttlMs: number;
  /** How long a lease can live by renewals. Default: for ever. */
  readonly maxTtlMs?: number;
  /** Default true. */
  readonly renewable?: boolean;
  /** The credential of the `n`th lease, from 1 on. */
  readonly make: (n: number) => SecretData;
}

/** One call that reached the store. */
export interface StoreCall {
  readonly method: 'fetch' | 'renew' | 'revoke';
  /** The path, or the lease id. */
  readonly subject: string;
  /** On the provider's clock. */
  readonly atMs: number;
}

/** A store in memory, with everything that a test wants to do to it and know of it. */
export interface MemoryProvider extends Provider {
  /** Writes a new version of a plain secret. */
  set(path: string, data: SecretData): void;
  /** Deletes a secret. */
  remove(path: string): void;
  /** Makes each fetch of `path` hand out a new lease. */
  lease(path: string, dynamic: DynamicPath): void;
  /** Ends every lease of `path` at the store, as an operator does. */
  revokeAll(path: string): void;
  /** The ids of the leases that are live at the store now. */
  liveLeases(): string[];
  /** The calls so far, in order. */
  readonly calls: readonly StoreCall[];
  /** The most fetches of one path that were under way at once. */
  readonly peakInFlight: number;
}

interface StoredLease {
  readonly path: string;
  readonly madeMs: number;
  untilMs: number;
}

/**
 * A provider over a store in memory: plain secrets, leases with renewals up to a maximum, watch and list.
 * Leases end by `clock`, which in a test is the fake one that `createSecrets` has as well.
 *
 * ```ts
 * const clock = fakeClock();
 * const store = memoryProvider({ clock });
 * store.set('orders', { stripe_key: 'sk-1' });
 * const secrets = createSecrets({ providers: { store }, clock });
 * ```
 */
export function memoryProvider({ clock }: { readonly clock: Clock }): MemoryProvider {
  const plain = new Map<string, { data: SecretData; version: number }>();
  const dynamics = new Map<string, DynamicPath>();
  const leases = new Map<string, StoredLease>();
  const watchers = new Map<string, Set<() => void>>();
  const calls: StoreCall[] = [];
  const inFlight = new Map<string, number>();
  let made = 0;
  let versions = 0;
  let peakInFlight = 0;

  const nowMs = () => clock.monotonicMs();
  const record = (method: StoreCall['method'], subject: string) =>
    void calls.push({ method, subject, atMs: nowMs() });
  const isLive = (lease: StoredLease | undefined): lease is StoredLease =>
    lease !== undefined && nowMs() < lease.untilMs;
  const changed = (path: string) => {
    for (const wake of watchers.get(path) ?? []) wake();
  };

  function read({ path, version }: ProviderRef): SecretVersion {
    const dynamic = dynamics.get(path);
    if (dynamic !== undefined) return issue(path, dynamic);
    const held = plain.get(path);
    if (held === undefined || (version !== undefined && version !== String(held.version)))
      throw notFound(path);
    return { data: held.data, version: String(held.version) };
  }

  function issue(path: string, { ttlMs, renewable = true, make }: DynamicPath): SecretVersion {
    const n = ++made;
    const id = `${path}/${n}`;
    leases.set(id, { path, madeMs: nowMs(), untilMs: nowMs() + ttlMs });
    return { data: make(n), version: `lease-${n}`, lease: { ttlMs, handle: { id, renewable } } };
  }

  return {
    name: 'memory',
    set(path, data) {
      plain.set(path, { data, version: ++versions });
      changed(path);
    },
    remove(path) {
      plain.delete(path);
      changed(path);
    },
    lease: (path, dynamic) => void dynamics.set(path, dynamic),
    revokeAll(path) {
      for (const [id, lease] of leases) if (lease.path === path) leases.delete(id);
    },
    liveLeases: () => [...leases].filter(([, lease]) => isLive(lease)).map(([id]) => id),
    calls,
    get peakInFlight() {
      return peakInFlight;
    },

    async fetch(ref: ProviderRef, { signal }: CallOptions) {
      checkPath(ref.path);
      signal.throwIfAborted();
      record('fetch', ref.path);
      const underWay = (inFlight.get(ref.path) ?? 0) + 1;
      inFlight.set(ref.path, underWay);
      peakInFlight = Math.max(peakInFlight, underWay);
      try {
        // A store is never as fast as its caller: others get to ask meanwhile.
        await Promise.resolve();
        return read(ref);
      } finally {
        inFlight.set(ref.path, underWay - 1);
      }
    },

    async renew(leaseId, { ttlMs }): Promise<Lease> {
      record('renew', leaseId);
      const lease = leases.get(leaseId);
      if (!isLive(lease)) throw lost(leaseId);
      const { maxTtlMs = Number.POSITIVE_INFINITY, renewable = true } = dynamics.get(lease.path) ?? {};
      if (!renewable) throw lost(leaseId);
      const grantedMs = Math.min(ttlMs, lease.madeMs + maxTtlMs - nowMs());
      lease.untilMs = nowMs() + grantedMs;
      return { ttlMs: grantedMs, handle: { id: leaseId, renewable } };
    },

    async revoke(leaseId) {
      record('revoke', leaseId);
      leases.delete(leaseId);
    },

    async *watch({ path }: ProviderRef, { signal }: CallOptions): AsyncIterable<void> {
      let pending = false;
      let wake = () => {};
      const bell = () => {
        pending = true;
        wake();
      };
      watchers.set(path, (watchers.get(path) ?? new Set()).add(bell));
      signal.addEventListener('abort', () => wake(), { once: true });
      try {
        while (!signal.aborted) {
          if (!pending) {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
          if (signal.aborted) return;
          pending = false;
          yield;
        }
      } finally {
        watchers.get(path)?.delete(bell);
      }
    },

    async *list(prefix: string): AsyncIterable<ProviderRef> {
      for (const path of [...plain.keys(), ...dynamics.keys()].sort()) {
        if (path.startsWith(prefix)) yield { path };
      }
    },
  };
}

function checkPath(path: string): void {
  if (path.split('/').some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw new SecretsError('invalid-ref', {
      problem: 'The path leaves its place in the store.',
      remedy: 'Write it without empty, . and .. segments.',
    });
  }
}

function notFound(path: string): SecretsError {
  return new SecretsError('not-found', {
    problem: `There is nothing at ${path}.`,
    remedy: 'Write it with set() or lease() of the memory provider.',
  });
}

function lost(leaseId: string): SecretsError {
  return new SecretsError('lease-lost', {
    problem: `The store does not know the lease ${leaseId}, or cannot renew it.`,
    remedy: 'Fetch the secret again.',
  });
}
