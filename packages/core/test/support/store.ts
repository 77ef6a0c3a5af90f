import { type ErrorCode, isSecretsError, SecretsError } from '@keyturn/core';
import type {
  CallOptions,
  Clock,
  Lease,
  Provider,
  RenewOptions,
  SecretVersion,
  SessionContract,
  SessionOptions,
} from '@keyturn/core/provider';

/** What the core can ask of a store. */
export type Operation =
  | 'fetch'
  | 'fetch-many'
  | 'renew'
  | 'revoke'
  | 'login'
  | 'renew-session'
  | 'revoke-session'
  | 'is-alive'
  | 'watch'
  | 'close';

/** A call as the store saw it. */
export interface Call {
  readonly operation: Operation;
  /** The path, lease or login; of several paths all of them, with commas. */
  readonly subject: string;
  readonly atMs: number;
  /** Where it was made. */
  readonly address?: string | undefined;
}

/** A lease as the store knows it: the truth that the core's belief is measured against. */
export interface StoreLease {
  readonly version: string;
  readonly path: string;
  readonly issuedMs: number;
  readonly maxEndMs: number;
  readonly session: StoreSession | undefined;
  id: string;
  endMs: number;
  revokedMs: number | undefined;
  /** Ended by somebody else: nobody can know until the store is asked. */
  isStolen?: true;
}

interface StoreSession {
  readonly token: string;
  readonly maxEndMs: number;
  endMs: number;
  revokedMs: number | undefined;
  isStolen?: true;
}

/** Credentials made at each read, as a database engine does. */
export interface DynamicRole {
  readonly ttlMs: number;
  readonly maxTtlMs?: number;
  readonly renewable?: boolean;
  /** False: a lease without an id, such as a certificate's. */
  readonly handle?: boolean;
  /** Another lease id at each renewal. */
  readonly renames?: boolean;
}

/** A password that the store itself replaces, every `periodMs`, up to `lateMs` after the moment it announced. */
export interface StaticRole {
  readonly periodMs: number;
  readonly lateMs?: number;
}

export interface SessionPolicy {
  readonly ttlMs?: number;
  readonly maxTtlMs?: number;
  readonly renewable?: boolean;
  readonly revocable?: boolean;
  readonly ownsLeases?: boolean;
  /** What a call under a dead login gets. With `permission-denied` the store also answers `isAlive`. */
  readonly deadAnswer?: 'unauthenticated' | 'permission-denied';
}

export interface StoreOptions {
  readonly session?: SessionPolicy;
  readonly watches?: boolean;
  /** Leaves out `renew`, `revoke`, or both. */
  readonly without?: readonly ('renew' | 'revoke')[];
  /** Where it can be reached: nodes that share everything. */
  readonly addresses?: readonly string[];
  /** Has `fetchMany`. */
  readonly many?: boolean;
}

/** The word that must never be seen outside a reveal: part of every password that the store makes. */
export const CANARY = 'canary-7fK2';

type Secret =
  | { readonly kv: SecretVersion }
  | { readonly role: DynamicRole }
  | { readonly rotates: StaticRole };

/**
 * A secret store in memory that a test scripts: it knows the truth about every lease and login, fails, hangs and
 * loses answers on command, and keeps a log of what it was asked.
 */
export class Store {
  readonly calls: Call[] = [];
  readonly leases: StoreLease[] = [];
  readonly sessions: StoreSession[] = [];
  readonly provider: Provider;
  /** How long each operation takes. */
  readonly latencyMs: Partial<Record<Operation, number>> = {};
  /** Operations that never answer; they give up when aborted unless `ignoresSignals`. */
  readonly hanging = new Set<Operation>();
  ignoresSignals = false;
  /** Addresses where every call fails, and how. */
  readonly downAt = new Map<string, SecretsError>();
  /** Addresses where every call takes so many milliseconds. */
  readonly slowAt = new Map<string, number>();
  /** How far the store's time is ahead of the host's: what passed while the host was suspended. */
  aheadMs = 0;
  /** Called with each call as it comes. */
  onCall: (call: Call) => void = () => {};
  /** The most calls of one operation on one subject that were ever under way together. */
  readonly mostAtOnce = new Map<string, number>();

  readonly #clock: Clock;
  readonly #options: StoreOptions;
  readonly #secrets = new Map<string, Secret>();
  readonly #denied = new Set<string>();
  readonly #underWay = new Map<string, number>();
  readonly #scripts = new Map<Operation, SecretsError[]>();
  readonly #failing = new Map<string, SecretsError[]>();
  readonly #bells = new Map<string, Set<() => void>>();
  #outage: SecretsError | undefined;
  #count = 0;

