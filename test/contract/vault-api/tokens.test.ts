import { beforeAll, describe, expect, test } from 'vitest';
import { contractSuite, LOGIN_ROLE, mountDatabase } from './contract-suite.js';

contractSuite('tokens', { postgres: true }, (server) => {
  const create = async (body: Record<string, unknown> = {}, token?: string) => {
    const answer = await server().call('POST', 'auth/token/create', { body, ...(token && { token }) });
    return { status: answer.status, errors: answer.body.errors, ...answer.body.auth };
  };
  const lookup = (token: string) => server().call('GET', 'auth/token/lookup-self', { token });
  const alive = async (token: string) => (await lookup(token)).status === 200;
  const renew = (token: string, increment?: string) =>
    server().call('POST', 'auth/token/renew-self', { token, body: { increment } });

  beforeAll(async () => {
    await mountDatabase(server());
    await server().call('POST', 'database/roles/app', {
      body: { db_name: 'main', creation_statements: LOGIN_ROLE, default_ttl: '1h' },
    });
    const everything = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }';
    await server().call('PUT', 'sys/policies/acl/everything', { body: { policy: everything } });
  });

  describe('life', () => {
    test('a token is found by its id and by its accessor', async () => {
      const { client_token, accessor } = await create({
        policies: ['everything'],
        ttl: '1h',
        meta: { a: 'b' },
      });
      const own = (await lookup(client_token)).body.data;
      expect(own).toMatchObject({
        policies: ['default', 'everything'],
        meta: { a: 'b' },
        creation_ttl: 3_600,
      });
      const { call } = server();
      const byId = await call('POST', 'auth/token/lookup', { body: { token: client_token } });
      const byAccessor = await call('POST', 'auth/token/lookup-accessor', { body: { accessor } });
      expect(byId.body.data.id).toBe(client_token);
      expect(byAccessor.body.data).toMatchObject({ accessor, id: '' });
    });

    test('it expires', async () => {
      const { client_token } = await create({ ttl: '1s' });
      expect(await alive(client_token)).toBe(true);
      await server().eventually(async () => !(await alive(client_token)));
      expect((await renew(client_token)).body.errors).toEqual(['permission denied']);
    });

    test('a renewal moves its end', async () => {
      const { client_token } = await create({ policies: ['everything'], ttl: '3s' });
      expect((await renew(client_token, '1h')).body.auth.lease_duration).toBe(3_600);
      const data = (await lookup(client_token)).body.data;
      expect(data.ttl).toBeGreaterThan(3_590);
      expect(data.last_renewal_time).toBeTypeOf('number');
    });

    test('an explicit maximum ends a periodic token too', async () => {
      await server().align(100);
      const { client_token, lease_duration } = await create({
        policies: ['everything'],
        period: '30s',
        explicit_max_ttl: '20s',
      });
      expect(lease_duration).toBe(20);
      expect((await renew(client_token)).body.auth.lease_duration).toBeLessThanOrEqual(20);
    });

    test('a periodic token is renewed to its period, whatever is asked', async () => {
      const { client_token } = await create({ policies: ['everything'], period: '30s' });
      expect((await renew(client_token, '1h')).body.auth.lease_duration).toBe(30);
    });

    test('F17: a token of limited use is gone after its last one, even one that is denied', async () => {
      const { client_token } = await create({ policies: ['default'], num_uses: 2 });
      expect((await lookup(client_token)).body.data.num_uses).toBe(1);
      expect((await server().call('GET', 'secret/data/any', { token: client_token })).status).toBe(403);
      expect(await alive(client_token)).toBe(false);
    });

    test('F16: a batch token is not renewed, not revoked, and has no accessor', async () => {
      const { client_token, accessor } = await create({ policies: ['everything'], type: 'batch', ttl: '1h' });
      expect(client_token).toMatch(/^b\./);
      expect(accessor).toBe('');
      expect((await renew(client_token)).body.errors).toEqual(['batch tokens cannot be renewed']);
      const revoked = await server().call('POST', 'auth/token/revoke', { body: { token: client_token } });
      expect(revoked.body.errors).toEqual(['batch tokens cannot be revoked']);
      expect((await create({}, client_token)).errors).toEqual(['batch tokens cannot create more tokens']);
    });
  });

  describe('children', () => {
    const leaseOf = async (token: string) => {
      const { body } = await server().call('GET', 'database/creds/app', { token });
      return { username: body.data.username as string, leaseId: body.lease_id as string };
    };
    const userExists = async (username: string) => {
      const rows = await server().postgres.query('select 1 from pg_roles where rolname = $1', [username]);
      return rows.length > 0;
    };

    test('F14: revoking a token ends its children and everything that they leased', async () => {
      const parent = await create({ policies: ['everything'], ttl: '1h' });
      const child = await create({ policies: ['everything'], ttl: '1h' }, parent.client_token);
      const leases = [await leaseOf(parent.client_token), await leaseOf(child.client_token)];
      await server().call('POST', 'auth/token/revoke', { body: { token: parent.client_token } });
      expect(await alive(child.client_token)).toBe(false);
      await server().eventually(
        async () => !(await Promise.all(leases.map(({ username }) => userExists(username)))).includes(true),
      );
    });

    test('an expired token takes its leases with it', async () => {
      const { client_token } = await create({ policies: ['everything'], ttl: '1s' });
      const { username } = await leaseOf(client_token);
      await server().eventually(async () => !(await userExists(username)));
    });

    test('a lease of a batch token ends with it', async () => {
      const { client_token } = await create({ policies: ['everything'], type: 'batch', ttl: '3s' });
      const { username } = await leaseOf(client_token);
      expect(await userExists(username)).toBe(true);
      await server().eventually(async () => !(await userExists(username)));
    });

    test('an orphan outlives its maker, and revoke-orphan makes orphans', async () => {
      const parent = await create({ policies: ['everything'], ttl: '1h' });
      const orphan = await create({ policies: ['everything'], no_parent: true }, parent.client_token);
      const child = await create({ policies: ['everything'] }, parent.client_token);
      expect(orphan.orphan).toBe(true);
      await server().call('POST', 'auth/token/revoke-orphan', { body: { token: parent.client_token } });
      expect(await alive(parent.client_token)).toBe(false);
      expect(await alive(orphan.client_token)).toBe(true);
      expect((await lookup(child.client_token)).body.data.orphan).toBe(true);
    });

    test('the last use of a token cannot be spent on a lease', async () => {
      const { client_token } = await create({ policies: ['everything'], num_uses: 1 });
      const { status, body } = await server().call('GET', 'database/creds/app', { token: client_token });
      expect(status).toBe(400);
      expect(body.errors[0]).toMatch(/^Secret cannot be returned; token had one use left/);
    });

    test('a token has a lease of its own, by which it is listed and revoked', async () => {
      await server().call('POST', 'auth/token/create-orphan', { body: { ttl: '1h' } });
      const { body } = await server().call('LIST', 'sys/leases/lookup/auth/token/create-orphan');
      expect(body.data.keys).toHaveLength(1);
      const { client_token } = await create({ policies: ['everything'], ttl: '1h' });
      await server().call('PUT', 'sys/leases/revoke-prefix/auth/token/create-orphan');
      expect((await server().call('LIST', 'sys/leases/lookup/auth/token/create-orphan')).status).toBe(404);
      expect(await alive(client_token)).toBe(true);
    });
  });

  describe('privileges', () => {
    test('a child has no policy that its parent has not', async () => {
      await server().call('PUT', 'sys/policies/acl/maker', {
        body: { policy: 'path "auth/token/create" { capabilities = ["update"] }' },
      });
      const { client_token } = await create({ policies: ['maker'] });
      expect((await create({ policies: ['everything'] }, client_token)).errors).toEqual([
        'child policies must be subset of parent',
      ]);
      expect((await create({ no_parent: true }, client_token)).errors).toEqual([
        'root or sudo privileges required to create orphan token',
      ]);
      expect((await create({ period: '1h' }, client_token)).errors).toEqual([
        'root or sudo privileges required to create periodic token',
      ]);
      expect((await create({}, client_token)).policies).toEqual(['default', 'maker']);
    });

    test('only root makes root', async () => {
      const { client_token } = await create({ policies: ['everything'] });
      expect((await create({ policies: ['root'] }, client_token)).errors).toEqual([
        'root tokens may not be created without parent token being root',
      ]);
    });

    test('an id of the own choosing is taken once', async () => {
      expect((await create({ id: 'my-own-token' })).client_token).toBe('my-own-token');
      expect((await create({ id: 'my-own-token' })).errors).toEqual([
        'cannot create a token with a duplicate ID',
      ]);
      expect((await create({ id: 'with.dot' })).status).toBe(400);
    });
  });
});
