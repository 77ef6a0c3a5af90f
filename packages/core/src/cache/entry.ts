import type { Lease, LeaseHandle } from '../model/lease.js';
import type { SecretValue } from '../model/secret-value.js';
import type { Target } from '../provider/target.js';

/** How long a version may be used, in milliseconds on the steady clock. */
export interface Term {
  /** When the request that brought or renewed it was sent. */
  readonly sentMs: number;
  /** The same moment on the wall clock, for people. */
  readonly sentWallMs: number;
  /** Until when it is handed out without asking the store. */
  readonly freshUntilMs: number;
  /** Until when it may be handed out at all. */
  readonly usableUntilMs: number;
}

/** One fetched version of a secret, held by the cache, with what the backend promised about it. */
export class Entry {
  readonly target: Target;
  readonly value: SecretValue;
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** The lease as the backend gave it; renewals ask for its ttl again. */
  readonly lease: Lease | undefined;
  /** The login that it was obtained under, when it dies with that login. */
  readonly grant: object | undefined;
  /** When this version was first fetched. */
  readonly sentMs: number;
  #term: Term;
  #handle: LeaseHandle | undefined;
  #ttlMs: number | undefined;
  readonly #derived: SecretValue[] = [];

  constructor(init: {
    readonly target: Target;
    readonly value: SecretValue;
    readonly version: string;
    readonly metadata: Readonly<Record<string, string>>;
    readonly lease: Lease | undefined;
    readonly grant: object | undefined;
    readonly term: Term;
  }) {
    this.target = init.target;
    this.value = init.value;
    this.version = init.version;
    this.metadata = init.metadata;
    this.lease = init.lease;
    this.grant = init.grant;
    this.sentMs = init.term.sentMs;
    this.#term = init.term;
    this.#handle = init.lease?.handle;
    this.#ttlMs = init.lease?.ttlMs;
  }

  get term(): Term {
    return this.#term;
  }

  /** What to call the lease now; a renewal may change it. */
  get handle(): LeaseHandle | undefined {
    return this.#handle;
  }

  /** The ttl of the current term: shorter than `lease.ttlMs` once a renewal has met the maximum. */
  get ttlMs(): number | undefined {
    return this.#ttlMs;
  }

  /** Its value and all that was made from it. */
  *values(): Iterable<SecretValue> {
    yield this.value;
    yield* this.#derived;
  }

  /** A value was made from it, such as a connection string. */
  addDerived(value: SecretValue): void {
    this.#derived.push(value);
  }

  /** A renewal succeeded. */
  extend(lease: Lease, term: Term): void {
    this.#handle = lease.handle ?? this.#handle;
    this.#ttlMs = lease.ttlMs;
    this.#term = term;
  }

  /** Its backend is about to replace it: reads must look again at `atMs`. */
  recheckAt(atMs: number): void {
    this.#term = { ...this.#term, freshUntilMs: Math.min(this.#term.freshUntilMs, atMs) };
  }

  /** Ends the term now: it was replaced, revoked, denied or deleted. */
  end(): void {
    this.#term = {
      ...this.#term,
      freshUntilMs: Number.NEGATIVE_INFINITY,
      usableUntilMs: Number.NEGATIVE_INFINITY,
    };
  }
}
