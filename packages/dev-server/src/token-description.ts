import { remainingSeconds } from './leases.js';
import { rfc3339 } from './time/rfc3339.js';
import type { Token } from './tokens.js';

/** Whether a token has no parent: made so, or its parent was revoked from over it. */
export function isOrphan(token: Token): boolean {
  return token.parent === undefined;
}

/** Whether a token holds the root policy. */
export function isRoot(token: Token): boolean {
  return token.definition.policies.includes('root');
}

/** A token as the `auth` block of a login, a creation or a renewal. */
export function authBlock(token: Token): Record<string, unknown> {
  const { definition } = token;
  return {
    client_token: token.id,
    accessor: token.accessor,
    policies: definition.policies,
    token_policies: definition.policies,
    metadata: definition.metadata ?? null,
    lease_duration: token.lastTtlSeconds,
    renewable: isRenewable(token),
    entity_id: definition.entityId ?? '',
    token_type: definition.type,
    orphan: isOrphan(token),
    mfa_requirement: null,
    num_uses: definition.numUses ?? 0,
  };
}

/** A token as its lookup describes it. */
export function describeToken(token: Token, nowMs: number): Record<string, unknown> {
  const { definition, expireMs, lastRenewalMs } = token;
  return {
    accessor: token.accessor,
    creation_time: Math.floor(token.issueMs / 1000),
    creation_ttl: definition.ttlSeconds ?? 0,
    display_name: definition.displayName,
    entity_id: definition.entityId ?? '',
    expire_time: expireMs === undefined ? null : rfc3339(expireMs),
    explicit_max_ttl: definition.explicitMaxTtlSeconds ?? 0,
    id: token.id,
    issue_time: rfc3339(token.issueMs),
    ...(lastRenewalMs === undefined
      ? {}
      : { last_renewal: rfc3339(lastRenewalMs), last_renewal_time: Math.floor(lastRenewalMs / 1000) }),
    meta: definition.metadata ?? null,
    num_uses: token.usesLeft ?? 0,
    orphan: isOrphan(token),
    path: definition.path,
    ...(definition.periodSeconds ? { period: definition.periodSeconds } : {}),
    policies: definition.policies,
    renewable: isRenewable(token),
    ttl: expireMs === undefined ? 0 : remainingSeconds(expireMs, nowMs),
    type: definition.type,
  };
}

function isRenewable(token: Token): boolean {
  return (
    token.definition.type === 'service' &&
    token.expireMs !== undefined &&
    token.definition.renewable !== false
  );
}
