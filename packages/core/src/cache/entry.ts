import type { Lease, LeaseHandle } from '../model/lease.js';
import type { SecretValue } from '../model/secret-value.js';
import type { Route } from '../provider/router.js';
import type { Grant } from '../provider/session.js';
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
  /** Where it came from: its lease is renewed and revoked there. */
  readonly route: Route;
  readonly value: SecretValue;
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** The lease as the backend gave it; renewals ask for its ttl again. */
  readonly lease: Lease | undefined;
  /** The login that it was obtained under, when it dies with that login. */
  readonly grant: Grant | undefined;
  /** When the request that brought it was sent. */
  readonly sentMs: number;
  /** When this version was fetched first. */
  #sinceMs: number;
  #term: Term;
  #handle: LeaseHandle | undefined;
  #ttlMs: number | undefined;
  #derived: Map<string, SecretValue> | undefined;

  constructor(init: {
    readonly target: Target;
    readonly route: Route;
    readonly value: SecretValue;
    readonly version: string;
    readonly metadata: Readonly<Record<string, string>>;
    readonly lease: Lease | undefined;
    readonly grant: Grant | undefined;
    readonly term: Term;
  }) {
    this.target = init.target;
    this.route = init.route;
    this.value = init.value;
    this.version = init.version;
    this.metadata = init.metadata;
    this.lease = init.lease;
    this.grant = init.grant;
    this.sentMs = init.term.sentMs;
    this.#sinceMs = init.term.sentMs;
    this.#term = init.term;
    this.#handle = init.lease?.handle;
    this.#ttlMs = init.lease?.ttlMs;
  }

  /** When this version was fetched first: the same one may be fetched many times. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** Whether it had a lease that expires, and that is over. */
  isLeaseOver(nowMs: number): boolean {
    return this.lease !== undefined && this.lease.end !== 'rotates' && nowMs >= this.usableUntilMs;
  }

  get term(): Term {
    return this.#term;
  }

  /** Until when it is handed out without asking the store: no longer than the login that it dies with is good. */
  get freshUntilMs(): number {
    return Math.min(this.#term.freshUntilMs, this.grant?.untilMs ?? Number.POSITIVE_INFINITY);
  }

  /** Until when it may be handed out at all. */
  get usableUntilMs(): number {
    return Math.min(this.#term.usableUntilMs, this.grant?.untilMs ?? Number.POSITIVE_INFINITY);
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
    yield* this.#derived?.values() ?? [];
  }

  /** What `make` makes from it, such as a connection string: once for each `recipe`. */
  derive(recipe: string, make: () => SecretValue): SecretValue {
    this.#derived ??= new Map();
    const value = this.#derived.get(recipe) ?? make();
    this.#derived.set(recipe, value);
    return value;
  }

  /** The store gave this version once more: what was made from `held` stays in use. */
  inherit(held: Entry): void {
    this.#derived = held.#derived;
    this.#sinceMs = held.#sinceMs;
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

  /** It was denied or deleted: what is left of its cache ttl is honoured, and no stale value after it. */
  endWhenStale(): void {
    this.#term = {
      ...this.#term,
      usableUntilMs: Math.min(this.#term.usableUntilMs, this.#term.freshUntilMs),
    };
  }

  /** Ends the term now: it was replaced or revoked. */
  end(): void {
    this.#term = {
      ...this.#term,
      freshUntilMs: Number.NEGATIVE_INFINITY,
      usableUntilMs: Number.NEGATIVE_INFINITY,
    };
  }
}
