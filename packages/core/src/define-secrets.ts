import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SecretsError } from './errors/secrets-error.js';
import { throwAll } from './errors/throw-all.js';
import { checkSchema, type ValueOf } from './model/schema.js';
import type { Secret } from './model/secret.js';
import { parseRef } from './model/secret-ref.js';
import { isTemplate, type SecretInput } from './model/template.js';
import type { Secrets } from './secrets.js';

/** One thing that a service needs: a reference or template, and what its content must look like. */
export interface SecretNeed {
  readonly ref: SecretInput;
  readonly schema?: StandardSchemaV1;
}

/** What a service needs, by the names that it has for it. */
export type SecretNeeds = Readonly<Record<string, SecretInput | SecretNeed>>;

type SecretOf<Need> = Need extends { readonly schema: infer Schema extends StandardSchemaV1 }
  ? Secret<ValueOf<Schema>>
  : Secret;

/** A function for each need, that gives the secret in service, as `getSecret` does. */
export type LoadedSecrets<Needs extends SecretNeeds> = {
  readonly [Name in keyof Needs]: () => Promise<SecretOf<Needs[Name]>>;
};

/** What a service declared that it needs. */
export interface DefinedSecrets<Needs extends SecretNeeds> {
  /** The references by name: what the service has to be allowed to read. */
  readonly refs: Readonly<Record<keyof Needs & string, readonly string[]>>;
  /**
   * Fetches and checks everything, at once.
   *
   * @throws SecretsError for what is missing or does not match its schema; with several, its message lists them all
   */
  load(secrets: Secrets): Promise<LoadedSecrets<Needs>>;
}

/**
 * Declares what a service needs, so that it fails at start-up with all that is missing, rather than at its first
 * request with one of it.
 *
 * ```ts
 * const needs = defineSecrets({
 *   stripe: 'vault:secret/orders#stripe_key',
 *   database: { ref: 'vault:database/creds/orders', schema: z.object({ username: z.string(), password: z.string() }) },
 * });
 *
 * const { stripe, database } = await needs.load(secrets);
 * (await stripe()).reveal();
 * (await database()).revealValue().password;
 * ```
 *
 * @throws SecretsError `invalid-ref` for a malformed reference, `invalid-config` for what is no schema
 */
export function defineSecrets<const Needs extends SecretNeeds>(needs: Needs): DefinedSecrets<Needs> {
  if (typeof needs !== 'object' || needs === null)
    throw misused('defineSecrets', 'the needs of a service by name');
  const entries = Object.entries(needs).map(([name, need]) => [name, checked(need)] as const);
  return {
    refs: Object.fromEntries(entries.map(([name, { ref }]) => [name, refsOf(ref)])) as Record<
      keyof Needs & string,
      readonly string[]
    >,
    async load(secrets) {
      if (typeof secrets?.getSecret !== 'function') throw misused('load', 'what createSecrets gave');
      const loaded = entries.map(([name, need]) => [name, () => read(secrets, need)] as const);
      throwAll(await Promise.allSettled(loaded.map(([, get]) => get())), 'load');
      return Object.fromEntries(loaded) as LoadedSecrets<Needs>;
    },
  };
}

function checked(given: SecretInput | SecretNeed): SecretNeed {
  if (given === undefined || given === null) return checked('');
  const need = typeof given === 'string' || isTemplate(given) ? { ref: given } : given;
  for (const ref of refsOf(need.ref)) parseRef(ref);
  if (need.schema !== undefined) checkSchema(need.schema, String(need.ref));
  return need;
}

function read(secrets: Secrets, { ref, schema }: SecretNeed): Promise<Secret> {
  return schema === undefined ? secrets.getSecret(ref) : secrets.getSecret(ref, { schema });
}

function refsOf(input: SecretInput): readonly string[] {
  return isTemplate(input) ? Object.values(input.refs) : [input];
}

function misused(method: string, wanted: string): SecretsError {
  return new SecretsError('invalid-config', {
    problem: `${method}() was not given ${wanted}.`,
    remedy: 'Correct the arguments of the call.',
  });
}
