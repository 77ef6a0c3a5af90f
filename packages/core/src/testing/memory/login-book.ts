import type { Lease } from '../../model/lease.js';
import type { SessionGrant } from '../../provider/contract.js';
import type { Clock } from '../../time/clock.js';
import { storeFailure } from './store-failure.js';

/** How logins to the store behave. */
export interface LoginPolicy {
  /** Default: a login never ends by itself. */
  readonly ttlMs?: number;
  /** Until when renewals can extend it. Default: for ever. */
  readonly maxTtlMs?: number;
  /** Default true. */
  readonly renewable?: boolean;
  /** False for a token that the application was given. Default true. */
  readonly revocable?: boolean;
  /** Whether leases die with the login that they were obtained under. Default true. */
  readonly ownsLeases?: boolean;
  /**
   * What a call under a dead login gets. With `permission-denied` the provider has `isAlive`, as backends need
   * that answer a dead login and a denial alike. Default `unauthenticated`.
   */
  readonly deadAnswer?: 'unauthenticated' | 'permission-denied';
}

/** A login as the store knows it. */
export interface Login {
  readonly token: string;
  readonly endMs: number;
  readonly state: 'live' | 'revoked' | 'expired';
}

/** One page of the book. Moments are on the monotonic clock. */
class BookedLogin implements Login {
  readonly token: string;
  readonly maxEndMs: number;
  readonly #clock: Clock;
  endMs: number;
  isRevoked = false;

  constructor(token: string, { ttlMs, maxTtlMs }: LoginPolicy, clock: Clock) {
    const nowMs = clock.monotonicMs();
    this.token = token;
    this.maxEndMs = nowMs + (maxTtlMs ?? Number.POSITIVE_INFINITY);
    this.#clock = clock;
    this.endMs = Math.min(nowMs + (ttlMs ?? Number.POSITIVE_INFINITY), this.maxEndMs);
  }

  get state(): Login['state'] {
    if (this.isRevoked) return 'revoked';
    return this.#clock.monotonicMs() >= this.endMs ? 'expired' : 'live';
  }
}

/** Every login that a store has granted. */
export class LoginBook {
  readonly policy: LoginPolicy;
  readonly #logins: BookedLogin[] = [];
  readonly #clock: Clock;

  constructor(policy: LoginPolicy, clock: Clock) {
    this.policy = policy;
    this.#clock = clock;
  }

  get all(): readonly Login[] {
    return this.#logins;
  }

  /** Logs in. */
  grant(): SessionGrant {
    const { revocable = true, ownsLeases } = this.policy;
    const login = new BookedLogin(`memory-login-${this.#logins.length + 1}`, this.policy, this.#clock);
    this.#logins.push(login);
    return {
      credential: login.token,
      revocable,
      ...(Number.isFinite(login.endMs) ? { lease: this.#leaseOf(login) } : {}),
      ...(ownsLeases === undefined ? {} : { ownsLeases }),
    };
  }

  /**
   * The live login that `credential` stands for.
   *
   * @throws SecretsError with the policy's `deadAnswer` when there is none
   */
  admit(credential: unknown): Login {
    return this.#admitted(credential);
  }

  /**
   * Extends a login by as much of `ttlMs` as its maximum allows.
   *
   * @throws SecretsError with the policy's `deadAnswer`, or `unsupported` when logins are not renewable
   */
  renew(credential: unknown, ttlMs: number): Lease {
    const login = this.#admitted(credential);
    if (this.policy.renewable === false) throw storeFailure('unsupported');
    login.endMs = Math.min(this.#clock.monotonicMs() + ttlMs, login.maxEndMs);
    return this.#leaseOf(login);
  }

  /** Ends a login; one that is unknown or over stays so. */
  revoke(credential: unknown): void {
    this.#end((login) => login.token === credential);
  }

  /** Ends every login that is live, as an operator does. */
  revokeAll(): void {
    this.#end(() => true);
  }

  isAlive(credential: unknown): boolean {
    return this.#logins.some(({ token, state }) => token === credential && state === 'live');
  }

  #admitted(credential: unknown): BookedLogin {
    const login = this.#logins.find(({ token }) => token === credential);
    if (login?.state !== 'live') throw storeFailure(this.policy.deadAnswer ?? 'unauthenticated');
    return login;
  }

  #end(matches: (login: Login) => boolean): void {
    for (const login of this.#logins) if (login.state === 'live' && matches(login)) login.isRevoked = true;
  }

  #leaseOf(login: BookedLogin): Lease {
    const { renewable = true } = this.policy;
    return { ttlMs: login.endMs - this.#clock.monotonicMs(), handle: { id: 'login', renewable } };
  }
}
