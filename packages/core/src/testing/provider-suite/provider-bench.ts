import { randomBytes } from 'node:crypto';
import { sharedAbort } from '../../concurrency/shared-abort.js';
import type { ErrorCode } from '../../errors/error-policy.js';
import { isSecretsError, type SecretsError } from '../../errors/secrets-error.js';
import { SecretValue } from '../../model/secret-value.js';
import type {
  CallOptions,
  Provider,
  ProviderRef,
  SecretVersion,
  SessionGrant,
  SessionOptions,
} from '../../provider/contract.js';
import type { Clock } from '../../time/clock.js';
import { systemClock } from '../../time/system-clock.js';
import { assertThat } from '../assert-that.js';
import { type LeakProbe, leakProbe } from '../leak-probe.js';
import { settledWithin } from '../pass-time.js';
import type { ProviderUnderTest } from './provider-under-test.js';

/** How soon a call must settle that has nothing to wait for, in milliseconds. */
export const PROMPT_MS = 1_000;

/** A lease that a check was given. */
export interface GivenLease {
  readonly version: string;
  readonly id: string;
  readonly ttlMs: number;
  readonly renewable: boolean;
}

/**
 * A provider on the bench: logged in, each answer and error that it gives looked into for values, and whatever
 * was leased put back at the end.
 */
export class ProviderBench {
  readonly underTest: ProviderUnderTest;
  readonly provider: Provider;
  readonly clock: Clock;
  /** What a check may pass without a login: to the session's own methods. */
  readonly base: SessionOptions;
  readonly #probe: LeakProbe;
  readonly #grants: SessionGrant[] = [];
  readonly #leases: string[] = [];
  #options: CallOptions;

  private constructor(underTest: ProviderUnderTest) {
    this.underTest = underTest;
    this.provider = underTest.provider;
    this.clock = underTest.clock ?? systemClock;
    this.base = { signal: sharedAbort().signal, clock: this.clock };
    this.#options = this.base;
    this.#probe = leakProbe(underTest.credentials ?? []);
  }

  static async open(underTest: ProviderUnderTest): Promise<ProviderBench> {
    const bench = new ProviderBench(underTest);
    try {
      if (underTest.provider.session !== undefined) bench.#options = bench.under(await bench.login());
      return bench;
    } catch (error) {
      await bench.close();
      throw error;
    }
  }

  /** What every call is given: a signal that does not abort, the clock, the login. */
  get options(): CallOptions {
    return this.#options;
  }

  /** The options of a call under another login. */
  under(grant: SessionGrant): CallOptions {
    return { ...this.base, session: grant.credential };
  }

  /** A value that stands nowhere but in the backend. */
  secretValue(): string {
    const value = `canary-${randomBytes(9).toString('hex')}`;
    this.#probe.add(value);
    return value;
  }

  /** Writes a user name and a value of its own under `name`. */
  async put(name: string): Promise<{ readonly ref: ProviderRef; readonly fields: Record<string, string> }> {
    const fields = { username: 'app', password: this.secretValue() };
    return { ref: await this.underTest.put(name, fields), fields };
  }

  /** Fetches and checks that the answer is one. */
  async fetch(ref: ProviderRef, options: CallOptions = this.options): Promise<SecretVersion> {
    const answer = await this.provider.fetch(ref, options);
    assertThat(
      typeof answer?.version === 'string' && answer.version !== '',
      'version must be a text, not empty',
    );
    const { data: _, ...facts } = answer;
    this.look(facts, 'what an answer says besides its data');
    const id = answer.lease?.handle?.id;
    if (id !== undefined) this.#leases.push(id);
    return answer;
  }

  /** Obtains a lease with an id. */
  async lease(options: CallOptions = this.options): Promise<GivenLease> {
    assertThat(this.underTest.leased !== undefined, 'the test must be given leased');
    const { version, lease } = await this.fetch(this.underTest.leased, options);
    assertThat(lease?.handle !== undefined, 'what is leased must have a lease with a handle');
    return { version, ...lease.handle, ttlMs: lease.ttlMs };
  }

  /** Logs in once more. */
  async login(options: SessionOptions = this.base): Promise<SessionGrant> {
    const { session } = this.provider;
    assertThat(session !== undefined, 'the provider must have a session');
    const grant = await session.login(options);
    if (grant.revocable) this.#grants.push(grant);
    return grant;
  }

  /** What `call` rejects with, promptly: a SecretsError that helps and shows nothing, of one of `codes` if given. */
  async failure(
    call: () => Promise<unknown>,
    what: string,
    codes?: readonly ErrorCode[],
  ): Promise<SecretsError> {
    const outcome = await this.settled(call(), what);
    assertThat(outcome.status === 'rejected', `${what} must reject, but resolves`);
    const error: unknown = outcome.reason;
    this.look(error, `the error of: ${what}`);
    assertThat(isSecretsError(error), `${what} must reject with a SecretsError`);
    assertThat(error.problem !== '' && error.remedy !== '', `the error of ${what} must say what to do`);
    const isExpected = codes?.includes(error.code) ?? true;
    assertThat(isExpected, `${what} must be ${codes?.join(' or ')}, but is ${error.code}`);
    return error;
  }

  /** What comes of `promise`, which must be something within `limitMs`. */
  async settled<Result>(
    promise: Promise<Result>,
    what: string,
    limitMs = 10 * PROMPT_MS,
  ): Promise<PromiseSettledResult<Result>> {
    const outcome = await settledWithin(this.clock, limitMs, promise);
    assertThat(outcome !== undefined, `${what} must settle within ${limitMs} ms`);
    return outcome;
  }

  /** Looks for values in something that is not a value. */
  look(thing: unknown, where: string): void {
    this.#probe.inspect(thing, where);
  }

  /** Nothing that the provider showed, said or holds in the open may be a value. */
  assertNothingShown(): void {
    this.look(this.provider, 'the provider');
    this.#probe.assertClean();
  }

  /** Gives everything back. */
  async close(): Promise<void> {
    this.#probe.stop();
    const { revoke, session } = this.provider;
    for (const id of revoke === undefined ? [] : this.#leases) {
      await this.#quietly(() => this.provider.revoke?.(id, this.options));
    }
    for (const grant of this.#grants)
      await this.#quietly(() => session?.revoke?.(grant.credential, this.base));
    await this.#quietly(() => this.provider.close?.());
    await this.underTest.stop?.();
  }

  /** A backend that a check has taken away cannot be asked to clean up. */
  async #quietly(step: () => Promise<void> | undefined): Promise<void> {
    await settledWithin(this.clock, PROMPT_MS, (async () => step())());
  }
}

/** The fields of an answer as text, as the core sees them: a single value that is a JSON object counts. */
export function fieldsOf({ data }: SecretVersion): Record<string, string> {
  return SecretValue.wrap(data).texts('the answer');
}

/** Whether two answers or field sets hold the same. */
export function sameFields(
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
