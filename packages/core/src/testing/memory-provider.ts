import { isSecretsError } from '../errors/secrets-error.js';
import type { Lease } from '../model/lease.js';
import type {
  CallOptions,
  Provider,
  ProviderRef,
  SecretVersion,
  SessionContract,
} from '../provider/contract.js';
import type { Clock } from '../time/clock.js';
import { systemClock } from '../time/system-clock.js';
import { CallLog, type CallRecord, type ProviderMethod } from './call-log.js';
import { Bells } from './memory/bells.js';
import { LeaseBook, type StoreLease } from './memory/lease-book.js';
import { type Login, LoginBook, type LoginPolicy } from './memory/login-book.js';
import {
  type LeasedPath,
  type PlainTerms,
  type RotatingPath,
  type SecretData,
  SecretShelf,
} from './memory/secret-shelf.js';
import { storeFailure } from './memory/store-failure.js';

/** What {@link memoryProvider} takes. */
export interface MemoryProviderOptions {
  /** By which leases and logins end. Default the host's; in tests the one that `createSecrets` has. */
  readonly clock?: Clock;
  /** Whether callers must log in, and how logins behave. Default: no login. */
  readonly session?: boolean | LoginPolicy;
  /** Optional methods to leave out: a provider without them must do as well. */
  readonly without?: readonly ('fetchMany' | 'renew' | 'revoke' | 'watch' | 'list')[];
  /** How long the store takes for each call, in milliseconds on its clock. Default 0. */
  readonly latencyMs?: number;
  /** Called when a caller revokes a lease that is live; the call takes until it resolves. */
  readonly onRevoke?: (lease: StoreLease) => void | Promise<void>;
}

/** A store in memory: the provider before it, what a test does to it, and what it knows. */
export interface MemoryProvider extends Provider, CallRecord {
  /** Writes another version of a plain secret, tells who watches it, and returns the version. */
  set(path: string, data: SecretData, terms?: PlainTerms): string;
  /** Makes each fetch of `path` hand out a new credential with a lease. */
  lease(path: string, leased: LeasedPath): void;
  /** Makes the store itself replace the value at `path`, period after period. */
  rotates(path: string, rotating: RotatingPath): void;
  /** Deletes a secret. */
  remove(path: string): void;
  /** Answers `permission-denied` at `path` until `allow`. */
  deny(path: string): void;
  allow(path: string): void;
  /**
   * Rotates now: the value of a `rotates` path is replaced ahead of its time; of a `lease` path every live lease is
   * revoked. Tells who watches.
   *
   * @throws SecretsError `not-found`, or `unsupported` for a plain secret: `set` another version
   */
  rotate(path: string): void;
  /** Says that `path` may have changed, whether or not it did. */
  ring(path: string): void;
  /** Ends a lease at the store without telling anybody, as an operator does. */
  revokeLease(id: string): void;
  /** Ends every login, and the leases that die with them, without telling anybody. */
  revokeSession(): void;
  /** Every lease that was issued, in order. */
  readonly leases: readonly StoreLease[];
  /** Those that the store still honours. */
  liveLeases(): StoreLease[];
  /** Every login that was granted, in order. */
  readonly logins: readonly Login[];
  /** How many watch `path` now. */
  watchers(path: string): number;
}

/**
 * A provider over a store in memory: plain secrets with versions, credentials leased on request, static roles,
 * logins with children, hints and listings. It knows the truth about every lease, so that a test can hold the
 * caller's belief against it.
 *
 * ```ts
 * const clock = fakeClock();
 * const store = memoryProvider({ clock });
 * store.set('orders', { stripe_key: 'sk-1' });
 * store.lease('db', { ttlMs: 60_000, make: (n) => ({ username: `user-${n}`, password: `password-${n}` }) });
 * const secrets = createSecrets({ providers: { store }, clock });
 * ```
 */
