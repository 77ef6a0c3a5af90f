import type { HostClock } from '@keyturn/core/provider';
import { grantTtl, SYSTEM_TTL_SECONDS } from '../lease-ttl.js';
import type { PolicyStore } from '../policies/policy-store.js';
import { messageOf, refused } from '../refusal.js';
import type { Reply } from '../reply.js';
import type { FieldValues } from '../routing/fields.js';
import type { Call } from '../routing/route.js';
import { durationSeconds } from '../time/go-duration.js';
import { authBlock, isRoot } from '../token-description.js';
import type { Token, Tokens } from '../tokens.js';
import { tokenPolicies } from './token-terms.js';

/** What the token mount works on. */
export interface TokenApiParts {
  readonly clock: HostClock;
  readonly tokens: Tokens;
  readonly policies: PolicyStore;
}

export const CREATE_FIELDS = {
  id: 'text',
  policies: 'any',
  ttl: 'any',
  lease: 'any',
  explicit_max_ttl: 'any',
  period: 'any',
  num_uses: 'int',
  renewable: 'flag',
  no_parent: 'flag',
  no_default_policy: 'flag',
  display_name: 'text',
  meta: 'pairs',
  type: 'text',
  entity_alias: 'text',
} as const;

type Fields = FieldValues<typeof CREATE_FIELDS>;

/** The lifetimes that a request asks for, in seconds; 0: not set. */
interface Lifetimes {
  readonly ttlSeconds: number;
  readonly periodSeconds: number;
  readonly explicitMaxTtlSeconds: number;
}

const CUSTOM_ID_WARNING =
  'Supplying a custom ID for the token uses the weaker SHA1 hashing instead of the more secure SHA2-256 HMAC for token obfuscation. SHA1 hashed tokens on the wire leads to less secure lookups.';

/**
 * Makes the token that a caller asks for.
 *
 * Without `sudo` on the endpoint a caller cannot give more than it has: no further policies, no orphan, no period,
 * no id of its own choosing.
 *
 * @throws Refusal 400 in the words of the server
 */
export function createToken(
  { clock, tokens, policies }: TokenApiParts,
  { fields, caller, path, mount }: Call<typeof CREATE_FIELDS>,
  orphan: boolean,
): Reply {
  const parent = caller as Token;
  const privileged = policies.aclOf(parent).allows(`auth/token/${path}`, 'sudo');
  const type = tokenType(fields.type);
  const lifetimes = readLifetimes(fields);
  checkRequest(fields, lifetimes, parent, privileged);
  const granted = grantedPolicies(fields, parent, privileged);
  if (type === 'batch') checkBatch(fields, lifetimes, granted);

  const { ttlSeconds, periodSeconds, explicitMaxTtlSeconds } = lifetimes;
  const ttl = grantTtl({
    defaultSeconds: ttlSeconds || Math.min(explicitMaxTtlSeconds, SYSTEM_TTL_SECONDS),
    periodSeconds,
    explicitMaxSeconds: explicitMaxTtlSeconds,
    mountDefaultSeconds: mount.config.defaultLeaseTtlSeconds,
    mountMaxSeconds: mount.config.maxLeaseTtlSeconds,
    nowMs: clock.wallMs(),
  });
  const endless =
    granted.includes('root') && ttlSeconds === 0 && periodSeconds === 0 && explicitMaxTtlSeconds === 0;
  const token = tokens.issue({
    type,
    path: `auth/token/${path}`,
    policies: granted,
    displayName: displayName(fields.display_name),
    mount,
    renewable: fields.renewable ?? true,
    metadata: fields.meta ?? null,
    numUses: fields.num_uses ?? 0,
    explicitMaxTtlSeconds,
    periodSeconds,
    ...(fields.id === undefined ? {} : { id: fields.id }),
    ...(orphan || fields.no_parent === true ? {} : { parent }),
    ...(endless ? {} : { ttlSeconds: ttl.ttlSeconds }),
  });
  const missing = granted.filter((name) => name !== 'root' && policies.find(name) === undefined);
  return {
    auth: authBlock(token),
    accessor: token.accessor,
    warnings: [
      ...(fields.id === undefined ? [] : [CUSTOM_ID_WARNING]),
      ...ttl.warnings,
      ...missing.map((name) => `Policy "${name}" does not exist`),
    ],
  };
}

function checkRequest(
  fields: Fields,
  { periodSeconds }: Lifetimes,
  parent: Token,
  privileged: boolean,
): void {
  const needSudo = (what: string) => {
    if (!privileged) throw refused(`root or sudo privileges required to ${what}`);
  };
  if (parent.definition.type === 'batch') throw refused('batch tokens cannot create more tokens');
  if (fields.id !== undefined) needSudo('specify token id');
  if (fields.id?.includes('.')) throw refused("custom token ID cannot have a '.' in the value");
  if (fields.no_parent) needSudo('create orphan token');
  if (fields.entity_alias) throw refused("'entity_alias' is only allowed in combination with token role");
  if ((fields.num_uses ?? 0) < 0) throw refused('number of uses cannot be negative');
  if (periodSeconds > 0) needSudo('create periodic token');
}

function grantedPolicies(fields: Fields, parent: Token, privileged: boolean): readonly string[] {
  const own = parent.definition.policies;
  const asked = namesOf(fields.policies);
  if (!privileged && asked.some((name) => name !== 'default' && !own.includes(name))) {
    throw refused('child policies must be subset of parent');
  }
  const names = asked.length === 0 ? own : asked;
  if (!names.includes('root')) return tokenPolicies(names, !fields.no_default_policy);
  if (!isRoot(parent)) throw refused('root tokens may not be created without parent token being root');
  return ['root'];
}

function checkBatch(fields: Fields, { periodSeconds }: Lifetimes, granted: readonly string[]): void {
  if (granted.includes('root')) throw refused('batch tokens cannot be root tokens');
  if ((fields.num_uses ?? 0) > 0) throw refused('batch tokens cannot have "num_uses" set');
  if (periodSeconds > 0) throw refused('batch tokens cannot have "period" set');
}

function tokenType(given: string | undefined): 'service' | 'batch' {
  if (given === undefined || given === '' || given === 'service') return 'service';
  if (given === 'batch') return 'batch';
  throw refused("invalid 'token_type' value");
}

function readLifetimes(fields: Fields): Lifetimes {
  return {
    periodSeconds: duration(fields.period, 'period'),
    ttlSeconds: duration(fields.ttl ?? fields.lease, 'ttl'),
    explicitMaxTtlSeconds: duration(fields.explicit_max_ttl, 'explicit max TTL'),
  };
}

function duration(value: unknown, name: string): number {
  if (value === undefined || value === null) return 0;
  let seconds: number;
  try {
    seconds = durationSeconds(value);
  } catch (error) {
    throw refused(messageOf(error));
  }
  if (seconds < 0) throw refused(`${name} must be positive`);
  return seconds;
}

/** A list of names, or one name: here, unlike elsewhere, a comma does not part them. */
function namesOf(value: unknown): string[] {
  if (value === undefined || value === null || value === '') return [];
  const names: readonly unknown[] = Array.isArray(value) ? value : [value];
  return names.map((name) => String(name).trim().toLowerCase());
}

function displayName(given: string | undefined): string {
  const plain = (given ?? '').replace(/[^A-Za-z0-9-]/g, '-').replace(/^-+|-+$/g, '');
  return plain === '' ? 'token' : `token-${plain}`;
}
