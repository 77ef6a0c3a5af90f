import { type Lease, remainingSeconds } from '../../leases.js';
import { messageOf, notFound, refused } from '../../refusal.js';
import type { Reply } from '../../reply.js';
import { type Handler, type Route, route } from '../../routing/route.js';
import type { Store } from '../../store.js';
import { rfc3339 } from '../../time/rfc3339.js';
import type { Token } from '../../tokens.js';
import { listKeys } from '../key-listing.js';

const RENEW = { lease_id: 'text', url_lease_id: 'text', increment: 'seconds' } as const;
const REVOKE = { lease_id: 'text', url_lease_id: 'text', sync: 'flag' } as const;

/** `sys/leases`: credentials that end, and tokens, which have leases too. */
export function leaseRoutes(store: Store): readonly Route[] {
  const { clock, leases, tokens } = store;

  const idOf = (
    params: Readonly<Record<string, string>>,
    fields: { lease_id: string | undefined; url_lease_id: string | undefined },
  ) => {
    const id = fields.lease_id || fields.url_lease_id || params.id;
    if (!id) throw refused('lease_id must be specified');
    return id;
  };
  const tokenOf = (leaseId: string) => tokens.leased().find((token) => token.leaseId === leaseId);

  const renew: Handler<typeof RENEW> = async ({ params, fields }) => {
    const id = idOf(params, fields);
    if (tokenOf(id) !== undefined) throw refused('lease is not renewable');
    const { lease, ttlSeconds, warnings } = await leases.renew(id, fields.increment ?? 0);
    return { renewed: { id: lease.id, ttlSeconds }, warnings };
  };

  const revoke: Handler<typeof REVOKE> = async ({ params, fields }) => {
    const id = idOf(params, fields);
    const sync = fields.sync ?? true;
    const lease = leases.find(id);
    const token = tokenOf(id);
    if (token !== undefined) tokens.revoke(token);
    if (lease !== undefined && sync) await leases.revoke(lease);
    if (lease !== undefined && !sync) leases.expire(lease);
    return sync ? undefined : ACCEPTED;
  };

  const revokeAll = async (prefix: string, end: (lease: Lease) => void | Promise<void>) => {
    const folder = prefix.endsWith('/') ? prefix : `${prefix}/`;
    for (const token of tokens.leased()) if (token.leaseId.startsWith(folder)) tokens.revoke(token);
    const found = leases.under(folder);
    for (const [index, lease] of found.entries()) {
      try {
        await end(lease);
      } catch (error) {
        throw refused(`failed to revoke "${lease.id}" (${index + 1} / ${found.length}): ${messageOf(error)}`);
      }
    }
  };

  return [
    route({
      pattern: 'leases/lookup',
      fields: { lease_id: 'text' },
      on: {
        write({ params, fields }) {
          const id = idOf(params, { ...fields, url_lease_id: undefined });
          const lease = leases.find(id);
          const token = tokenOf(id);
          if (lease !== undefined) return describeLease(lease, clock.wallMs());
          if (token !== undefined) return describeTokenLease(token, clock.wallMs());
          throw refused('invalid lease');
        },
      },
    }),
    route({
      pattern: 'leases/lookup/:prefix*',
      access: 'sudo',
      on: {
        list: ({ params }) =>
          listKeys(
            [...leases.under(''), ...tokens.leased().map((token) => ({ id: token.leaseId }))].map(
              ({ id }) => id,
            ),
            params.prefix as string,
          ),
      },
    }),
    route({ pattern: 'leases/renew', fields: RENEW, on: { write: renew } }),
    route({ pattern: 'leases/renew/:id*', fields: RENEW, on: { write: renew } }),
    route({ pattern: 'leases/revoke', fields: REVOKE, on: { write: revoke } }),
    route({ pattern: 'leases/revoke/:id*', fields: REVOKE, on: { write: revoke } }),
    route({
      pattern: 'leases/revoke-prefix/:prefix*',
      access: 'sudo',
      fields: { sync: 'flag' },
      on: {
        async write({ params, fields }) {
          const sync = fields.sync ?? true;
          await revokeAll(params.prefix as string, sync ? leases.revoke : leases.expire);
          return sync ? undefined : ACCEPTED;
        },
      },
    }),
    route({
      pattern: 'leases/revoke-force/:prefix*',
      access: 'sudo',
      on: {
        async write({ params }) {
          await revokeAll(params.prefix as string, (lease) =>
            leases.revoke(lease).catch(() => leases.forget(lease)),
          );
          return undefined;
        },
      },
    }),
    route({
      pattern: 'leases/count',
      access: 'sudo',
      fields: { type: 'text' },
      on: {
        read({ fields }) {
          if (fields.type !== 'irrevocable') throw notFound();
          return { data: { counts: {}, lease_count: leases.irrevocable } };
        },
      },
    }),
  ];
}

const ACCEPTED: Reply = { status: 202, empty: true };

function describeLease(lease: Lease, nowMs: number): Reply {
  return {
    data: {
      expire_time: rfc3339(lease.expireMs),
      id: lease.id,
      issue_time: rfc3339(lease.issueMs),
      last_renewal: lease.lastRenewalMs === undefined ? null : rfc3339(lease.lastRenewalMs),
      path: lease.path,
      renewable: lease.expireMs > nowMs,
      ttl: remainingSeconds(lease.expireMs, nowMs),
    },
  };
}

function describeTokenLease(token: Token, nowMs: number): Reply {
  return {
    data: {
      expire_time: token.expireMs === undefined ? null : rfc3339(token.expireMs),
      id: token.leaseId,
      issue_time: rfc3339(token.issueMs),
      last_renewal: token.lastRenewalMs === undefined ? null : rfc3339(token.lastRenewalMs),
      path: token.definition.path,
      renewable: token.definition.renewable !== false,
      ttl: token.expireMs === undefined ? 0 : remainingSeconds(token.expireMs, nowMs),
    },
  };
}
