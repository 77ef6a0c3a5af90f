import type { SessionContract } from '@keyturn/core/provider';
import { type Clock, isSecretsError, type Lease, SecretsError, SingleFlight } from '@keyturn/core/provider';
import type { Caller } from '../client.js';

/** How long a refused login answers for the next call, in milliseconds: each try counts towards a lockout. */
const REFUSAL_MS = 5_000;

/** A login in use; the times are on the steady clock. */
interface Held {
  readonly credential: unknown;
  readonly revocable: boolean;
  /** What it was granted for at first. */
  readonly grantedMs: number;
  renewAtMs: number;
  untilMs: number;
}

type Attempt = Pick<Caller, 'signal' | 'address'>;

/**
 * A login that is kept alive by being used.
 *
 * The core keeps the logins of providers by its timers. A client that answers calls and holds no value needs none: the
 * first call logs in, one after two thirds of the token's life renews it before it goes on, one that finds the token
 * dead logs in again. A process that rests lets the token end.
 */
export class OwnLogin {
  readonly #contract: SessionContract;
  readonly #clock: Clock;
  readonly #flights = new SingleFlight<Held>();
  readonly #checks = new SingleFlight<boolean>();
  #held: Held | undefined;
  #refusal: { readonly error: SecretsError; readonly untilMs: number } | undefined;
  #checkIsReliable = true;

  constructor(contract: SessionContract, clock: Clock) {
    this.#contract = contract;
    this.#clock = clock;
  }

  /** Calls with the login in use; when the store turns out not to know it, logs in once more and calls again. */
  async run<Result>(call: (session: unknown) => Promise<Result>, attempt: Attempt): Promise<Result> {
    const held = await this.#current(attempt);
    try {
      return await call(held.credential);
    } catch (error) {
      if (!(await this.#isDead(held, error, attempt))) throw error;
    }
    if (this.#held === held) this.#held = undefined;
    const next = await this.#current(attempt);
    try {
      return await call(next.credential);
    } catch (error) {
      // A login of this moment is not dead: a check that says so (its policy forbids it) is not asked again.
      if (isDenial(error) && (await this.#isDead(next, error, attempt))) this.#checkIsReliable = false;
      throw error;
    }
  }

  /** Gives the login back. What cannot be revoked ends by itself. */
  async close({ signal, address }: Attempt): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined || !held.revocable) return;
    await this.#contract.revoke?.(held.credential, this.#options({ signal, address })).catch(() => {});
  }

  async #current({ signal, address }: Attempt): Promise<Held> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#held !== undefined && nowMs < this.#held.renewAtMs) return this.#held;
    if (this.#refusal !== undefined && nowMs < this.#refusal.untilMs) throw this.#refusal.error;
    // Not shared between addresses: who comes from one that hangs must not wait for it again.
    const keep = (flight: AbortSignal) => this.#keep({ signal: flight, address });
    return this.#flights.run(address ?? '', keep, signal);
  }

  async #keep(attempt: Attempt): Promise<Held> {
    const held = this.#held;
    if (held !== undefined && this.#clock.monotonicMs() < held.untilMs) {
      try {
        return await this.#renew(held, attempt);
      } catch (error) {
        if (!isSecretsError(error) || error.code !== 'unauthenticated') return this.#postpone(held);
      }
    }
    return this.#logIn(attempt);
  }

  async #renew(held: Held, attempt: Attempt): Promise<Held> {
    const sentMs = this.#clock.monotonicMs();
    const options = { ...this.#options(attempt), ttlMs: held.grantedMs };
    const lease = await this.#contract.renew?.(held.credential, options);
    Object.assign(held, times(sentMs, lease, held.grantedMs));
    return held;
  }

  /** It could not be renewed now, and is good for a while: so it is used, and tried again later. */
  #postpone(held: Held): Held {
    const nowMs = this.#clock.monotonicMs();
    held.renewAtMs = nowMs + (held.untilMs - nowMs) / 4;
    return held;
  }

  async #logIn(attempt: Attempt): Promise<Held> {
    const sentMs = this.#clock.monotonicMs();
    try {
      const { credential, revocable, lease } = await this.#contract.login(this.#options(attempt));
      const grantedMs = lease?.ttlMs ?? Number.POSITIVE_INFINITY;
      this.#held = { credential, revocable, grantedMs, ...times(sentMs, lease, grantedMs) };
      this.#refusal = undefined;
      return this.#held;
    } catch (error) {
      const refused = isDenial(error) ? new SecretsError('unauthenticated', error) : error;
      if (isSecretsError(refused) && refused.code === 'unauthenticated') {
        this.#refusal = { error: refused, untilMs: this.#clock.monotonicMs() + REFUSAL_MS };
      }
      throw refused;
    }
  }

  /** Whether `error`, from a call under `held`, says that the store does not know that login any more. */
  async #isDead(held: Held, error: unknown, { signal, address }: Attempt): Promise<boolean> {
    if (isSecretsError(error) && error.code === 'unauthenticated') return true;
    if (!isDenial(error) || this.#contract.isAlive === undefined || !this.#checkIsReliable) return false;
    if (this.#held !== held) return true;
    const check = async (flight: AbortSignal) =>
      (await this.#contract.isAlive?.(held.credential, this.#options({ signal: flight, address }))) ?? true;
    return !(await this.#checks.run(address ?? '', check, signal));
  }

  #options({ signal, address }: Attempt) {
    return { signal, clock: this.#clock, ...(address === undefined ? {} : { address }) };
  }
}

/**
 * When to renew a token, and until when it is good: less a tenth, at most 2 s, for the way there. One that is granted
 * less than half of its first length is near its maximum, and is left to end.
 */
function times(sentMs: number, lease: Lease | undefined, grantedMs: number) {
  if (lease === undefined) return { renewAtMs: Number.POSITIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };
  const { ttlMs, handle } = lease;
  const untilMs = sentMs + ttlMs - Math.min(2_000, ttlMs / 10);
  const isWorthIt = handle?.renewable === true && ttlMs >= grantedMs / 2;
  return { renewAtMs: isWorthIt ? sentMs + (ttlMs * 2) / 3 : untilMs, untilMs };
}

function isDenial(error: unknown): error is SecretsError {
  return isSecretsError(error) && error.code === 'permission-denied';
}
