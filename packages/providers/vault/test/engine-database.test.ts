import { createSecrets, type Secrets } from '@keyturn/core';
import { token, vault } from '@keyturn/vault';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MariaDbServer, startMariaDb } from '../../../../test/servers/mariadb.js';
import { type OpenBaoServer, startOpenBao } from '../../../../test/servers/openbao.js';
import { type PostgresServer, startPostgres } from '../../../../test/servers/postgres.js';
import { type RedisServer, startRedis } from '../../../../test/servers/redis.js';
import { requireServer } from '../../../../test/servers/require-server.js';

/** A database that the store issues credentials for. */
interface Database {
  /** Of its connection at the store. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly creation: readonly string[];
  readonly revocation?: readonly string[];
  /** Makes the user of a static role. */
  createUser(name: string, password: string): Promise<unknown>;
  /** Whether it lets a user in and to work, under just that name. */
  opens(user: string, password: string): Promise<boolean>;
  stop(): Promise<void>;
}

async function postgres(): Promise<Database> {
  const server: PostgresServer = await startPostgres();
  const { port, superuser, password, database } = server;
  return {
    config: {
      plugin_name: 'postgresql-database-plugin',
      connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${port}/${database}?sslmode=disable`,
      password_authentication: 'scram-sha-256',
      username: superuser,
      password,
    },
    creation: [`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`],
    createUser: (name, secret) => server.query(`CREATE ROLE "${name}" LOGIN PASSWORD '${secret}'`),
    async opens(user, secret) {
      const client = new pg.Client({ host: '127.0.0.1', port, database, user, password: secret });
      try {
        await client.connect();
        return (await client.query('SELECT current_user AS me')).rows[0].me === user;
      } catch (error) {
        if ((error as { code?: string }).code === '28P01') return false;
        throw error;
      } finally {
        await client.end();
      }
    },
    stop: () => server.stop(),
  };
}

async function mariadb(): Promise<Database> {
  const server: MariaDbServer = await startMariaDb();
  const { port, superuser, password } = server;
  return {
    config: {
      plugin_name: 'mysql-database-plugin',
      connection_url: `{{username}}:{{password}}@tcp(127.0.0.1:${port})/`,
      username: superuser,
      password,
    },
    creation: [
      `CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'`,
      `GRANT SELECT ON app.* TO '{{name}}'@'%'`,
    ],
    createUser: (name, secret) =>
      server.query(
        `CREATE USER '${name}'@'%' IDENTIFIED BY '${secret}'; GRANT SELECT ON app.* TO '${name}'@'%'`,
      ),
    opens: (user, secret) =>
      server.query('SELECT user()', { user, password: secret }).then(
        ([me]) => me === `${user}@127.0.0.1`,
        (error) => refused(error, /ERROR 1045/),
      ),
    stop: () => server.stop(),
  };
}

async function redis(): Promise<Database> {
  const server: RedisServer = await startRedis();
  return {
    config: {
      plugin_name: 'redis-database-plugin',
      host: '127.0.0.1',
      port: server.port,
      username: server.superuser,
      password: server.password,
    },
    creation: ['["~*", "+@all"]'],
    createUser: (name, secret) => server.command(['ACL', 'SETUSER', name, 'on', `>${secret}`, '~*', '+@all']),
    opens: (user, secret) =>
      server.command(['ACL', 'WHOAMI'], { user, password: secret }).then(
        (me) => me === user,
        (error) => refused(error, /WRONGPASS/),
      ),
    stop: () => server.stop(),
  };
}

function refused(error: { stderr?: string }, by: RegExp): false {
  if (by.test(error.stderr ?? '')) return false;
  throw error;
}

const DATABASES = { postgres, mariadb, redis } as const;

describe.each(Object.keys(DATABASES) as (keyof typeof DATABASES)[])('credentials for %s', (name) => {
  describe.skipIf(!requireServer('openbao', name))('through createSecrets', () => {
    let bao: OpenBaoServer;
    let database: Database;
    beforeAll(async () => {
      [bao, database] = await Promise.all([startOpenBao(), DATABASES[name]()]);
      await bao.api('POST', 'sys/mounts/database', { type: 'database' });
      await bao.api('POST', 'database/config/it', { allowed_roles: ['*'], ...database.config });
      await bao.api('POST', 'database/roles/app', {
        db_name: 'it',
        default_ttl: '1h',
        max_ttl: '2h',
        creation_statements: database.creation,
      });
    });
    afterAll(() => Promise.all([bao?.stop(), database?.stop()]));

    const open = (): Secrets =>
      createSecrets({
        providers: { vault: vault({ address: bao.address, auth: token({ token: bao.rootToken }) }) },
      });
    const opens = ({ username = '', password = '' }: Record<string, string>) =>
      database.opens(username, password);

    it('dynamic: one lease for all fields, another after a rotation, and none left after close', async () => {
      const secrets = open();
      const first = await secrets.getSecret('vault:database/creds/app');
      const held = first.revealFields();
      expect(await opens(held)).toBe(true);
      expect((await secrets.getSecret('vault:database/creds/app#password')).reveal()).toBe(held.password);
      const expiresInMs = Number(first.expiresAt) - Date.now();
      expect(expiresInMs).toBeGreaterThan(3_500_000);
      expect(expiresInMs).toBeLessThanOrEqual(3_600_000);
      const second = await secrets.rotate('vault:database/creds/app');
      expect(second.version).not.toBe(first.version);
      expect(await opens(second.revealFields())).toBe(true);
      const replacement = second.revealFields();
      await secrets.close();
      expect(await opens(held)).toBe(false);
      expect(await opens(replacement)).toBe(false);
    });

    it('static: the user keeps its name, and its password is the one of the last rotation', async () => {
      await database.createUser('app-static', 'of-the-operator');
      await bao.api('POST', 'database/static-roles/app-static', {
        db_name: 'it',
        username: 'app-static',
        rotation_period: 86_400,
      });
      const secrets = open();
      const first = await secrets.getSecret('vault:database/static-creds/app-static');
      const held = first.revealFields();
      expect(held.username).toBe('app-static');
      expect(await opens(held)).toBe(true);
      expect((await secrets.rotate('vault:database/static-creds/app-static')).version).toBe(first.version);
      await bao.api('POST', 'database/rotate-role/app-static');
      const second = await secrets.rotate('vault:database/static-creds/app-static');
      expect(second.version).not.toBe(first.version);
      expect(await opens(second.revealFields())).toBe(true);
      expect(await opens(held)).toBe(false);
      await secrets.close();
    });
  });
});
