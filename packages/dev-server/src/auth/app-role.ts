import type { HostClock } from '@keyturn/core/provider';
import type { Engine } from '../engine.js';
import { keysReply } from '../engines/key-listing.js';
import { uuid } from '../identifiers.js';
import { failed, notFound, type Refusal, refused } from '../refusal.js';
import type { Reply, TokenTerms } from '../reply.js';
import type { FieldValues } from '../routing/fields.js';
import { type Handler, route } from '../routing/route.js';
import { describeSecretId, SecretIds } from './app-role-secret-ids.js';
import { describeTerms, readTerms, TOKEN_FIELDS } from './token-terms.js';

interface Role {
  id: string;
  bindSecretId: boolean;
  secretIdTtlSeconds: number;
  secretIdNumUses: number;
  terms: TokenTerms;
  readonly secretIds: SecretIds;
}

const LOGIN = { role_id: 'text', secret_id: 'text' } as const;
const ISSUE = { metadata: 'text', ttl: 'seconds', num_uses: 'int', secret_id: 'text' } as const;
const BY_ID = { secret_id: 'text' } as const;
const BY_ACCESSOR = { secret_id_accessor: 'text' } as const;

/** AppRole: a role id that may be known and a secret id that may not. */
export function createAppRole(clock: HostClock): Engine {
  const roles = new Map<string, Role>();

  /** The server has three ways to say that a role does not exist: 404 where it would be written, 400, or 500. */
  const roleOf = (
    { name = '' }: Readonly<Record<string, string>>,
    unknown: (error: string) => Refusal = (error) => refused(error, 404),
  ): Role => {
    const role = roles.get(name);
    if (role === undefined) throw unknown(`role "${name}" does not exist`);
    return role;
  };

  const login: Handler<typeof LOGIN> = ({ fields }) => {
    if (!fields.role_id) throw failed('missing role_id');
    const [name, role] = [...roles].find(([, { id }]) => id === fields.role_id) ?? [];
    if (name === undefined || role === undefined) throw refused('invalid role or secret ID');
    return {
      login: {
        alias: role.id,
        displayName: '',
        metadata: { ...spentSecret(role, fields.secret_id), role_name: name },
        terms: () => (roles.get(name) ?? role).terms,
      },
    };
  };

  /** Uses up one login of a secret id. Gives its metadata. */
  const spentSecret = (role: Role, id: string | undefined): Readonly<Record<string, string>> => {
    if (!role.bindSecretId) return {};
    if (!id) throw refused('missing secret_id');
    const secret = role.secretIds.find(id, clock.wallMs());
    if (secret === undefined) throw refused('invalid role or secret ID');
    role.secretIds.use(secret);
    return secret.metadata;
  };

  const issue = (role: Role, id: string, fields: FieldValues<typeof ISSUE>): Reply => {
    const request = { id, numUses: fields.num_uses, ttlSeconds: fields.ttl, metadata: fields.metadata };
    const limits = { numUses: role.secretIdNumUses, ttlSeconds: role.secretIdTtlSeconds };
    const secret = role.secretIds.issue(request, limits, clock.wallMs());
    return {
      data: {
        secret_id: id,
        secret_id_accessor: secret.accessor,
        secret_id_num_uses: secret.usesLeft,
        secret_id_ttl: secret.ttlSeconds,
      },
      accessor: secret.accessor,
    };
  };

  const destroyById: Handler<typeof BY_ID> = ({ params, fields }) => {
    if (!fields.secret_id) throw refused('missing secret_id');
    roleOf(params, failed).secretIds.destroy(fields.secret_id);
    return undefined;
  };
  const destroyByAccessor: Handler<typeof BY_ACCESSOR> = ({ params, fields }) => {
    const { secretIds } = roleOf(params, failed);
    const secret = secretIds.byAccessor(fields.secret_id_accessor, clock.wallMs());
    if (secret === undefined) throw failed(noAccessor(fields.secret_id_accessor));
    secretIds.destroy(secret.id);
    return undefined;
  };

  return {
    routes: [
      route({
        pattern: 'login',
        access: 'public',
        fields: LOGIN,
        on: { read: login, write: login, delete: login },
      }),
      route({ pattern: 'role/?', on: { list: () => keysReply([...roles.keys()].sort()) } }),
      route({
        pattern: 'role/:name',
        exists: ({ name = '' }) => roles.has(name),
        fields: {
          ...TOKEN_FIELDS,
          bind_secret_id: 'flag',
          secret_id_ttl: 'seconds',
          secret_id_num_uses: 'int',
          role_id: 'text',
        },
        on: {
          read({ params }) {
            const role = roles.get(params.name as string);
            if (role === undefined) throw notFound();
            return { data: describe(role) };
          },
          write({ params, fields }) {
            const before = roles.get(params.name as string);
            const role: Role = {
              id: fields.role_id ?? before?.id ?? uuid(),
              bindSecretId: fields.bind_secret_id ?? before?.bindSecretId ?? true,
              secretIdTtlSeconds: fields.secret_id_ttl ?? before?.secretIdTtlSeconds ?? 0,
              secretIdNumUses: fields.secret_id_num_uses ?? before?.secretIdNumUses ?? 0,
              terms: readTerms(fields, before?.terms),
              secretIds: before?.secretIds ?? new SecretIds(),
            };
            if (!role.bindSecretId) throw failed('at least one constraint should be enabled on the role');
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
        pattern: 'role/:name/role-id',
        fields: { role_id: 'text' },
        on: {
          read({ params }) {
            const role = roles.get(params.name as string);
            if (role === undefined) throw notFound();
            return { data: { role_id: role.id } };
          },
          write({ params, fields }) {
            const role = roleOf(params, () => failed('unsupported path', 404));
            if (!fields.role_id) throw refused('missing role_id');
            role.id = fields.role_id;
            return undefined;
          },
        },
      }),
      route({
        pattern: 'role/:name/secret-id/?',
        fields: ISSUE,
        on: {
          write: ({ params, fields }) => issue(roleOf(params), uuid(), fields),
          list({ params }) {
            const secrets = roleOf(params, refused).secretIds.list(clock.wallMs());
            return keysReply(secrets.map(({ accessor }) => accessor));
          },
        },
      }),
      route({
        pattern: 'role/:name/custom-secret-id',
        fields: ISSUE,
        on: {
          write({ params, fields }) {
            if (!fields.secret_id) throw refused('missing secret_id');
            return issue(roleOf(params), fields.secret_id, fields);
          },
        },
      }),
      route({
        pattern: 'role/:name/secret-id/lookup',
        fields: BY_ID,
        on: {
          write({ params, fields }) {
            if (!fields.secret_id) throw refused('missing secret_id');
            const secret = roleOf(params, failed).secretIds.find(fields.secret_id, clock.wallMs());
            return secret === undefined ? undefined : { data: describeSecretId(secret) };
          },
        },
      }),
      route({
        pattern: 'role/:name/secret-id/destroy',
        fields: BY_ID,
        on: { write: destroyById, delete: destroyById },
      }),
      route({
        pattern: 'role/:name/secret-id-accessor/lookup',
        fields: BY_ACCESSOR,
        on: {
          write({ params, fields }) {
            const { secretIds } = roleOf(params, failed);
            const secret = secretIds.byAccessor(fields.secret_id_accessor, clock.wallMs());
            if (secret !== undefined) return { data: describeSecretId(secret) };
            return { status: 404, data: { error: noAccessor(fields.secret_id_accessor) } };
          },
        },
      }),
      route({
        pattern: 'role/:name/secret-id-accessor/destroy',
        fields: BY_ACCESSOR,
        on: { write: destroyByAccessor, delete: destroyByAccessor },
      }),
    ],
  };
}

function describe(role: Role): Record<string, unknown> {
  return {
    ...describeTerms(role.terms),
    bind_secret_id: role.bindSecretId,
    local_secret_ids: false,
    secret_id_bound_cidrs: null,
    secret_id_num_uses: role.secretIdNumUses,
    secret_id_ttl: role.secretIdTtlSeconds,
  };
}

function noAccessor(accessor = ''): string {
  return `failed to find accessor entry for secret_id_accessor: "${accessor}"`;
}
