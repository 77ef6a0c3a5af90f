import type { Clock } from '../../time/clock.js';
import type { Login } from './login-book.js';
import { storeFailure } from './store-failure.js';

/** A lease as the store knows it: the truth that everybody else's belief is measured against. */
export interface StoreLease {
  /** What it is called now; some stores rename a lease when it is renewed. */
  readonly id: string;
  readonly path: string;
  /** Of the credential that it is for. */
  readonly version: string;
  readonly issuedMs: number;
  readonly endMs: number;
  /** Until when renewals can extend it. */
  readonly maxEndMs: number;
  /** `revoked` by a caller, an operator, or together with its login. */
  readonly state: 'live' | 'revoked' | 'expired';
}

/** How long leases last, and whether they can be made to last longer. */
export interface LeaseTerms {
  readonly ttlMs: number;
  /** Until when renewals can extend a lease, from its issue. Default: for ever. */
  readonly maxTtlMs?: number;
  /** Default true. */
  readonly renewable?: boolean;
  /** Whether each renewal gives the lease another id. Default false. */
  readonly renames?: boolean;
}

/** One page of the book. Moments are on the monotonic clock. */
class BookedLease implements StoreLease {
  readonly path: string;
  readonly version: string;
  readonly terms: LeaseTerms;
  readonly issuedMs: number;
  readonly #clock: Clock;
  readonly #login: Login | undefined;
  #id: string;
  #endMs: number;
  #isRevoked = false;

  constructor(
    init: Pick<StoreLease, 'id' | 'path' | 'version'> & { readonly terms: LeaseTerms },
    clock: Clock,
    login: Login | undefined,
  ) {
    this.path = init.path;
    this.version = init.version;
    this.terms = init.terms;
    this.issuedMs = clock.monotonicMs();
    this.#clock = clock;
    this.#login = login;
    this.#id = init.id;
    this.#endMs = Math.min(this.issuedMs + init.terms.ttlMs, this.maxEndMs);
  }

  get id(): string {
    return this.#id;
  }

  get endMs(): number {
    return this.#endMs;
  }

  get maxEndMs(): number {
    return this.issuedMs + (this.terms.maxTtlMs ?? Number.POSITIVE_INFINITY);
  }

  get state(): StoreLease['state'] {
    const ownerState = this.#login?.state ?? 'live';
    if (this.#isRevoked || ownerState === 'revoked') return 'revoked';
    return this.#clock.monotonicMs() >= this.#endMs || ownerState === 'expired' ? 'expired' : 'live';
  }

  extend(ttlMs: number): void {
    this.#endMs = Math.min(this.#clock.monotonicMs() + ttlMs, this.maxEndMs);
  }

  rename(id: string): void {
    this.#id = id;
  }

  end(): void {
    if (this.state === 'live') this.#isRevoked = true;
  }
}

/** What a caller is told of a lease. */
export interface GrantedLease {
  readonly ttlMs: number;
  readonly handle: { readonly id: string; readonly renewable: boolean };
}

/** Every lease that a store has issued. */
export class LeaseBook {
  readonly #leases: BookedLease[] = [];
  readonly #clock: Clock;
  #renames = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get all(): readonly StoreLease[] {
    return this.#leases;
  }

  /** Issues a lease that dies with `login`, if one is given. */
  issue(path: string, version: string, terms: LeaseTerms, login: Login | undefined): GrantedLease {
    const id = `${path}/${this.#leases.length + 1}`;
    const lease = new BookedLease({ id, path, version, terms }, this.#clock, login);
    this.#leases.push(lease);
    return this.#granted(lease);
  }

  /**
   * Extends a lease by as much of `ttlMs` as its maximum allows.
   *
   * @throws SecretsError `lease-lost` when it is unknown or over, `unsupported` when it is not renewable
   */
  renew(id: string, ttlMs: number): GrantedLease {
    const lease = this.#leases.find((each) => each.id === id);
    if (lease?.state !== 'live') throw storeFailure('lease-lost');
    if (lease.terms.renewable === false) throw storeFailure('unsupported');
    lease.extend(ttlMs);
    if (lease.terms.renames === true) lease.rename(`${id.replace(/\+\d+$/, '')}+${++this.#renames}`);
    return this.#granted(lease);
  }

  /** Ends the live leases that `matches` picks. */
  end(matches: (lease: StoreLease) => boolean): void {
    for (const lease of this.#leases) if (matches(lease)) lease.end();
  }

  #granted(lease: BookedLease): GrantedLease {
    const { renewable = true } = lease.terms;
    return { ttlMs: lease.endMs - this.#clock.monotonicMs(), handle: { id: lease.id, renewable } };
  }
}
