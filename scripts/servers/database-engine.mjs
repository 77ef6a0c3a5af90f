// @ts-check
import { vaultApi } from './vault-api.mjs';

/**
 * @typedef {object} EngineTarget
 * @property {string} address of OpenBao, Vault, or what else speaks Vault's HTTP API
 * @property {string} token that may configure it
 * @property {string | undefined} [caPath]
 */

/** @typedef {Pick<import('./postgres.mjs').PostgresServer, 'host' | 'port' | 'superuser' | 'password' | 'database' | 'query'>} EnginePostgres */

/**
 * @typedef {object} DatabaseEngine
 * @property {string} creds path of the dynamic role's credentials: `database/creds/app`
 * @property {string} staticCreds path of the static role's: `database/static-creds/app-static`
 * @property {string} staticUser the PostgreSQL user of the static role
 * @property {string} table a table that the roles may read and write: `orders (id, item, quantity)`
 * @property {string} policy name of the least policy that an application needs
 * @property {string} policyText
 * @property {{ readonly roleId: string, readonly secretId: string }} approle a login with that policy
 * @property {(name: string, lease: RoleLease) => Promise<string>} addDynamicRole returns its path
 * @property {(name: string, rotationPeriodS?: number) => Promise<string>} addStaticRole
 *   with a PostgreSQL user `name`, which it creates; returns its path
 * @property {(name?: string) => Promise<void>} rotateStatic changes a static role's password now
 * @property {(path?: string) => Promise<void>} revokeAll revokes every lease below a path, from outside
 * @property {(path: string, token?: string) => Promise<any>} issue one credential, as the server answers it
 * @property {(tokenTtl: string, tokenMaxTtl?: string) => Promise<{ roleId: string, secretId: string }>} addAppRole
 *   another login with the same policy whose tokens live for other times
 */

/**
 * @typedef {object} RoleLease
 * @property {string} ttl such as `10s`
 * @property {string} maxTtl
 */

const GROUP = 'app_rw';

/**
 * Configures the database secrets engine for a PostgreSQL as an operator would, and everything that an application
 * needs to use it: a table, a group role with grants on it, a dynamic role, a static role, an AppRole login.
 *
 * Leased roles have no grants of their own, they are members of the group: PostgreSQL refuses to drop a role with
 * direct grants (2BP01), and the revocation would fail for ever.
 *
 * @param {EngineTarget} target
 * @param {EnginePostgres} postgres
 * @param {Partial<RoleLease> & { rotationPeriodS?: number, tokenTtl?: string, tokenMaxTtl?: string }} [options]
 *   default: leases of 1 h up to 24 h, a static role that rotates daily, tokens of 1 h up to 24 h
 * @returns {Promise<DatabaseEngine>}
 */
export async function configureDatabaseEngine(target, postgres, options = {}) {
  const {
    ttl = '1h',
    maxTtl = '24h',
    rotationPeriodS = 86_400,
    tokenTtl = '1h',
    tokenMaxTtl = '24h',
  } = options;
  const { api } = vaultApi(target);
  const { host, port, superuser, password, database, query } = postgres;

  await query(`CREATE TABLE IF NOT EXISTS orders (id serial PRIMARY KEY, item text, quantity integer)`);
  await query(`DO $$ BEGIN CREATE ROLE ${GROUP} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$`);
  await query(`GRANT SELECT, INSERT, UPDATE, DELETE ON orders TO ${GROUP}`);
  await query(`GRANT USAGE ON SEQUENCE orders_id_seq TO ${GROUP}`);

  await mount('sys/mounts/database', { type: 'database' });
  await api('POST', 'database/config/postgres', {
    plugin_name: 'postgresql-database-plugin',
    connection_url: `postgresql://{{username}}:{{password}}@${host}:${port}/${database}?sslmode=disable`,
    username: superuser,
    password,
    password_authentication: 'scram-sha-256',
    allowed_roles: ['*'],
  });

  const policy = 'orders-app';
  const policyText = [
    'path "database/creds/*" { capabilities = ["read"] }',
    'path "database/static-creds/*" { capabilities = ["read"] }',
    'path "secret/data/*" { capabilities = ["read"] }',
    'path "sys/leases/renew" { capabilities = ["update"] }',
    'path "sys/leases/revoke" { capabilities = ["update"] }',
  ].join('\n');
  await api('PUT', `sys/policies/acl/${policy}`, { policy: policyText });
  await mount('sys/auth/approle', { type: 'approle' });

  /** @param {string} path @param {object} body */
  async function mount(path, body) {
    try {
      await api('POST', path, body);
    } catch (error) {
      if (!/already in use/.test(String(error))) throw error;
    }
  }

  /** @type {DatabaseEngine['addDynamicRole']} */
  async function addDynamicRole(name, lease) {
    await api('POST', `database/roles/${name}`, {
      db_name: 'postgres',
      default_ttl: lease.ttl,
      max_ttl: lease.maxTtl,
      creation_statements: [
        `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE ${GROUP}`,
      ],
      revocation_statements: ['DROP ROLE IF EXISTS "{{name}}"'],
    });
    return `database/creds/${name}`;
  }

  /** @type {DatabaseEngine['addStaticRole']} */
  async function addStaticRole(name, periodS = rotationPeriodS) {
    await query(
      `DO $$ BEGIN CREATE ROLE "${name}" LOGIN IN ROLE ${GROUP}; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
    );
    await api('POST', `database/static-roles/${name}`, {
      db_name: 'postgres',
      username: name,
      rotation_period: periodS,
      rotation_statements: [`ALTER ROLE "{{name}}" WITH PASSWORD '{{password}}'`],
    });
    return `database/static-creds/${name}`;
  }

  let logins = 0;
  /** @type {DatabaseEngine['addAppRole']} */
  async function addAppRole(roleTtl, roleMaxTtl = tokenMaxTtl) {
    logins += 1;
    const role = `auth/approle/role/orders-${logins}`;
    await api('POST', role, {
      token_policies: [policy],
      token_ttl: roleTtl,
      token_max_ttl: roleMaxTtl,
    });
    const roleId = (await api('GET', `${role}/role-id`)).data.role_id;
    const secretId = (await api('POST', `${role}/secret-id`, {})).data.secret_id;
    return { roleId, secretId };
  }

  const staticUser = 'app-static';
  return {
    creds: await addDynamicRole('app', { ttl, maxTtl }),
    staticCreds: await addStaticRole(staticUser),
    staticUser,
    table: 'orders',
    policy,
    policyText,
    approle: await addAppRole(tokenTtl),
    addDynamicRole,
    addStaticRole,
    addAppRole,
    async rotateStatic(name = staticUser) {
      await api('POST', `database/rotate-role/${name}`);
    },
    async revokeAll(path = 'database/creds') {
      await api('PUT', `sys/leases/revoke-prefix/${path}`);
    },
    issue: (path, token) => api('GET', path, undefined, token),
  };
}
