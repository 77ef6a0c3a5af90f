import { asSecretsError } from '../errors/as-secrets-error.js';
import { SecretsError } from '../errors/secrets-error.js';
import type { Lease } from '../model/lease.js';
import { SecretValue } from '../model/secret-value.js';
import type { Clock } from '../time/clock.js';
import type { CallOptions, Provider } from './contract.js';
import { type Grant, Session, type SessionObserver } from './session.js';
import type { Target } from './target.js';

/** Told of every value at the edge, before anybody can print it, and when it is no longer in use: a redactor. */
export interface ValueSink {
  add(value: Uint8Array, ref: string): void;
  retire(value: Uint8Array, ref: string): void;
}

/** One version as it came over the provider's edge: wrapped, checked and dated. */
export interface Fetched {
  readonly value: SecretValue;
  readonly version: string;
  readonly lease: Lease | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** The login that a lease was obtained under, when it dies with that login. */
  readonly grant: Grant | undefined;
  readonly sentMs: number;
  readonly sentWallMs: number;
}

/**
 * Wraps the user's provider once, so that nothing else in the core has to distrust it: gives every call its
 * login, checks every answer, turns every foreign error into a {@link SecretsError} that names the provider,
 * and takes plaintext in at the edge.
 */
export class ProviderRuntime {
  readonly alias: string;
  readonly session: Session | undefined;
  readonly #provider: Provider;
  readonly #clock: Clock;
  readonly #sink: ValueSink | undefined;

  constructor(
    alias: string,
    provider: Provider,
    clock: Clock,
    observer: SessionObserver,
    sink: ValueSink | undefined,
  ) {
    this.alias = alias;
    this.#provider = provider;
    this.#clock = clock;
    this.#sink = sink;
    this.session = provider.session && new Session(provider.session, clock, observer);
  }

  get canRenew(): boolean {
    return this.#provider.renew !== undefined;
  }

  get canWatch(): boolean {
    return this.#provider.watch !== undefined;
  }

  /** Reads one version. */
  fetch(target: Target, signal: AbortSignal): Promise<Fetched> {
    return this.#call(target.ref, signal, async (options, grant) => {
      const sent = { sentMs: this.#clock.monotonicMs(), sentWallMs: this.#clock.wallMs() };
      const answer = await this.#provider.fetch(target.at, options);
      if (typeof answer?.version !== 'string' || answer.version === '') {
        throw badAnswer('The provider gave no version.');
      }
      if (answer.lease !== undefined) checkLease(answer.lease);
      const value = SecretValue.wrap(answer.data);
      this.register(target.ref, value);
      return {
        value,
        version: answer.version,
        lease: answer.lease,
        metadata: answer.metadata ?? {},
        grant: answer.lease?.handle !== undefined && grant?.ownsLeases !== false ? grant : undefined,
        ...sent,
      };
    });
  }

  /** Extends a lease to `ttlMs` from now. */
  renew(ref: string, leaseId: string, ttlMs: number, signal: AbortSignal): Promise<Lease> {
    return this.#call(ref, signal, async (options) => {
      const lease = await this.#provider.renew?.(leaseId, { ...options, ttlMs });
      if (lease === undefined) {
        throw new SecretsError('unsupported', {
          problem: 'The provider cannot renew leases.',
          remedy: 'The secret is fetched anew before its lease ends instead.',
        });
      }
      checkLease(lease);
      return lease;
    });
  }

  /** Ends a lease at the backend. */
  revoke(ref: string, leaseId: string, signal: AbortSignal): Promise<void> {
    return this.#call(ref, signal, async (options) => this.#provider.revoke?.(leaseId, options));
  }

  /** Hints that `target` may have changed, until `signal` aborts. */
  async *watch(target: Target, signal: AbortSignal): AsyncIterable<void> {
    const options = await this.#call(target.ref, signal, async (given) => given);
    yield* this.#provider.watch?.(target.at, options) ?? [];
  }

  /** Tells the redactor of a value, fetched or made from a fetched one. */
  register(ref: string, value: SecretValue): void {
    for (const plaintext of value.plaintexts()) this.#sink?.add(plaintext, ref);
  }

  /** The values of `ref` are no longer in use. */
  retire(ref: string, values: Iterable<SecretValue>): void {
    for (const value of values) {
      for (const plaintext of value.plaintexts()) this.#sink?.retire(plaintext, ref);
    }
  }

  /** Closes the provider's connections. */
  async close(): Promise<void> {
    await this.#provider.close?.();
  }

  async #call<Result>(
    ref: string,
    signal: AbortSignal,
    call: (options: CallOptions, grant: Grant | undefined) => Promise<Result>,
  ): Promise<Result> {
    const base = { signal, clock: this.#clock };
    try {
      if (this.session === undefined) return await call(base, undefined);
      return await this.session.run((grant) => call({ ...base, session: grant.credential }, grant), signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw asSecretsError(error, { ref, provider: this.alias });
    }
  }
}

function checkLease(lease: Lease): void {
  if (!(Number.isFinite(lease.ttlMs) && lease.ttlMs > 0)) {
    throw badAnswer('The lease has no length: its ttl is zero, negative or no number.');
  }
}

function badAnswer(problem: string): SecretsError {
  return new SecretsError('bad-response', {
    problem,
    remedy: 'Check what answers at the provider’s address; the value held before stays.',
  });
}
