import type { SecretsError } from '../errors/secrets-error.js';
import type { Lease } from '../model/lease.js';
import type { Clock } from '../time/clock.js';

/** What a provider is asked for: a reference without its alias and field. */
export interface ProviderRef {
  readonly path: string;
  readonly version?: string;
  readonly stage?: string;
}

/** One version of a secret, as the backend gave it. */
export interface SecretVersion {
  /** Raw material: text, bytes, or named fields. The core wraps it at once. */
  readonly data: string | Uint8Array | Readonly<Record<string, unknown>>;
  /**
   * Opaque. Equal ids mean equal data and the same lease; a new id means a rotation. Never derived from the value
   * without a key.
   */
  readonly version: string;
  /** Absent: the backend promises nothing and the cache policy decides. */
  readonly lease?: Lease;
  /** Facts for people: created at, labels, stages, rotation due. Never a value. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Passed to every call of a provider. */
export interface CallOptions {
  /** Aborts at the attempt's deadline, or when nobody waits any more. Reject promptly when it does. */
  readonly signal: AbortSignal;
  /** The only source of time that a provider may use, and only to wait: inside `watch`, or for a read to settle. */
  readonly clock: Clock;
  /** The credential of the current login; present exactly when the provider has a `session`. */
  readonly session?: unknown;
  /** Which of the provider's `addresses` to call; present exactly when it names any. */
  readonly address?: string;
}

export type FetchOptions = CallOptions;

export interface RenewOptions extends CallOptions {
  /** The ttl to ask for, in milliseconds: what the lease had when it was new. */
  readonly ttlMs: number;
}

/**
 * A backend, reduced to what the core cannot do by itself.
 *
 * A provider holds a client and nothing else: no cache, no retry, no timer, no lease state. It rejects only
 * with {@link SecretsError}. An optional method is a capability; the conformance suite tests each one present.
 */
export interface Provider {
  /** The kind of backend, for people: `vault`, `aws-secrets-manager`. */
  readonly name: string;
  /**
   * Where the backend can be reached, the preferred first, when it is in several places: nodes of a cluster, regions
   * that replicate. Every call names one; each has a breaker of its own, and the next one is called when one fails.
   */
  readonly addresses?: readonly string[];
  /** Reads one secret. Rejects promptly once `signal` aborts. */
  fetch(ref: ProviderRef, options: FetchOptions): Promise<SecretVersion>;
  /**
   * Reads what was asked for in one moment with few requests: one result or error for each, in order. It cuts the
   * list to what its backend takes at once, and rejects only when nothing could be read.
   */
  fetchMany?(
    refs: readonly ProviderRef[],
    options: FetchOptions,
  ): Promise<readonly (SecretVersion | SecretsError)[]>;
  /** Extends a lease. A shorter ttl than asked for means that the maximum is near. */
  renew?(leaseId: string, options: RenewOptions): Promise<Lease>;
  /** Idempotent: revoking an unknown lease resolves. */
  revoke?(leaseId: string, options: CallOptions): Promise<void>;
  /** Yields when `ref` may have changed. A hint to fetch; it carries no data. Ends when `signal` aborts. */
  watch?(ref: ProviderRef, options: CallOptions): AsyncIterable<void>;
  /** Names what lies below `prefix`. */
  list?(prefix: string, options: CallOptions): AsyncIterable<ProviderRef>;
  /** Login, where the backend has one. The core keeps the session alive as it keeps any lease alive. */
  readonly session?: SessionContract;
  /** Closes connections. Called once, last. */
  close?(): Promise<void>;
}

/**
 * How to log in to a backend. A session is a lease with children: the core logs in once for all callers,
 * renews, logs in again after `unauthenticated`, rotates the children before the session ends, and revokes it last.
 */
export interface SessionContract {
  /** Logs in. Whatever it needs from disk is read here, at each login. */
  login(options: SessionOptions): Promise<SessionGrant>;
  /** Extends the session. */
  renew?(credential: unknown, options: SessionOptions & { readonly ttlMs: number }): Promise<Lease>;
  /** Ends the session at the backend. Idempotent. Not called for a grant with `revocable: false`. */
  revoke?(credential: unknown, options: SessionOptions): Promise<void>;
  /**
   * Whether the backend still knows the session. Asked once for all callers when a call ended in
   * `permission-denied`, for backends that answer a dead login and a policy denial alike.
   */
  isAlive?(credential: unknown, options: SessionOptions): Promise<boolean>;
}

export type SessionOptions = Omit<CallOptions, 'session'>;

/** The outcome of a login. */
export interface SessionGrant {
  /** Handed back as `options.session` with every call. The core never looks into it. */
  readonly credential: unknown;
  /** Absent: the login never ends by itself. A session's `handle` carries only whether it is renewable. */
  readonly lease?: Lease;
  /** False for a credential that the application was given rather than logged in for: it is not ours to revoke. */
  readonly revocable: boolean;
  /** True when leases obtained under it die with it (Vault service tokens). Default true. */
  readonly ownsLeases?: boolean;
}
