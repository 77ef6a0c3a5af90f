import { fakeClock } from '@keyturn/core/testing';
import { createDevServer, type DevServer, type DevServerOptions } from '@keyturn/dev-server';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { requireServer } from '../../../test/servers/openbao.js';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.js';
import { ask } from './call.js';

const CREATE = [`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`];

describe.skipIf(!requireServer('postgres'))('databases given as an option', () => {
  let postgres: PostgresServer;
  let server: DevServer | undefined;
  const clock = fakeClock({ wallMs: Date.now() });

  const start = async (settings: Partial<NonNullable<DevServerOptions['databases']>[string]> = {}) => {
    const { host, port, database, superuser, password } = postgres;
    server = createDevServer({
      clock,
      databases: {
        main: {
          connectionUrl: `postgresql://{{username}}:{{password}}@${host}:${port}/${database}?sslmode=disable`,
          username: superuser,
          password,
          roles: { app: { creationStatements: CREATE, defaultTtl: '1h', maxTtl: '2h' } },
          ...settings,
        },
      },
    });
    return server.start();
  };
  const exists = async (name: string) =>
    (await postgres.query('select 1 from pg_roles where rolname = $1', [name])).length === 1;
  const lease = async (from: DevServer, role = 'app') => {
    const { data, lease_id } = await from.admin('GET', `database/creds/${role}`);
    return { username: String(data?.username), password: String(data?.password), leaseId: lease_id };
  };

  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterEach(() => server?.close());
  afterAll(() => postgres?.stop());

  test('a role gives a user that can log in', async () => {
    const { username, password } = await lease(await start());
    const { host, port, database } = postgres;
    const client = new pg.Client({ host, port, database, user: username, password });
    await client.connect();
    expect((await client.query('select current_user as me')).rows).toEqual([{ me: username }]);
    await client.end();
  });

  test('a lease that expires has dropped its user when the work is settled', async () => {
    const running = await start();
    const { username } = await lease(running);
    await clock.advance(3_600_000);
    await running.settled();
    expect(await exists(username)).toBe(false);
    expect(running.leases()).toEqual([]);
  });

  test('leases are counted and revoked by prefix', async () => {
    const running = await start();
    const users = [await lease(running), await lease(running)];
    expect(running.leases('database/creds/').map(({ id }) => id)).toEqual(
      users.map(({ leaseId }) => leaseId),
    );
    expect(running.leases()[0]?.expiresAtMs).toBe(clock.wallMs() + 3_600_000);
    await running.revokeLeases(users[0]?.leaseId ?? '');
    expect(await exists(users[0]?.username ?? '')).toBe(false);
    await running.revokeLeases('database/');
    expect(await exists(users[1]?.username ?? '')).toBe(false);
  });

  test('closing drops every user; leaving them is said', async () => {
    const first = await start();
    const dropped = await lease(first);
    await first.close();
    expect(await exists(dropped.username)).toBe(false);

    const second = await start();
    const left = await lease(second);
    await second.close({ revokeLeases: false });
    expect(await exists(left.username)).toBe(true);
    await postgres.query(`drop role "${left.username}"`);
  });

  test('closing waits for a credential that is just being made', async () => {
    const running = await start({
      roles: { slow: { creationStatements: [...CREATE, 'SELECT pg_sleep(0.2)'] } },
    });
    const asked = ask(running, 'GET', 'database/creds/slow').catch(() => undefined);
    const active = async () =>
      (
        await postgres.query(
          `select count(*)::int as n from pg_stat_activity where query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()`,
        )
      )[0].n;
    await expect.poll(active).toBe(1);
    await running.close();
    await asked;
    await expect.poll(active).toBe(0);
    expect(await postgres.query(`select rolname from pg_roles where rolname like 'v-token-slow-%'`)).toEqual(
      [],
    );
  });

  test('a revocation that fails is repeated until the database lets it', async () => {
    const running = await start();
    const { username } = await lease(running);
    await postgres.query(`create table held (id int); alter table held owner to "${username}"`);
    await clock.advance(3_600_000);
    await running.settled();
    expect(await exists(username)).toBe(true);
    await postgres.query('drop table held');
    await clock.advance(10_000);
    await running.settled();
    expect(await exists(username)).toBe(false);
  });

  test('a static role is rotated at its period, at will, and not while sealed', async () => {
    await postgres.query(`create role reporter login password 'first'`);
    const running = await start({ staticRoles: { report: { username: 'reporter', rotationPeriod: '1h' } } });
    const creds = async () => (await running.admin('GET', 'database/static-creds/report')).data;
    const first = await creds();
    expect(first).toMatchObject({ username: 'reporter', rotation_period: 3_600, ttl: 3_600 });

    await clock.advance(1_800_000);
    expect(await creds()).toMatchObject({ password: first?.password, ttl: 1_800 });
    await clock.advance(1_800_000);
    await running.settled();
    const second = await creds();
    expect(second?.password).not.toBe(first?.password);
    expect(second?.ttl).toBe(3_600);

    await running.rotateNow('database/static-creds/report');
    const third = await creds();
    expect(third?.password).not.toBe(second?.password);

    running.seal();
    await clock.advance(7_200_000);
    running.unseal();
    await running.settled();
    expect((await creds())?.password).not.toBe(third?.password);
    await expect(running.rotateNow('secret/data/x')).rejects.toMatchObject({ code: 'invalid-config' });
  });

  test('a rotation that fails is tried again after 10 s, and the old password is given meanwhile', async () => {
    await postgres.query(`create role fragile login password 'first'`);
    const running = await start({ staticRoles: { fragile: { username: 'fragile', rotationPeriod: '1h' } } });
    const creds = async () => (await running.admin('GET', 'database/static-creds/fragile')).data;
    const before = await creds();
    await postgres.query('alter role fragile rename to away');
    await clock.advance(3_600_000);
    await running.settled();
    expect(await creds()).toMatchObject({ password: before?.password, ttl: 0 });
    await postgres.query('alter role away rename to fragile');
    await clock.advance(10_000);
    await running.settled();
    expect((await creds())?.password).not.toBe(before?.password);
  });

  test('F49: a login that fails names the user and no password', async () => {
    const failure = await start({ password: 'canary-password' }).catch((error) => error);
    expect(failure).toMatchObject({ code: 'invalid-config', status: 400 });
    expect(failure.message).toContain('password authentication failed for user');
    expect(`${failure.message}${failure.stack}${JSON.stringify(failure)}`).not.toContain('canary');
  });

  test('F49: SQL that fails around the password does not show it', async () => {
    const running = await start({ roles: { loud: { creationStatements: ["'{{password}}'"] } } });
    const { status, text } = await ask(running, 'GET', 'database/creds/loud');
    expect(status).toBe(500);
    expect(text).toContain(`syntax error at or near \\"'[password]'\\"`);
  });
});
