import { SingleFlight } from '../concurrency/single-flight.js';
import { isSecretsError, SecretsError } from '../errors/secrets-error.js';
import { checkLease } from '../model/lease.js';
import type { Clock } from '../time/clock.js';
import type { Attempt } from './attempt.js';
import type { SessionContract, SessionGrant, SessionOptions } from './contract.js';

/** How long a refused login answers for the next, in milliseconds: doubling. */
const FIRST_REFUSAL_MS = 1_000;
const MOST_REFUSAL_MS = 30_000;

/** A login under way or in use. Compared by identity: a later login is another grant. */
export interface Grant extends SessionGrant {
  /** When the login was sent, on the steady clock. */
  readonly sentMs: number;
  /** Until when it is good, on the steady clock: later after each renewal, in the past once it is lost or revoked. */
  untilMs: number;
}

/** Told of what becomes of logins; the lease manager keeps them alive and rotates what they own. */
export interface SessionObserver {
  /** A login succeeded; `previous` is the one that it follows, if that is still good. */
  started(grant: Grant, previous: Grant | undefined): void;
  /** The backend no longer knows the login: whatever was leased under it is gone. */
  lost(grant: Grant): void;
}

/**
 * The login to one backend, shared by all calls: one login at a time, one check at a time, and a new login
 * when the backend no longer knows the old one.
 */
export class Session {
  readonly #contract: SessionContract;
  readonly #clock: Clock;
  readonly #observer: SessionObserver;
  readonly #logins = new SingleFlight<Grant>();
  readonly #checks = new SingleFlight<boolean>();
  #grant: Grant | undefined;
  #refusal: { readonly error: SecretsError; readonly count: number; readonly untilMs: number } | undefined;
  #closed: SecretsError | undefined;
  #checkIsReliable = true;

  constructor(contract: SessionContract, clock: Clock, observer: SessionObserver) {
    this.#contract = contract;
    this.#clock = clock;
    this.#observer = observer;
  }

  get contract(): SessionContract {
    return this.#contract;
  }

  /** The login in use, if there is one. */
  get grant(): Grant | undefined {
    return this.#grant;
  }

  /** The login in use; logs in first where there is none, or only one that is over: its timer may not know yet. */
  async current(attempt: Attempt): Promise<Grant> {
    const grant = this.#grant;
    if (grant !== undefined && this.#clock.monotonicMs() < grant.untilMs) return grant;
    const refusal = this.#refusal;
    if (refusal !== undefined && this.#clock.monotonicMs() < refusal.untilMs) throw refusal.error;
    return this.renewLogin(attempt);
  }

  /** Logs in, in place of the login in use. Shared by all who ask at the same address meanwhile. */
  renewLogin({ signal, address }: Attempt): Promise<Grant> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return this.#logins.run(address ?? '', (flight) => this.#login({ signal: flight, address }), signal);
  }

  /** What a call of the contract is made with. */
  optionsOf({ signal, address }: Attempt): SessionOptions {
    return { signal, clock: this.#clock, ...(address === undefined ? {} : { address }) };
  }

  /**
   * Calls with the login in use. When the backend turns out not to know it, logs in once more and calls again.
   *
   * @throws SecretsError `unauthenticated` when the new login is refused as well
   */
  async run<Result>(call: (grant: Grant) => Promise<Result>, attempt: Attempt): Promise<Result> {
    const grant = await this.current(attempt);
    try {
      return await call(grant);
    } catch (error) {
      if (!(await this.isDead(grant, error, attempt))) throw error;
    }
    this.lose(grant);
    const next = await this.current(attempt);
    attempt.signal.throwIfAborted();
    try {
      return await call(next);
    } catch (error) {
      if (isSecretsError(error) && error.code === 'permission-denied')
        await this.#doubtCheck(next, error, attempt);
      throw error;
    }
  }

  /** The backend does not know `grant` any more. */
  lose(grant: Grant): void {
    if (this.#grant !== grant) return;
    this.#grant = undefined;
    grant.untilMs = Number.NEGATIVE_INFINITY;
    this.#observer.lost(grant);
  }

  /** Aborts logins and checks under way, and logs in no more. */
  close(reason: SecretsError): void {
    this.#closed = reason;
    void this.#logins.abortAll(reason);
    void this.#checks.abortAll(reason);
  }

  async #login(attempt: Attempt): Promise<Grant> {
    const sentMs = this.#clock.monotonicMs();
    const granted = await this.#contract.login(this.optionsOf(attempt)).catch((error: unknown) => {
      const failure = refusedLogin(error);
      this.#remember(failure);
      throw failure;
    });
    if (typeof granted !== 'object' || granted === null || granted.credential === undefined)
      throw new SecretsError('bad-response', {
        problem: 'The login gave no credential.',
        remedy: 'Check what answers at the provider’s address.',
      });
    this.#refusal = undefined;
    const grant: Grant = { ...granted, sentMs, untilMs: Number.POSITIVE_INFINITY };
    try {
      attempt.signal.throwIfAborted();
      if (grant.lease !== undefined) checkLease(grant.lease);
    } catch (error) {
      void this.#giveBack(grant, attempt.address);
      throw error;
    }
    const previous = this.#grant;
    this.#grant = grant;
    this.#observer.started(grant, previous);
    return grant;
  }

  /** A login that is refused answers for a while: every reference would try it again, and lock the account. */
  #remember(error: unknown): void {
    if (!isSecretsError(error) || error.code !== 'unauthenticated') return;
    const count = (this.#refusal?.count ?? 0) + 1;
    const lastsMs = Math.min(MOST_REFUSAL_MS, FIRST_REFUSAL_MS * 2 ** Math.min(count - 1, 16));
    this.#refusal = { error, count, untilMs: this.#clock.monotonicMs() + lastsMs };
  }

  /** Revokes a login that came too late for anybody, or that cannot be used. Never rejects. */
  async #giveBack(grant: Grant, address: string | undefined): Promise<void> {
    if (!grant.revocable) return;
    const { signal } = new AbortController();
    try {
      await this.#contract.revoke?.(grant.credential, this.optionsOf({ signal, address }));
    } catch {
      // It ends by itself.
    }
  }

  /** A login of this moment is not dead: a check that says so (its policy forbids it) is not asked again. */
  async #doubtCheck(fresh: Grant, denial: SecretsError, attempt: Attempt): Promise<void> {
    const isDead = await this.isDead(fresh, denial, attempt).catch(() => false);
    if (isDead && this.#grant === fresh) this.#checkIsReliable = false;
  }

  /** Whether `error`, from a call under `grant`, says that the backend does not know it any more. */
  async isDead(grant: Grant, error: unknown, { signal, address }: Attempt): Promise<boolean> {
    if (!isSecretsError(error) || this.#closed !== undefined) return false;
    if (error.code === 'unauthenticated') return true;
    if (error.code !== 'permission-denied' || this.#contract.isAlive === undefined) return false;
    if (!this.#checkIsReliable) return false;
    if (this.#grant !== grant) return true;
    const alive = await this.#checks.run(
      address ?? '',
      async (flight) =>
        (await this.#contract.isAlive?.(grant.credential, this.optionsOf({ signal: flight, address }))) ??
        true,
      signal,
    );
    return !alive;
  }
}

/** A denied login says nothing of the secret that it was made for: it must not pass for a denial of that. */
function refusedLogin(error: unknown): unknown {
  if (!isSecretsError(error) || error.code !== 'permission-denied') return error;
  return new SecretsError('unauthenticated', error);
}