  constructor(clock: Clock, options: StoreOptions = {}) {
    this.#clock = clock;
    this.#options = options;
    const { session, watches, without = [], addresses, many = false } = options;
    this.provider = {
      name: 'test-store',
      ...(addresses ? { addresses } : {}),
      ...(many
        ? {
            fetchMany: (refs, call) =>
              this.#answer('fetch-many', refs.map(({ path }) => path).join(), call, () =>
                refs.map(({ path }) => this.#fetchOfMany(path, call)),
              ),
          }
        : {}),
      fetch: (ref, call) => this.#answer('fetch', ref.path, call, () => this.#fetch(ref.path, call)),
      ...(without.includes('renew')
        ? {}
        : { renew: (id, call) => this.#answer('renew', id, call, () => this.#renew(id, call)) }),
      ...(without.includes('revoke')
        ? {}
        : { revoke: (id, call) => this.#answer('revoke', id, call, () => this.#revoke(id, call)) }),
      ...(watches ? { watch: (ref, call) => this.#watch(ref.path, call) } : {}),
      ...(session ? { session: this.#sessionContract(session) } : {}),
      close: () => this.#answer('close', '', { signal: new AbortController().signal }, () => undefined),
    } as Provider;
  }

  get nowMs(): number {
    return this.#clock.monotonicMs() + this.aheadMs;
  }

  /** Puts a secret of several fields, or a single value, as a version of its own. */
  put(path: string, data: SecretVersion['data'], version = String(++this.#count)): this {
    this.#secrets.set(path, { kv: { data, version } });
    for (const ring of this.#bells.get(path) ?? []) ring();
    return this;
  }

  /** Makes a credential with a lease at each read. */
  dynamic(path: string, role: DynamicRole): this {
    this.#secrets.set(path, { role });
    return this;
  }

  /** Holds a password that it replaces by itself. */
  rotating(path: string, rotates: StaticRole): this {
    this.#secrets.set(path, { rotates });
    return this;
  }

  delete(path: string): void {
    this.#secrets.delete(path);
  }

  deny(path: string): void {
    this.#denied.add(path);
  }

  allow(path: string): void {
    this.#denied.delete(path);
  }

  /** Every call fails from now on. */
  goDown(error: SecretsError = failure('unavailable')): void {
    this.#outage = error;
  }

  heal(): void {
    this.#outage = undefined;
    this.#scripts.clear();
    this.hanging.clear();
    this.downAt.clear();
    this.slowAt.clear();
  }

  get isDown(): boolean {
    return (
      this.#outage !== undefined ||
      this.hanging.size + this.#scripts.size + this.downAt.size + this.slowAt.size > 0
    );
  }

  /** The next calls of `operation` fail, one for each error. */
  failNext(operation: Operation, ...errors: readonly SecretsError[]): void {
    this.#scripts.set(operation, [...(this.#scripts.get(operation) ?? []), ...errors]);
  }

  /** The next reads of `path` fail, one for each error; the rest of what is asked for with it does not. */
  failAt(path: string, ...errors: readonly SecretsError[]): void {
    this.#failing.set(path, [...(this.#failing.get(path) ?? []), ...errors]);
  }

  /** Ends a lease at the store without telling anybody. */
  revokeFromOutside(version: string): void {
    for (const lease of this.leases) if (lease.version === version) steal(lease, this.nowMs);
  }

  /** Ends every login at the store without telling anybody, and what was leased under them. */
  revokeSessions(): void {
    for (const session of this.sessions) steal(session, this.nowMs);
  }

  /** Says that `path` may have changed, whether or not it did. */
  ring(path: string): void {
    for (const ring of this.#bells.get(path) ?? []) ring();
  }

  /** The leases that the store still honours and that could be revoked. */
  live(): StoreLease[] {
    return this.leases.filter((lease) => lease.id !== '' && this.isLive(lease));
  }

  /** The login that a lease dies with. */
  ownerOf({ session }: StoreLease): StoreSession | undefined {
    return this.#options.session?.ownsLeases === false ? undefined : session;
  }

  isLive(lease: StoreLease): boolean {
    const owner = this.ownerOf(lease);
    return (
      lease.revokedMs === undefined && this.nowMs < lease.endMs && (owner === undefined || this.#knows(owner))
    );
  }

  /** The logins of ours that the store still honours. */
  liveSessions(): StoreSession[] {
    return this.#options.session?.revocable === false
      ? []
      : this.sessions.filter((each) => this.#knows(each));
  }

  /** The lease that a version stands for. */
  leaseOf(version: string): StoreLease | undefined {
    return this.leases.find((lease) => lease.version === version);
  }

  count(operation: Operation, subject?: string): number {
    return this.calls.filter(
      (call) => call.operation === operation && (subject === undefined || call.subject === subject),
    ).length;
  }

  /** When each call of `operation` came. */
  timesOf(operation: Operation): number[] {
    return this.calls.filter((call) => call.operation === operation).map((call) => call.atMs);
  }

  #fetch(path: string, { session }: CallOptions): SecretVersion {
    const login = this.#authorize(session);
    if (this.#denied.has(path)) throw failure('permission-denied');
    const scripted = this.#failing.get(path)?.shift();
    if (scripted !== undefined) throw scripted;
    const secret = this.#secrets.get(path);
    if (secret === undefined) throw failure('not-found');
    if ('kv' in secret) return secret.kv;
    if ('role' in secret) return this.#issue(path, secret.role, login);
    const { periodMs, lateMs = 0 } = secret.rotates;
    const since = Math.floor(Math.max(0, this.nowMs - lateMs) / periodMs);
    const leftMs = periodMs - (this.nowMs % periodMs);
    return {
      data: { username: 'static', password: `${CANARY}-static-${since}` },
      version: `rotation-${since}`,
      lease: { ttlMs: leftMs, end: 'rotates' },
    };
  }

  /** One of many: its failure is its own, unless it is that of the login. */
  #fetchOfMany(path: string, call: CallOptions): SecretVersion | SecretsError {
    try {
      return this.#fetch(path, call);
    } catch (error) {
      if (isSecretsError(error) && error.code !== 'unauthenticated') return error;
      throw error;
    }
  }

  #issue(path: string, role: DynamicRole, session: StoreSession | undefined): SecretVersion {
    const number = ++this.#count;
    const { ttlMs, maxTtlMs = Number.POSITIVE_INFINITY, renewable = true, handle = true } = role;
    const lease: StoreLease = {
      id: handle ? `lease-${number}` : '',
      version: `v${number}`,
      path,
      issuedMs: this.nowMs,
      endMs: this.nowMs + Math.min(ttlMs, maxTtlMs),
      maxEndMs: this.nowMs + maxTtlMs,
      session,
      revokedMs: undefined,
    };
    this.leases.push(lease);
    return {
      data: { username: `user-${number}`, password: `${CANARY}-${number}` },
      version: lease.version,
      lease: { ttlMs: lease.endMs - this.nowMs, ...(handle ? { handle: { id: lease.id, renewable } } : {}) },
    };
  }

  #renew(id: string, { session, ttlMs }: RenewOptions): Lease {
    this.#authorize(session);
    const lease = this.leases.find((each) => each.id === id);
    if (lease === undefined || !this.isLive(lease)) throw failure('lease-lost');
    lease.endMs = Math.min(this.nowMs + ttlMs, lease.maxEndMs);
    const secret = this.#secrets.get(lease.path);
    const renames = secret !== undefined && 'role' in secret && secret.role.renames === true;
    if (renames) lease.id = `${id.split('+')[0]}+${++this.#count}`;
    return {
      ttlMs: lease.endMs - this.nowMs,
      ...(renames ? { handle: { id: lease.id, renewable: true } } : {}),
    };
  }

  #revoke(id: string, { session }: CallOptions): void {
    this.#authorize(session);
    const lease = this.leases.find((each) => each.id === id);
    if (lease !== undefined) lease.revokedMs ??= this.nowMs;
  }

  #sessionContract(policy: SessionPolicy): SessionContract {
    const { ttlMs, maxTtlMs = Number.POSITIVE_INFINITY, renewable = true, revocable = true } = policy;
    const forever = ttlMs === undefined;
    const sessionOf = (credential: unknown) => {
      const session = this.sessions.find((each) => each.token === credential);
      if (session === undefined || !this.#knows(session))
        throw failure(policy.deadAnswer ?? 'unauthenticated');
      return session;
    };
    const login = () => {
      const session: StoreSession = {
        token: `token-${this.sessions.length + 1}`,
        endMs: forever ? Number.POSITIVE_INFINITY : this.nowMs + Math.min(ttlMs, maxTtlMs),
        maxEndMs: this.nowMs + maxTtlMs,
        revokedMs: undefined,
      };
      this.sessions.push(session);
      return {
        credential: session.token,
        revocable,
        ...(forever ? {} : { lease: { ttlMs: session.endMs - this.nowMs, handle: { id: '', renewable } } }),
        ...(policy.ownsLeases === undefined ? {} : { ownsLeases: policy.ownsLeases }),
      };
    };
    return {
      login: (call) => this.#answer('login', 'login', call, login),
      renew: (credential, call) =>
        this.#answer('renew-session', String(credential), call, () => {
          const session = sessionOf(credential);
          session.endMs = Math.min(this.nowMs + call.ttlMs, session.maxEndMs);
          return { ttlMs: session.endMs - this.nowMs, handle: { id: '', renewable } };
        }),
      revoke: (credential, call) =>
        this.#answer('revoke-session', String(credential), call, () => {
          for (const each of this.sessions) if (each.token === credential) each.revokedMs ??= this.nowMs;
        }),
      ...(policy.deadAnswer === 'permission-denied'
        ? {
            isAlive: (credential, call) =>
              this.#answer('is-alive', String(credential), call, () =>
                this.#knows(this.sessions.find((each) => each.token === credential)),
              ),
          }
        : {}),
    };
  }

  #knows(session: StoreSession | undefined): boolean {
    return session !== undefined && session.revokedMs === undefined && this.nowMs < session.endMs;
  }

  #authorize(credential: unknown): StoreSession | undefined {
    const { session: policy } = this.#options;
    if (policy === undefined) return undefined;
    const session = this.sessions.find((each) => each.token === credential);
    if (!this.#knows(session)) throw failure(policy.deadAnswer ?? 'unauthenticated');
    return session;
  }

  async *#watch(path: string, { signal, address }: CallOptions): AsyncIterable<void> {
    this.calls.push({ operation: 'watch', subject: path, atMs: this.nowMs, address });
    const down = this.downAt.get(address ?? '');
    if (down !== undefined) throw down;
    let wake = () => {};
    let rung = 0;
    const ring = () => {
      rung++;
      wake();
    };
    const bells = this.#bells.get(path) ?? new Set();
    this.#bells.set(path, bells.add(ring));
    signal.addEventListener('abort', () => wake(), { once: true });
    try {
      while (!signal.aborted) {
        if (rung === 0) await new Promise<void>((resolve) => (wake = resolve));
        if (signal.aborted) return;
        rung = 0;
        yield;
      }
    } finally {
      bells.delete(ring);
    }
  }

  /** Whether somebody follows the hints about `path`. */
  isWatched(path: string): boolean {
    return (this.#bells.get(path)?.size ?? 0) > 0;
  }

  async #answer<Result>(
    operation: Operation,
    subject: string,
    { signal, address }: Pick<SessionOptions, 'signal' | 'address'>,
    act: () => Result,
  ): Promise<Result> {
    const call = { operation, subject, atMs: this.#clock.monotonicMs(), address };
    this.calls.push(call);
    this.onCall(call);
    const key = `${operation} ${subject}`;
    const underWay = (this.#underWay.get(key) ?? 0) + 1;
    this.#underWay.set(key, underWay);
    this.mostAtOnce.set(key, Math.max(underWay, this.mostAtOnce.get(key) ?? 0));
    try {
      if (this.hanging.has(operation)) await hang(this.ignoresSignals ? undefined : signal);
      const latencyMs = this.slowAt.get(address ?? '') ?? this.latencyMs[operation] ?? 0;
      if (latencyMs > 0) await this.#clock.sleep(latencyMs, this.ignoresSignals ? {} : { signal });
      const scripted = this.#scripts.get(operation);
      const error = scripted?.shift() ?? this.downAt.get(address ?? '') ?? this.#outage;
      if (scripted?.length === 0) this.#scripts.delete(operation);
      if (error !== undefined) throw error;
      return act();
    } finally {
      this.#underWay.set(key, (this.#underWay.get(key) ?? 1) - 1);
    }
  }
}

function steal(thing: { revokedMs: number | undefined; isStolen?: true }, nowMs: number): void {
  if (thing.revokedMs !== undefined) return;
  thing.revokedMs = nowMs;
  thing.isStolen = true;
}

/** An error such as a provider throws. */
export function failure(code: ErrorCode, more: { readonly retryAfterMs?: number } = {}): SecretsError {
  return new SecretsError(code, { problem: 'The test says so.', remedy: 'Look at the test.', ...more });
}

function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
}
