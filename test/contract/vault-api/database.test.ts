import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { contractSuite, LOGIN_ROLE, mountDatabase } from './contract-suite.js';

contractSuite('database engine', { postgres: true }, (server) => {
  const role = (name: string, settings: Record<string, unknown>) =>
    server().call('POST', `database/roles/${name}`, {
      body: { db_name: 'main', creation_statements: LOGIN_ROLE, ...settings },
    });
  const creds = async (name: string, token?: string) => {
    const { status, body } = await server().call('GET', `database/creds/${name}`, token ? { token } : {});
    return { status, ...body, ...body.data } as {
      status: number;
      lease_id: string;
      lease_duration: number;
      renewable: boolean;
      username: string;
      password: string;
      errors?: string[];
      warnings: string[] | null;
    };
  };
  const renew = (leaseId: string, increment?: number | string) =>
    server().call('PUT', 'sys/leases/renew', { body: { lease_id: leaseId, increment } });
  const exists = async (username: string) => {
    const rows = await server().postgres.query('select 1 from pg_roles where rolname = $1', [username]);
    return rows.length === 1;
  };
  const canLogIn = async (user: string, password: string) => {
    const { host, port, database } = server().postgres;
    const client = new pg.Client({ host, port, database, user, password });
    return client
      .connect()
      .then(() => client.query('select 1'))
      .then(() => true)
      .catch(() => false)
      .finally(() => client.end().catch(() => {}));
  };

  beforeAll(() => mountDatabase(server()));

  describe('dynamic roles', () => {
    test('each caller gets a user of its own, which can log in', async () => {
      await role('app', { default_ttl: '1h', max_ttl: '2h' });
      const [one, two] = [await creds('app'), await creds('app')];
      expect(one).toMatchObject({ status: 200, lease_duration: 3_600, renewable: true, warnings: null });
      expect(one.lease_id).toMatch(/^database\/creds\/app\/\w{24}$/);
      expect(one.username).toMatch(/^v-token-app-\w{20}-\d{10}$/);
      expect(one.password).toMatch(/^[A-Za-z0-9-]{20}$/);
      expect(two.username).not.toBe(one.username);
      expect(await canLogIn(one.username, one.password)).toBe(true);
    });

    test('the user is valid until five seconds after the end of its lease, and longer after a renewal', async () => {
      await role('until', { default_ttl: '100s', max_ttl: '1h' });
      const { username, lease_id } = await creds('until');
      const margin = async () => {
        const [{ until }] = await server().postgres.query(
          'select extract(epoch from rolvaliduntil)::float as until from pg_roles where rolname = $1',
          [username],
        );
        const { body } = await server().call('POST', 'sys/leases/lookup', { body: { lease_id } });
        return until - Date.parse(body.data.expire_time) / 1000;
      };
      const within = (seconds: number) => seconds > 3.9 && seconds <= 5;
      expect(within(await margin())).toBe(true);
      await renew(lease_id, 1_000);
      expect(within(await margin())).toBe(true);
    });

    test('a renewal gives what is asked, the default for nothing, and less with a warning near the maximum', async () => {
      await role('capped', { default_ttl: '30s', max_ttl: '1m' });
      await server().align(100);
      const { lease_id } = await creds('capped');
      expect((await renew(lease_id, 10)).body).toMatchObject({ lease_duration: 10, warnings: null });
      expect((await renew(lease_id)).body).toMatchObject({ lease_duration: 30, renewable: true, data: null });
      expect((await renew(lease_id, '1h')).body).toMatchObject({
        lease_duration: 60,
        warnings: ['TTL of "1h" exceeded the effective max_ttl of "1m"; TTL value is capped accordingly'],
      });
    });

    test('F7: what is left of the maximum shrinks while time passes', async () => {
      await role('shrinking', { default_ttl: '5s', max_ttl: '12s' });
      await server().align(100);
      const { lease_id } = await creds('shrinking');
      let granted = 12;
      await server().eventually(async () => {
        granted = (await renew(lease_id, 60)).body.lease_duration;
        return granted <= 9;
      });
      expect(granted).toBe(9);
    });

    test('an expired lease has dropped its user', async () => {
      await role('short', { default_ttl: '1s', max_ttl: '1s' });
      const { username, lease_id } = await creds('short');
      expect(await exists(username)).toBe(true);
      await server().eventually(async () => !(await exists(username)));
      expect((await renew(lease_id)).body.errors).toEqual(['lease not found']);
    });

    test('a revoked lease has dropped its user at once, and revoking again is no error', async () => {
      const { username, password, lease_id } = await creds('app');
      const revoke = () => server().call('PUT', 'sys/leases/revoke', { body: { lease_id } });
      expect((await revoke()).status).toBe(204);
      expect(await exists(username)).toBe(false);
      expect(await canLogIn(username, password)).toBe(false);
      expect((await revoke()).status).toBe(204);
      expect((await renew(lease_id)).status).toBe(400);
    });

    test('a user with grants of its own is dropped all the same', async () => {
      await server().postgres.query('create table if not exists granted (id int)');
      await role('granted', {
        creation_statements: [
          ...LOGIN_ROLE,
          'GRANT SELECT ON granted TO "{{name}}"; GRANT USAGE ON SCHEMA public TO "{{username}}"',
        ],
      });
      const { username, lease_id } = await creds('granted');
      expect(await exists(username)).toBe(true);
      await server().call('PUT', 'sys/leases/revoke', { body: { lease_id } });
      expect(await exists(username)).toBe(false);
    });

    test('revocation statements replace the default', async () => {
      await role('kept', { revocation_statements: ['ALTER ROLE "{{name}}" NOLOGIN'] });
      const { username, password, lease_id } = await creds('kept');
      await server().call('PUT', 'sys/leases/revoke', { body: { lease_id } });
      expect(await exists(username)).toBe(true);
      expect(await canLogIn(username, password)).toBe(false);
    });

    test('a block between DO and END is kept whole', async () => {
      await role('block', {
        creation_statements: [
          `DO $$ BEGIN EXECUTE 'CREATE ROLE "{{name}}" LOGIN'; PERFORM 1; END $$`,
          `ALTER ROLE "{{name}}" PASSWORD '{{password}}'`,
        ],
      });
      const { username, password } = await creds('block');
      expect(await canLogIn(username, password)).toBe(true);
    });

    test('a revocation that fails says why and leaves the lease; forcing forgets it', async () => {
      await role('stuck', { revocation_statements: ['SELECT no_such_function()'], default_ttl: '1h' });
      const { lease_id } = await creds('stuck');
      const revoked = await server().call('PUT', 'sys/leases/revoke', { body: { lease_id } });
      expect(revoked.status).toBe(400);
      expect(revoked.body.errors[0]).toMatch(
        /failed to revoke entry: .* no_such_function\(\) does not exist/,
      );
      const lookup = () => server().call('POST', 'sys/leases/lookup', { body: { lease_id } });
      expect((await lookup()).status).toBe(200);
      expect((await server().call('PUT', 'sys/leases/revoke-prefix/database/creds/stuck')).status).toBe(400);
      expect((await server().call('PUT', 'sys/leases/revoke-force/database/creds/stuck')).status).toBe(204);
      expect((await lookup()).body.errors).toEqual(['invalid lease']);
    });

    test('a prefix revokes every lease below it', async () => {
      await role('many', { default_ttl: '1h' });
      const users = [await creds('many'), await creds('many')].map(({ username }) => username);
      const listed = () => server().call('LIST', 'sys/leases/lookup/database/creds/many');
      expect((await listed()).body.data.keys).toHaveLength(2);
      expect((await server().call('PUT', 'sys/leases/revoke-prefix/database/creds/many')).status).toBe(204);
      expect(await Promise.all(users.map(exists))).toEqual([false, false]);
      expect((await listed()).status).toBe(404);
    });

    test('statements that fail create nothing', async () => {
      await role('broken', { creation_statements: [...LOGIN_ROLE, 'SELECT no_such_function()'] });
      const before = await server().postgres.query('select count(*) from pg_roles');
      const { status, errors } = await creds('broken');
      expect(status).toBe(500);
      expect(errors?.[0]).toMatch(/no_such_function\(\) does not exist \(SQLSTATE 42883\)/);
      expect(await server().postgres.query('select count(*) from pg_roles')).toEqual(before);
    });

    test('a role reads back as it was written', async () => {
      await role('shown', { default_ttl: '1m', max_ttl: 120 });
      expect((await server().call('GET', 'database/roles/shown')).body.data).toEqual({
        creation_statements: LOGIN_ROLE,
        credential_type: 'password',
        db_name: 'main',
        default_ttl: 60,
        max_ttl: 120,
        renew_statements: [],
        revocation_statements: [],
        rollback_statements: [],
      });
      expect((await server().call('LIST', 'database/roles')).body.data.keys).toContain('shown');
    });

    test('the configuration reads back without its password', async () => {
      const { text, body } = await server().call('GET', 'database/config/main');
      expect(body.data.allowed_roles).toEqual(['*']);
      expect(text).not.toContain(server().postgres.password);
    });
  });

  describe('static roles', () => {
    const staticCreds = async (name: string) =>
      (await server().call('GET', `database/static-creds/${name}`)).body.data;
    const staticRole = async (name: string, period: number) => {
      await server().postgres.query(`create role "${name}" login password 'first'`);
      return server().call('POST', `database/static-roles/${name}`, {
        body: { db_name: 'main', username: name, rotation_period: period },
      });
    };

    test('the password is rotated when the role is written, and works', async () => {
      expect((await staticRole('owner', 3_600)).status).toBe(204);
      const data = await staticCreds('owner');
      expect(data).toMatchObject({ username: 'owner', rotation_period: 3_600, ttl: 3_600 });
      expect(await canLogIn('owner', data.password)).toBe(true);
      expect(await canLogIn('owner', 'first')).toBe(false);
    });

    test('rotate-role rotates now, and the old password is dead', async () => {
      const before = await staticCreds('owner');
      expect((await server().call('POST', 'database/rotate-role/owner')).status).toBe(204);
      const after = await staticCreds('owner');
      expect(after.password).not.toBe(before.password);
      expect(Date.parse(after.last_vault_rotation)).toBeGreaterThanOrEqual(
        Date.parse(before.last_vault_rotation),
      );
      expect(await canLogIn('owner', before.password)).toBe(false);
      expect(await canLogIn('owner', after.password)).toBe(true);
    });

    test('F26: the ttl counts down, and with the rotation it starts over and the marker changes', async () => {
      await staticRole('ticking', 5);
      const first = await staticCreds('ticking');
      expect(first.ttl).toBe(5);
      let lowest = first.ttl;
      await server().eventually(async () => {
        const now = await staticCreds('ticking');
        if (now.password === first.password) lowest = Math.min(lowest, now.ttl);
        return now.password !== first.password;
      });
      expect(lowest).toBeLessThanOrEqual(1);
      const second = await staticCreds('ticking');
      expect(second.last_vault_rotation).not.toBe(first.last_vault_rotation);
      expect(second.ttl).toBeGreaterThanOrEqual(4);
      expect(await canLogIn('ticking', second.password)).toBe(true);
    });

    test('a deleted role is no longer rotated', async () => {
      await staticRole('leaving', 5);
      const { password } = await staticCreds('leaving');
      await server().call('DELETE', 'database/static-roles/leaving');
      expect((await server().call('GET', 'database/static-creds/leaving')).body.errors).toEqual([
        'unknown role: leaving',
      ]);
      // The role beside it is rotated meanwhile; this one would have been as well.
      const before = await staticCreds('ticking');
      await server().eventually(
        async () => (await staticCreds('ticking')).last_vault_rotation !== before.last_vault_rotation,
      );
      expect(await canLogIn('leaving', password)).toBe(true);
    });

    test('its user cannot be changed, and a user that does not exist is refused', async () => {
      const rename = await server().call('POST', 'database/static-roles/owner', {
        body: { db_name: 'main', username: 'other', rotation_period: 60 },
      });
      expect(rename.body.errors).toEqual(['cannot update static account username']);
      const nobody = await server().call('POST', 'database/static-roles/nobody', {
        body: { db_name: 'main', username: 'nobody', rotation_period: 60 },
      });
      expect(nobody).toMatchObject({ status: 500 });
      expect(nobody.body.errors[0]).toContain('role "nobody" does not exist (SQLSTATE 42704)');
    });
  });

  describe('the login of the engine itself', () => {
    test('rotate-root gives it a password that nobody knows, and goes on', async () => {
      const { postgres, call } = server();
      await postgres.query(`create role manager superuser login password 'known'`);
      await call('POST', 'database/config/managed', {
        body: {
          plugin_name: 'postgresql-database-plugin',
          connection_url: `postgresql://{{username}}:{{password}}@${postgres.host}:${postgres.port}/${postgres.database}?sslmode=disable`,
          username: 'manager',
          password: 'known',
          allowed_roles: ['managed'],
        },
      });
      expect((await call('POST', 'database/rotate-root/managed')).status).toBe(204);
      expect(await canLogIn('manager', 'known')).toBe(false);
      await role('managed', { db_name: 'managed' });
      expect((await creds('managed')).status).toBe(200);
    });

    test('unmounting drops every user', async () => {
      const { username } = await creds('app');
      await server().call('DELETE', 'sys/mounts/database');
      await server().eventually(async () => !(await exists(username)));
    });
  });
});
