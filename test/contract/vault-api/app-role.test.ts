import { beforeAll, expect, test } from 'vitest';
import { contractSuite } from './contract-suite.js';

contractSuite('AppRole', {}, (server) => {
  const role = (name: string, settings: Record<string, unknown> = {}) =>
    server().call('POST', `auth/approle/role/${name}`, { body: settings });
  const roleId = async (name: string) =>
    (await server().call('GET', `auth/approle/role/${name}/role-id`)).body.data.role_id as string;
  const secretId = async (name: string, settings: Record<string, unknown> = {}) =>
    (await server().call('PUT', `auth/approle/role/${name}/secret-id`, { body: settings })).body.data;
  const login = async (name: string, secret: string) =>
    server().call('PUT', 'auth/approle/login', {
      token: null,
      body: { role_id: await roleId(name), secret_id: secret },
    });

  beforeAll(async () => {
    expect((await server().call('POST', 'sys/auth/approle', { body: { type: 'approle' } })).status).toBe(204);
  });

  test('a login gives a token with the settings of the role', async () => {
    await role('app', { token_policies: ['p', 'q'], token_ttl: '1m', token_max_ttl: '2m' });
    const { secret_id } = await secretId('app', { metadata: '{"team":"a"}' });
    const { body } = await login('app', secret_id);
    expect(body.auth).toMatchObject({
      policies: ['default', 'p', 'q'],
      metadata: { role_name: 'app', team: 'a' },
      lease_duration: 60,
      renewable: true,
      token_type: 'service',
      orphan: true,
    });
    const { client_token } = body.auth;
    const own = await server().call('GET', 'auth/token/lookup-self', { token: client_token });
    expect(own.body.data).toMatchObject({ display_name: 'approle', path: 'auth/approle/login' });
  });

  test('the same role is the same entity at every login', async () => {
    const entity = async () => (await login('app', (await secretId('app')).secret_id)).body.auth.entity_id;
    const first = await entity();
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(await entity()).toBe(first);
  });

  test('F43: a secret id is good for its uses and its ttl', async () => {
    await role('limited', { secret_id_num_uses: 2 });
    const { secret_id } = await secretId('limited');
    expect((await login('limited', secret_id)).status).toBe(200);
    expect((await login('limited', secret_id)).status).toBe(200);
    expect((await login('limited', secret_id)).body.errors).toEqual(['invalid role or secret ID']);
    const brief = (await secretId('app', { ttl: '1s' })).secret_id;
    expect((await login('app', brief)).status).toBe(200);
    await server().eventually(async () => (await login('app', brief)).status === 400);
  });

  test('a secret id cannot exceed its role', async () => {
    const { call } = server();
    await role('strict', { secret_id_num_uses: 2, secret_id_ttl: '1m' });
    const ask = async (body: object) =>
      (await call('PUT', 'auth/approle/role/strict/secret-id', { body })).body.errors;
    expect(await ask({ num_uses: 3 })).toEqual([
      "num_uses cannot be higher than the role's secret_id_num_uses",
    ]);
    expect(await ask({ ttl: '2m' })).toEqual(["ttl cannot be longer than the role's secret_id_ttl"]);
  });

  test('a secret id is looked up and destroyed, by itself and by its accessor', async () => {
    const { call } = server();
    const [one, two] = [await secretId('app', { ttl: '1h', num_uses: 7 }), await secretId('app')];
    const found = await call('POST', 'auth/approle/role/app/secret-id/lookup', {
      body: { secret_id: one.secret_id },
    });
    expect(found.body.data).toMatchObject({ secret_id_num_uses: 7, secret_id_ttl: 3_600 });
    await call('POST', 'auth/approle/role/app/secret-id/destroy', { body: { secret_id: one.secret_id } });
    await call('POST', 'auth/approle/role/app/secret-id-accessor/destroy', {
      body: { secret_id_accessor: two.secret_id_accessor },
    });
    expect((await login('app', one.secret_id)).status).toBe(400);
    expect((await login('app', two.secret_id)).status).toBe(400);
  });

  test('a wrapped secret id is unwrapped once, and its accessor is known beforehand', async () => {
    const { call } = server();
    const { body } = await call('PUT', 'auth/approle/role/app/secret-id', {
      headers: { 'X-Vault-Wrap-TTL': '60s' },
    });
    expect(body.data).toBeNull();
    const unwrap = () => call('POST', 'sys/wrapping/unwrap', { token: body.wrap_info.token });
    const first = await unwrap();
    expect(first.body.data.secret_id_accessor).toBe(body.wrap_info.wrapped_accessor);
    expect((await login('app', first.body.data.secret_id)).status).toBe(200);
    expect((await unwrap()).body.errors).toEqual(['wrapping token is not valid or does not exist']);
  });

  test('ids of the own choosing', async () => {
    const { call } = server();
    await role('chosen');
    await call('POST', 'auth/approle/role/chosen/role-id', { body: { role_id: 'my-role' } });
    await call('POST', 'auth/approle/role/chosen/custom-secret-id', { body: { secret_id: 'my-secret' } });
    expect(await roleId('chosen')).toBe('my-role');
    expect((await login('chosen', 'my-secret')).status).toBe(200);
  });

  test('a renewal is capped by the role as it is now', async () => {
    await role('changing', { token_ttl: '10s', token_max_ttl: '1h' });
    await server().align(100);
    const { client_token } = (await login('changing', (await secretId('changing')).secret_id)).body.auth;
    await role('changing', { token_ttl: '10s', token_max_ttl: '30s' });
    const { body } = await server().call('POST', 'auth/token/renew-self', {
      token: client_token,
      body: { increment: '10m' },
    });
    expect(body.auth.lease_duration).toBe(30);
    expect(body.warnings[0]).toMatch(/exceeded the effective max_ttl of "30s"/);
  });

  test('batch tokens', async () => {
    await role('batch', { token_type: 'batch', token_ttl: '1m' });
    const { body } = await login('batch', (await secretId('batch')).secret_id);
    expect(body.auth).toMatchObject({ token_type: 'batch', renewable: false, lease_duration: 60 });
  });

  test('a second mount is another world', async () => {
    const { call } = server();
    await call('POST', 'sys/auth/other', { body: { type: 'approle' } });
    expect((await call('GET', 'auth/other/role/app')).status).toBe(404);
    await call('DELETE', 'sys/auth/other');
    expect((await call('POST', 'auth/other/login', { token: null, body: {} })).status).toBe(403);
  });
});
