import { asSecretsError } from '../errors/as-secrets-error.js';
import { isSecretsError, SecretsError } from '../errors/secrets-error.js';
import { checkLease, type Lease } from '../model/lease.js';
import { SecretValue } from '../model/secret-value.js';
import type { Clock } from '../time/clock.js';
import type { Attempt } from './attempt.js';
import type { CallOptions, Provider, SecretVersion } from './contract.js';
import { type Grant, Session, type SessionObserver } from './session.js';
import type { Target } from './target.js';

/**
 * Told of every value at the edge, before anybody can print it, and when it is no longer in use: a redactor.
 *
 * The bytes are zeroed when the secret is dropped: whoever keeps them keeps the array that it was given, or a copy.
 *
 * A value is in use under `ref` from `add` until `retire`; to add it twice is no different from once. What a version
 * in service still holds (a user name that stays) is not retired with the version before it.
 */
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
  readonly #plainFields: ReadonlySet<string>;

  constructor(
    alias: string,
    provider: Provider,
    clock: Clock,
    observer: SessionObserver,
    sink: ValueSink | undefined,
    plainFields: ReadonlySet<string>,
  ) {
    this.alias = alias;
    this.#provider = provider;
    this.#clock = clock;
    this.#sink = sink;
    this.#plainFields = plainFields;
    this.session = provider.session && new Session(provider.session, clock, observer);
  }

  /** Where the backend can be reached: the addresses that it names, or one without a name. */
  get addresses(): readonly (string | undefined)[] {
    return this.#provider.addresses ?? [undefined];
  }

  get canBatch(): boolean {
    return this.#provider.fetchMany !== undefined;
  }

  get canRenew(): boolean {
    return this.#provider.renew !== undefined;
  }

  get canWatch(): boolean {
    return this.#provider.watch !== undefined;
  }

  /** Reads one version. */
  fetch(target: Target, attempt: Attempt): Promise<Fetched> {
    return this.#call(target.ref, attempt, async (options, grant) => {
      const sent = { sentMs: this.#clock.monotonicMs(), sentWallMs: this.#clock.wallMs() };
      const answer = await this.#provider.fetch(target.at, options);
      return this.#takeInOrRevoke(target, answer, options, grant, sent);
    });
  }

  /** Reads several at once: one version or error for each, in order. */
  fetchMany(targets: readonly Target[], attempt: Attempt): Promise<readonly (Fetched | SecretsError)[]> {
    return this.#call(undefined, attempt, async (options, grant) => {
      const sent = { sentMs: this.#clock.monotonicMs(), sentWallMs: this.#clock.wallMs() };
      const answers = await this.#provider.fetchMany?.(
        targets.map(({ at }) => at),
        options,
      );
      if (answers?.length !== targets.length) {
        await Promise.all(Array.from(answers ?? [], (answer) => this.#revokeUnused(answer, options)));
        throw badAnswer('The provider did not answer for each of many.');
      }
      return Promise.all(
        targets.map(async (target, place) => {
          const where = { ref: target.ref, provider: this.alias };
          const answer = answers[place];
          if (isSecretsError(answer)) return answer.at(where);
          try {
            return await this.#takeInOrRevoke(target, answer as SecretVersion, options, grant, sent);
          } catch (error) {
            return asSecretsError(error, where);
          }
        }),
      );
    });
  }

  /** Extends a lease to `ttlMs` from now. */
  renew(ref: string, leaseId: string, ttlMs: number, attempt: Attempt): Promise<Lease> {
    return this.#call(ref, attempt, async (options) => {
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
  revoke(ref: string, leaseId: string, attempt: Attempt): Promise<void> {
    return this.#call(ref, attempt, async (options) => this.#provider.revoke?.(leaseId, options));
  }

  /** Hints that `target` may have changed, until the attempt's signal aborts. */
  async *watch(target: Target, attempt: Attempt): AsyncIterable<void> {
    const options = await this.#call(target.ref, attempt, async (given) => given);
    yield* this.#provider.watch?.(target.at, options) ?? [];
  }

  /** Tells the redactor of a value, fetched or made from a fetched one. */
  register(ref: string, value: SecretValue): void {
    if (this.#sink === undefined) return;
    for (const plaintext of value.plaintexts(this.#plainFields)) this.#sink.add(plaintext, ref);
  }

  /** A version of `ref` is no longer in use; `inService` is the one that is. */
  retire(ref: string, version: Values, inService: Values | undefined): void {
    if (this.#sink === undefined) return;
    const kept = this.#plaintextsOf(inService);
    try {
      for (const plaintext of this.#plaintextsOf(version)) {
        if (!kept.some((other) => other.equals(plaintext))) this.#sink.retire(plaintext, ref);
      }
    } catch {
      // A redactor that cannot forget only redacts more.
    }
  }

  #plaintextsOf(version: Values | undefined): Buffer[] {
    return Array.from(version?.values() ?? []).flatMap((value) => [...value.plaintexts(this.#plainFields)]);
  }

  /** Closes the provider's connections. */
  async close(): Promise<void> {
    await this.#provider.close?.();
  }

  /** Checks an answer and wraps its plaintext. */
  #takeIn(target: Target, answer: SecretVersion): Pick<Fetched, 'value' | 'version' | 'lease' | 'metadata'> {
    if (typeof answer?.version !== 'string' || answer.version === '') {
      throw badAnswer('The provider gave no version.');
    }
    const { version, lease, metadata = NO_METADATA } = answer;
    if (lease !== undefined) checkLease(lease);
    const value = SecretValue.wrap(answer.data);
    this.register(target.ref, value);
    return { value, version, lease, metadata };
  }

  async #takeInOrRevoke(
    target: Target,
    answer: SecretVersion,
    options: CallOptions,
    grant: Grant | undefined,
    sent: Pick<Fetched, 'sentMs' | 'sentWallMs'>,
  ): Promise<Fetched> {
    try {
      return { ...this.#takeIn(target, answer), grant: ownerOf(answer, grant), ...sent };
    } catch (error) {
      await this.#revokeUnused(answer, options);
      throw error;
    }
  }

  /** An answer that cannot be used may hold a lease: each try would leave one behind at the store. */
  async #revokeUnused(answer: SecretVersion | SecretsError, options: CallOptions): Promise<void> {
    const id = (answer as SecretVersion | undefined)?.lease?.handle?.id;
    if (id === undefined) return;
    try {
      await this.#provider.revoke?.(id, options);
    } catch {
      // It ends by itself; the caller is told what was wrong with the answer.
    }
  }

  async #call<Result>(
    ref: string | undefined,
    attempt: Attempt,
    call: (options: CallOptions, grant: Grant | undefined) => Promise<Result>,
  ): Promise<Result> {
    const { signal, address } = attempt;
    const base = { signal, clock: this.#clock, ...(address === undefined ? {} : { address }) };
    try {
      if (this.session === undefined) return await call(base, undefined);
      return await this.session.run((grant) => call({ ...base, session: grant.credential }, grant), attempt);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw asSecretsError(error, { ...(ref === undefined ? {} : { ref }), provider: this.alias });
    }
  }
}

const NO_METADATA: Readonly<Record<string, string>> = Object.freeze({});

/** A value and what was made from it. */
interface Values {
  values(): Iterable<SecretValue>;
}

/** The login that a lease dies with. */
function ownerOf({ lease }: SecretVersion, grant: Grant | undefined): Grant | undefined {
  return lease?.handle !== undefined && grant?.ownsLeases !== false ? grant : undefined;
}

function badAnswer(problem: string): SecretsError {
  return new SecretsError('bad-response', {
    problem,
    remedy: 'Check what answers at the provider’s address; the value held before stays.',
  });
}
