import type { HostClock } from '@keyturn/core/provider';
import { base62 } from '../../identifiers.js';
import { grantTtl } from '../../lease-ttl.js';
import type { MountConfig } from '../../mounts.js';
import { failed, messageOf, notFound, oneError, refused } from '../../refusal.js';
import { type Route, route } from '../../routing/route.js';
import { keysReply } from '../key-listing.js';
import type { Connections } from './connections.js';
import { createRole, DatabaseError, dropRole, extendRole } from './postgres.js';

/** A role outlives its lease by this much in the database, so that the lease and not the clock ends it. */
const EXPIRATION_LEEWAY_MS = 5_000;
/** PostgreSQL cuts names to this length. */
const MAX_USERNAME = 63;

interface DynamicRole {
  readonly dbName: string;
  readonly creationStatements: readonly string[];
  readonly revocationStatements: readonly string[];
  readonly renewStatements: readonly string[];
  readonly rollbackStatements: readonly string[];
  readonly defaultTtlSeconds: number;
  readonly maxTtlSeconds: number;
}

const EMPTY: DynamicRole = {
  dbName: '',
  creationStatements: [],
  revocationStatements: [],
  renewStatements: [],
  rollbackStatements: [],
  defaultTtlSeconds: 0,
  maxTtlSeconds: 0,
};

/** `roles/` and `creds/`: a database role of its own for each lease. */
export function dynamicRoleRoutes(
  clock: HostClock,
  connections: Connections,
  limits: MountConfig,
): readonly Route[] {
  const roles = new Map<string, DynamicRole>();
  return [
    route({ pattern: 'roles/?', on: { list: () => keysReply([...roles.keys()].sort()) } }),
    route({
      pattern: 'roles/:name',
      exists: ({ name = '' }) => roles.has(name),
      fields: {
        db_name: 'text',
        creation_statements: 'statements',
        revocation_statements: 'statements',
        renew_statements: 'statements',
        rollback_statements: 'statements',
        default_ttl: 'seconds',
        max_ttl: 'seconds',
        credential_type: 'text',
      },
      on: {
        read({ params }) {
          const role = roles.get(params.name as string);
          if (role === undefined) throw notFound();
          return { data: describe(role) };
        },
        write({ params, fields }) {
          if ((fields.credential_type ?? 'password') !== 'password') {
            throw refused('the dev server issues credentials of credential_type "password" only');
          }
          const before = roles.get(params.name as string) ?? EMPTY;
          const role: DynamicRole = {
            dbName: fields.db_name ?? before.dbName,
            creationStatements: fields.creation_statements ?? before.creationStatements,
            revocationStatements: fields.revocation_statements ?? before.revocationStatements,
            renewStatements: fields.renew_statements ?? before.renewStatements,
            rollbackStatements: fields.rollback_statements ?? before.rollbackStatements,
            defaultTtlSeconds: fields.default_ttl ?? before.defaultTtlSeconds,
            maxTtlSeconds: fields.max_ttl ?? before.maxTtlSeconds,
          };
          if (role.dbName === '') throw refused('database name is a required field');
          roles.set(params.name as string, role);
          return undefined;
        },
        delete({ params }) {
          roles.delete(params.name as string);
          return undefined;
        },
      },
    }),
    route({
      pattern: 'creds/:name',
      on: {
        async read({ params, caller }) {
          const name = params.name as string;
          const role = roles.get(name);
          if (role === undefined) throw refused(`unknown role: ${name}`);
          const connection = connections.forRole(role.dbName, name);
          if (role.creationStatements.length === 0) throw failed('empty creation statements');

          const nowMs = clock.wallMs();
          const { ttlSeconds, warnings } = grantTtl({
            defaultSeconds: role.defaultTtlSeconds,
            maxSeconds: role.maxTtlSeconds,
            mountDefaultSeconds: limits.defaultLeaseTtlSeconds,
            mountMaxSeconds: limits.maxLeaseTtlSeconds,
            nowMs,
          });
          const username = usernameFor(caller?.definition.displayName ?? '', name, nowMs);
          const endMs = nowMs + ttlSeconds * 1000;
          const password = await createRole(
            connection,
            role.creationStatements,
            username,
            endMs + EXPIRATION_LEEWAY_MS,
          ).catch((error) => {
            throw failed(`failed to execute query: ${messageOf(error)}`);
          });
          return {
            data: { password, username },
            warnings,
            lease: {
              ttlSeconds,
              terms: () => termsOf(roles.get(name) ?? role),
              renew: (newEndMs) =>
                extendRole(
                  connections.get(role.dbName),
                  (roles.get(name) ?? role).renewStatements,
                  username,
                  newEndMs + EXPIRATION_LEEWAY_MS,
                ).catch((error) => {
                  throw new DatabaseError(oneError(messageOf(error)));
                }),
              revoke: () => dropRole(connections.get(role.dbName), role.revocationStatements, username),
            },
          };
        },
      },
    }),
  ];
}

function termsOf(role: DynamicRole) {
  return { defaultSeconds: role.defaultTtlSeconds, maxSeconds: role.maxTtlSeconds };
}

/** `v-{who}-{role}-{random}-{unix time}`, so that an operator sees whose role it is. */
function usernameFor(displayName: string, roleName: string, nowMs: number): string {
  const who = displayName.slice(0, 8);
  return `v-${who}-${roleName.slice(0, 8)}-${base62(20)}-${Math.floor(nowMs / 1000)}`.slice(0, MAX_USERNAME);
}

function describe(role: DynamicRole): Record<string, unknown> {
  return {
    creation_statements: role.creationStatements,
    credential_type: 'password',
    db_name: role.dbName,
    default_ttl: role.defaultTtlSeconds,
    max_ttl: role.maxTtlSeconds,
    renew_statements: role.renewStatements,
    revocation_statements: role.revocationStatements,
    rollback_statements: role.rollbackStatements,
  };
}
