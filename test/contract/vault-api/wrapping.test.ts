import { beforeAll, expect, test } from 'vitest';
import { contractSuite } from './contract-suite.js';

contractSuite('response wrapping', {}, (server) => {
  const wrapped = async (ttl = '60s') => {
    const { body } = await server().call('GET', 'secret/data/wrapped', {
      headers: { 'X-Vault-Wrap-TTL': ttl },
    });
    return body.wrap_info as { token: string; accessor: string; ttl: number; creation_path: string };
  };
  const unwrap = (token: string) => server().call('POST', 'sys/wrapping/unwrap', { token });

  beforeAll(async () => {
    await server().call('POST', 'secret/data/wrapped', { body: { data: { v: 1 } } });
  });

  test('the answer comes out once', async () => {
    const info = await wrapped();
    expect(info).toMatchObject({ ttl: 60, creation_path: 'secret/data/wrapped' });
    expect((await unwrap(info.token)).body.data.data).toEqual({ v: 1 });
    expect((await unwrap(info.token)).body.errors).toEqual(['wrapping token is not valid or does not exist']);
  });

  test('two at once: one gets it', async () => {
    const { token } = await wrapped();
    const answers = await Promise.all([unwrap(token), unwrap(token), unwrap(token)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
  });

  test('a lookup spends nothing and needs no other token', async () => {
    const { token } = await wrapped();
    const { call } = server();
    const lookup = await call('POST', 'sys/wrapping/lookup', { token: null, body: { token } });
    expect(lookup.body.data).toMatchObject({ creation_path: 'secret/data/wrapped', creation_ttl: 60 });
    expect((await call('GET', 'sys/wrapping/lookup', { token })).status).toBe(200);
    expect((await unwrap(token)).status).toBe(200);
  });

  test('the token may stand in the body, beside a token of the caller', async () => {
    const { token } = await wrapped();
    const { call } = server();
    expect((await call('POST', 'sys/wrapping/unwrap', { token: null, body: { token } })).status).toBe(403);
    expect((await call('POST', 'sys/wrapping/unwrap', { body: { token } })).status).toBe(200);
  });

  test('it opens nothing else, and the attempt spends it', async () => {
    const { token } = await wrapped();
    expect((await server().call('GET', 'secret/data/wrapped', { token })).status).toBe(403);
    expect((await unwrap(token)).status).toBe(400);
  });

  test('it ends', async () => {
    const { token } = await wrapped('1s');
    const { call, eventually } = server();
    const lookup = () => call('POST', 'sys/wrapping/lookup', { body: { token } });
    await eventually(async () => (await lookup()).status === 400);
    expect((await unwrap(token)).status).toBe(400);
  });

  test('a rewrap replaces it', async () => {
    const { token } = await wrapped();
    const { body } = await server().call('POST', 'sys/wrapping/rewrap', { body: { token } });
    expect(body.wrap_info).toMatchObject({ ttl: 60, creation_path: 'secret/data/wrapped' });
    expect((await unwrap(token)).status).toBe(400);
    expect((await unwrap(body.wrap_info.token)).body.data.data).toEqual({ v: 1 });
  });

  test('a wrapped login gives the token', async () => {
    const { call } = server();
    const { body } = await call('POST', 'auth/token/create', {
      body: { ttl: '1m' },
      headers: { 'X-Vault-Wrap-TTL': '1m' },
    });
    const { auth } = (await unwrap(body.wrap_info.token)).body;
    expect(auth.accessor).toBe(body.wrap_info.wrapped_accessor);
    expect((await call('GET', 'auth/token/lookup-self', { token: auth.client_token })).status).toBe(200);
  });

  test('any data can be wrapped; errors and empty answers are not', async () => {
    const { call } = server();
    const headers = { 'X-Vault-Wrap-TTL': '60' };
    const { body } = await call('POST', 'sys/wrapping/wrap', { body: { a: { b: 1 } }, headers });
    expect((await unwrap(body.wrap_info.token)).body.data).toEqual({ a: { b: 1 } });
    expect((await call('GET', 'secret/data/none', { headers })).body.errors).toEqual([]);
    expect((await call('DELETE', 'secret/data/none', { headers })).status).toBe(204);
  });

  test.each(['zz', '-5s'])('a ttl of %s is refused', async (ttl) => {
    const answer = await server().call('GET', 'secret/data/wrapped', {
      headers: { 'X-Vault-Wrap-TTL': ttl },
    });
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0]).toMatch(/^error parsing X-Vault-Wrap-TTL header: /);
  });

  test('a wrapping token is known by its accessor, and can be revoked', async () => {
    const { token, accessor } = await wrapped();
    const { call } = server();
    const { body } = await call('POST', 'auth/token/lookup-accessor', { body: { accessor } });
    expect(body.data).toMatchObject({ policies: ['response-wrapping'], num_uses: 1, renewable: false });
    await call('POST', 'auth/token/revoke-accessor', { body: { accessor } });
    expect((await unwrap(token)).status).toBe(400);
  });
});
