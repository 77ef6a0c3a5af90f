import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ErrorCode } from '../errors/error-policy.js';
import { SecretsError } from '../errors/secrets-error.js';
import type { Clock } from '../time/clock.js';
import { dateOf } from '../time/system-clock.js';
import { type ValueOf, validate } from './schema.js';
import type { SecretValue } from './secret-value.js';

/** Why a stale value was handed out: the error of the refresh that should have replaced it, or that it is still running. */
export type StaleReason = ErrorCode | 'refreshing';

/** Everything about a secret but its plaintext. */
export interface SecretFacts {
  readonly version: string;
  /** When the request that brought it was sent, on the monotonic clock. */
  readonly sentMonotonicMs: number;
  /** When its lease or cache ttl ends, on the wall clock; undefined when nothing ends it. */
  readonly expiresWallMs: number | undefined;
  readonly staleReason: StaleReason | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * A secret of one version. Only the methods that begin with `reveal` hand out plaintext; printing, logging,
 * serializing or comparing it shows its reference and version and nothing else.
 *
 * Immutable: a rotation makes a new one. Ask again with `getSecret`, or `watch`, rather than keeping it.
 */
export class Secret<Value = unknown> {
  readonly #ref: string;
  readonly #value: SecretValue;
  readonly #facts: SecretFacts;
  readonly #clock: Clock;
  readonly #validated: { readonly value: Value } | undefined;

  /** Made by Keyturn; applications get theirs from `getSecret`. */
  constructor(
    ref: string,
    value: SecretValue,
    facts: SecretFacts,
    clock: Clock,
    validated?: { readonly value: Value },
  ) {
    this.#validated = validated;
    this.#ref = ref;
    this.#value = value;
    this.#facts = facts;
    this.#clock = clock;
  }

  /** The reference that it answers. */
  get ref(): string {
    return this.#ref;
  }

  /** The backend's version; opaque. */
  get version(): string {
    return this.#facts.version;
  }

  /** Whether it was handed out past its ttl because the refresh is running or failed. Never past a lease's end. */
  get stale(): boolean {
    return this.#facts.staleReason !== undefined;
  }

  /** Why it is stale. */
  get staleReason(): StaleReason | undefined {
    return this.#facts.staleReason;
  }

  /** Milliseconds since the request that brought it was sent. */
  get ageMs(): number {
    return Math.max(0, this.#clock.monotonicMs() - this.#facts.sentMonotonicMs);
  }

  /** When its lease or cache ttl ends; undefined when nothing ends it. */
  get expiresAt(): ReturnType<typeof dateOf> | undefined {
    return this.#facts.expiresWallMs === undefined ? undefined : dateOf(this.#facts.expiresWallMs);
  }

  /** What the backend says about it, such as its creation time. Never a value. */
  get metadata(): Readonly<Record<string, string>> {
    return this.#facts.metadata;
  }

  /** The names of its fields; empty for a single value. */
  fields(): readonly string[] {
    return this.#value.names;
  }

  /**
   * One field, of the same version.
   *
   * @throws SecretsError `not-found` when there is no such field, `bad-response` when it is empty
   */
  field(name: string): Secret {
    const ref = `${this.#ref}#${name}`;
    return new Secret(ref, this.#value.field(name, ref), this.#facts, this.#clock);
  }

  /**
   * The plaintext as text (UTF-8).
   *
   * @throws SecretsError `invalid-ref` when it has several fields
   */
  reveal(): string {
    return this.#value.single(this.#ref).toString('utf8');
  }

  /**
   * The plaintext as bytes: a copy that is the caller's to keep or zero.
   *
   * @throws SecretsError `invalid-ref` when it has several fields
   */
  revealBytes(): Uint8Array {
    return Uint8Array.from(this.#value.single(this.#ref));
  }

  /**
   * The plaintext parsed as JSON.
   *
   * @throws SecretsError `invalid-value` when it is not JSON, `invalid-ref` when it has several fields
   */
  revealJson(): unknown {
    const text = this.#value.single(this.#ref).toString('utf8');
    try {
      return JSON.parse(text);
    } catch {
      throw new SecretsError('invalid-value', {
        ref: this.#ref,
        problem: 'The value is not JSON.',
        remedy: 'Take it as text with reveal(), or mend it at the store.',
      });
    }
  }

  /**
   * All fields as text, together: user and password are of one version.
   *
   * @throws SecretsError `invalid-ref` when it is a single value that is not a JSON object
   */
  revealFields(): Record<string, string> {
    return this.#value.texts(this.#ref);
  }

  /**
   * What the schema given to `getSecret` made of the plaintext.
   *
   * @throws SecretsError `invalid-config` when none was given
   */
  revealValue(): Value {
    if (this.#validated !== undefined) return this.#validated.value;
    throw new SecretsError('invalid-config', {
      ref: this.#ref,
      problem: 'The secret was asked for without a schema.',
      remedy: 'Pass one: getSecret(ref, { schema }).',
    });
  }

  /**
   * The same secret, with what `schema` makes of its content.
   *
   * @throws SecretsError `invalid-value` when it does not match, naming the places and never what stands there
   */
  async validated<Schema extends StandardSchemaV1>(schema: Schema): Promise<Secret<ValueOf<Schema>>> {
    const value = await validate(this.#value.content(), schema, this.#ref);
    return new Secret(this.#ref, this.#value, this.#facts, this.#clock, { value });
  }

  toString(): string {
    const { version } = this.#facts;
    return `Secret(${this.#ref}, ${/^\d+$/.test(version) ? `v${version}` : version})`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.toPrimitive](): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
