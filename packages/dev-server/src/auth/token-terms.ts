import { refused } from '../refusal.js';
import type { TokenTerms } from '../reply.js';
import type { FieldValues } from '../routing/fields.js';

/** The settings of the tokens that a role gives, the same for every auth method. */
export const TOKEN_FIELDS = {
  token_policies: 'texts',
  /** The older name of `token_policies`. */
  policies: 'texts',
  token_no_default_policy: 'flag',
  token_ttl: 'seconds',
  token_max_ttl: 'seconds',
  token_explicit_max_ttl: 'seconds',
  token_period: 'seconds',
  token_num_uses: 'int',
  token_type: 'text',
  token_bound_cidrs: 'texts',
} as const;

type TokenFields = FieldValues<typeof TOKEN_FIELDS>;

const BATCH = "'token_type' cannot be 'batch' or 'default_batch' when set";

export const NO_TERMS: TokenTerms = {
  policies: [],
  noDefaultPolicy: false,
  ttlSeconds: 0,
  maxTtlSeconds: 0,
  explicitMaxTtlSeconds: 0,
  periodSeconds: 0,
  numUses: 0,
  type: 'service',
};

/**
 * A role's token settings after a write that may leave some out.
 *
 * @throws Refusal 400 for settings that contradict each other, and for address bindings, which are not evaluated here
 */
export function readTerms(fields: TokenFields, before: TokenTerms = NO_TERMS): TokenTerms {
  if ((fields.token_bound_cidrs ?? []).length > 0) {
    throw refused('the dev server does not evaluate "token_bound_cidrs"');
  }
  const terms: TokenTerms = {
    policies: fields.token_policies ?? fields.policies ?? before.policies,
    noDefaultPolicy: fields.token_no_default_policy ?? before.noDefaultPolicy,
    ttlSeconds: fields.token_ttl ?? before.ttlSeconds,
    maxTtlSeconds: fields.token_max_ttl ?? before.maxTtlSeconds,
    explicitMaxTtlSeconds: fields.token_explicit_max_ttl ?? before.explicitMaxTtlSeconds,
    periodSeconds: fields.token_period ?? before.periodSeconds,
    numUses: fields.token_num_uses ?? before.numUses,
    type: tokenType(fields.token_type, before.type),
  };
  if (terms.numUses < 0) throw refused("'token_num_uses' cannot be negative");
  if (terms.type === 'batch' && terms.numUses > 0) {
    throw refused(`${BATCH} to generate tokens with limited use count`);
  }
  if (terms.type === 'batch' && terms.periodSeconds > 0) {
    throw refused(`${BATCH} to generate periodic tokens`);
  }
  if (terms.maxTtlSeconds > 0 && terms.ttlSeconds > terms.maxTtlSeconds) {
    throw refused("'token_ttl' cannot be greater than 'token_max_ttl'");
  }
  return terms;
}

/** The same settings as a read of the role prints them. */
export function describeTerms(terms: TokenTerms): Record<string, unknown> {
  return {
    token_bound_cidrs: [],
    token_explicit_max_ttl: terms.explicitMaxTtlSeconds,
    token_max_ttl: terms.maxTtlSeconds,
    token_no_default_policy: terms.noDefaultPolicy,
    token_num_uses: terms.numUses,
    token_period: terms.periodSeconds,
    token_policies: terms.policies,
    token_strictly_bind_ip: false,
    token_ttl: terms.ttlSeconds,
    token_type: terms.type === 'batch' ? 'batch' : 'default',
  };
}

/** Policy names as a token carries them: lower case, each once, sorted, `default` among them unless left out. */
export function tokenPolicies(names: readonly string[], addDefault: boolean): readonly string[] {
  const set = new Set(names.map((name) => name.trim().toLowerCase()).filter((name) => name !== ''));
  if (addDefault && !set.has('root')) set.add('default');
  return [...set].sort();
}

function tokenType(given: string | undefined, before: TokenTerms['type']): TokenTerms['type'] {
  if (given === undefined) return before;
  if (given === 'batch') return 'batch';
  if (['', 'default', 'default-service', 'service'].includes(given)) return 'service';
  throw refused(`invalid 'token_type' value ${JSON.stringify(given)}`);
}