export function memoryProvider(options: MemoryProviderOptions = {}): MemoryProvider {
  const { clock = systemClock, session = false, without = [], latencyMs = 0, onRevoke } = options;
  const shelf = new SecretShelf(clock);
  const book = new LeaseBook(clock);
  const logins = session === false ? undefined : new LoginBook(session === true ? {} : session, clock);
  const bells = new Bells();
  const log = new CallLog(clock);
  const denied = new Set<string>();

  /** Every call: recorded, as slow as the store, and given up when its caller has left. */
  const answer = <Result>(
    method: ProviderMethod,
    subject: string,
    { signal }: Pick<CallOptions, 'signal'>,
    act: () => Result | Promise<Result>,
  ): Promise<Result> =>
    log.run(method, subject, async () => {
      signal.throwIfAborted();
      // A store is never as fast as its caller: others get to ask meanwhile.
      await (latencyMs > 0 ? clock.sleep(latencyMs, { signal, hold: true }) : Promise.resolve());
      signal.throwIfAborted();
      return act();
    });

  const admit = (credential: unknown) => logins?.admit(credential);
  const read = (ref: ProviderRef, { session: credential }: CallOptions): SecretVersion => {
    checkPath(ref.path);
    const login = admit(credential);
    if (denied.has(ref.path)) throw storeFailure('permission-denied');
    const { terms, ...found } = shelf.read(ref);
    if (terms === undefined) return found;
    const owner = logins?.policy.ownsLeases === false ? undefined : login;
    return { ...found, lease: book.issue(ref.path, found.version, terms, owner) };
  };
  const readOrFail = (ref: ProviderRef, call: CallOptions) => {
    try {
      return read(ref, call);
    } catch (error) {
      if (isSecretsError(error) && error.code !== 'unauthenticated') return error;
      throw error;
    }
  };

  const capabilities: Pick<Provider, 'fetchMany' | 'renew' | 'revoke' | 'watch' | 'list'> = {
    fetchMany: (refs, call) =>
      answer('fetchMany', refs.map(({ path }) => path).join(), call, () =>
        refs.map((ref) => readOrFail(ref, call)),
      ),
    renew: (id, call) =>
      answer('renew', id, call, (): Lease => {
        admit(call.session);
        return book.renew(id, call.ttlMs);
      }),
    revoke: (id, call) =>
      answer('revoke', id, call, async () => {
        admit(call.session);
        const live = book.all.find((lease) => lease.id === id && lease.state === 'live');
        book.end((lease) => lease === live);
        if (live !== undefined) await onRevoke?.(live);
      }),
    async *watch({ path }, call) {
      log.note('watch', path);
      checkPath(path);
      admit(call.session);
      yield* bells.follow(path, call.signal);
    },
    async *list(prefix, call) {
      const paths = await answer('list', prefix, call, () => {
        admit(call.session);
        return shelf.paths.filter((path) => isBelow(path, prefix)).sort();
      });
      for (const path of paths) yield { path };
    },
  };
  for (const method of without) delete capabilities[method];

  return {
    name: 'memory',
    fetch: (ref, call) => answer('fetch', ref.path, call, () => read(ref, call)),
    ...capabilities,
    ...(logins && { session: sessionContract(logins, answer) }),
    close: () => log.run('close', '', async () => {}),

    set(path, data, terms = {}) {
      const version = shelf.set(path, data, terms);
      bells.ring(path);
      return version;
    },
    lease(path, leased) {
      shelf.lease(path, leased);
      bells.ring(path);
    },
    rotates(path, rotating) {
      shelf.rotates(path, rotating);
      bells.ring(path);
    },
    remove(path) {
      shelf.remove(path);
      bells.ring(path);
    },
    deny: (path) => void denied.add(path),
    allow: (path) => void denied.delete(path),
    rotate(path) {
      shelf.rotate(path);
      book.end((lease) => lease.path === path);
      bells.ring(path);
    },
    ring: (path) => bells.ring(path),
    revokeLease: (id) => book.end((lease) => lease.id === id),
    revokeSession: () => logins?.revokeAll(),
    leases: book.all,
    liveLeases: () => book.all.filter(({ state }) => state === 'live'),
    logins: logins?.all ?? [],
    watchers: (path) => bells.watchers(path),
    calls: log.calls,
    count: (method, subject) => log.count(method, subject),
    peak: (method, subject) => log.peak(method, subject),
  };
}

type Answer = <Result>(
  method: ProviderMethod,
  subject: string,
  call: Pick<CallOptions, 'signal'>,
  act: () => Result | Promise<Result>,
) => Promise<Result>;

function sessionContract(logins: LoginBook, answer: Answer): SessionContract {
  return {
    login: (call) => answer('login', '', call, () => logins.grant()),
    renew: (credential, call) => answer('renewLogin', '', call, () => logins.renew(credential, call.ttlMs)),
    revoke: (credential, call) => answer('revokeLogin', '', call, () => logins.revoke(credential)),
    ...(logins.policy.deadAnswer === 'permission-denied' && {
      isAlive: (credential, call) => answer('isAlive', '', call, () => logins.isAlive(credential)),
    }),
  };
}

const STRANGE = /[\p{Cc}\\]/u;

function checkPath(path: string): void {
  const leads = path.split('/').some((segment) => segment === '' || segment === '.' || segment === '..');
  if (leads || STRANGE.test(path)) throw storeFailure('invalid-ref');
}

function isBelow(path: string, prefix: string): boolean {
  return prefix === '' || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}
