import { createDevServer, type DevServer } from '@keyturn/dev-server';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configureDatabaseEngine, type DatabaseEngine } from '../../servers/database-engine.js';
import { requireServer, vaultApi } from '../../servers/openbao.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

describe.skipIf(!requireServer('postgres'))('the set-up that the tests give a real server', () => {
  let server: DevServer;
  let postgres: PostgresServer;
  let engine: DatabaseEngine;

  beforeAll(async () => {
    [server, postgres] = await Promise.all([createDevServer().start(), startPostgres()]);
    engine = await configureDatabaseEngine({ address: server.address, token: server.rootToken }, postgres);
  });
  afterAll(async () => {
    await server?.close();
    await postgres?.stop();
  });

  test('fits the dev server as it is: least policy, AppRole, dynamic and static roles', async () => {
    const { api, call } = vaultApi({ address: server.address, token: server.rootToken });
    const { roleId, secretId } = engine.approle;
    const login = await api('POST', 'auth/approle/login', { role_id: roleId, secret_id: secretId }, null);
    const token = login.auth.client_token;
    for (const path of [engine.creds, engine.staticCreds]) {
      const { data } = await engine.issue(path, token);
      const { host, port, database } = postgres;
      const client = new pg.Client({ host, port, database, user: data.username, password: data.password });
      await client.connect();
      await client.query(`INSERT INTO ${engine.table} (item, quantity) VALUES ('pen', 1)`);
      await client.end();
    }
    expect((await call('GET', 'sys/mounts', undefined, token)).status).toBe(403);
    await engine.rotateStatic();
    await engine.revokeAll();
    const left = await postgres.query(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%'`);
    expect(left).toEqual([]);
  });
});
