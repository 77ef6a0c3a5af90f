import { fakeClock } from '@keyturn/core/testing';
import { approle } from '@keyturn/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBaoServer, startOpenBao } from '../../../../test/servers/openbao.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { transitOver } from '../src/transit/transit.js';
import { failureOf } from './calls.js';
import { json, type Script, type ScriptedServer, startScripted } from './scripted-server.js';

const INPUT = Buffer.from('order 1');

describe('the login of a transit client', () => {
  const servers: ScriptedServer[] = [];
  afterAll(async () => {
    for (const server of servers) await server.stop();
  });

  /** A store whose logins last an hour, and that otherwise answers by `script`. */
  async function store(script: Script = () => {}) {
    const clock = fakeClock();
    let logins = 0;
    const server = await startScripted((request, response) => {
      script(request, response);
      if (response.writableEnded) return;
      const auth = { lease_duration: 3_600, renewable: true, token_type: 'service' };
      if (request.url.endsWith('/login')) {
        json(response, 200, { auth: { ...auth, client_token: `s.login-${++logins}` } });
      } else if (request.url.endsWith('/renew-self'))
        json(response, 200, { auth: { ...auth, client_token: 's.x' } });
      else if (request.url.endsWith('/revoke-self')) json(response, 204, undefined);
      else json(response, 200, { data: { batch_results: [{ hmac: 'vault:v1:AAAA' }] } });
    });
    servers.push(server);
    const auth = approle({ roleId: 'r', secretId: 's' });
    const client = transitOver({ address: server.address, auth, key: 'orders' }, clock);
    const seen = () => server.seen.map(({ url }) => url.replace(/^.*\//, ''));
    return { clock, client, server, seen };
  }

  it('is made at the first call, once for all who call meanwhile, and revoked at the end', async () => {
    const { client, seen, server } = await store();
    expect(seen()).toEqual([]);
    await Promise.all([client.hmac(INPUT), client.hmac(INPUT), client.hmac(INPUT)]);
    await client.close();
    expect(seen()).toEqual(['login', 'orders', 'orders', 'orders', 'revoke-self']);
    expect(server.seen.slice(1).map(({ headers }) => headers['x-vault-token'])).toEqual(
      Array(4).fill('s.login-1'),
    );
  });

  it('is renewed by the first call after two thirds of its life, and no earlier', async () => {
    const { clock, client, seen } = await store();
    await client.hmac(INPUT);
    await clock.advance(2_399_000);
    await client.hmac(INPUT);
    expect(seen()).toEqual(['login', 'orders', 'orders']);
    await clock.advance(2_000);
    await Promise.all([client.hmac(INPUT), client.hmac(INPUT)]);
    expect(seen().slice(3)).toEqual(['renew-self', 'orders', 'orders']);
    await clock.advance(2_399_000);
    await client.hmac(INPUT);
    expect(seen().slice(6)).toEqual(['orders']);
    await client.close();
  });

  it('is made anew when it has ended meanwhile', async () => {
    const { clock, client, seen } = await store();
    await client.hmac(INPUT);
    await clock.advance(3_600_000);
    await client.hmac(INPUT);
    expect(seen()).toEqual(['login', 'orders', 'login', 'orders']);
    await client.close();
  });

  it('a renewal that fails lets the call go on, and is tried again later; near the maximum it is none', async () => {
    let renewals = 0;
    const { clock, client, seen } = await store(({ url }, response) => {
      if (!url.endsWith('/renew-self')) return;
      renewals += 1;
      if (renewals === 1) json(response, 503, { errors: ['Vault is sealed'] });
      else json(response, 200, { auth: { client_token: 's.x', lease_duration: 300, renewable: true } });
    });
    await client.hmac(INPUT);
    await clock.advance(2_500_000);
    await client.hmac(INPUT);
    await client.hmac(INPUT);
    expect(seen()).toEqual(['login', 'orders', 'renew-self', 'orders', 'orders']);
    await clock.advance(300_000);
    await client.hmac(INPUT);
    await clock.advance(250_000);
    await client.hmac(INPUT);
    expect(seen().slice(5)).toEqual(['renew-self', 'orders', 'orders']);
    await clock.advance(50_000);
    await client.hmac(INPUT);
    expect(seen().slice(8)).toEqual(['login', 'orders']);
    await client.close();
  });

  it('a refused login answers for a while, so that nobody is locked out', async () => {
    const { clock, client, seen } = await store(({ url }, response) => {
      if (url.endsWith('/login')) json(response, 400, { errors: ['invalid role or secret ID'] });
    });
    for (let call = 0; call < 3; call++) {
      expect((await failureOf(client.hmac(INPUT))).code).toBe('unauthenticated');
    }
    expect(seen()).toEqual(['login']);
    await clock.advance(5_001);
    expect((await failureOf(client.hmac(INPUT))).message).toContain('roleId');
    expect(seen()).toEqual(['login', 'login']);
    await client.close();
  });

  it('a check that calls a new login dead is not asked again', async () => {
    const { client, seen } = await store(({ url }, response) => {
      if (url.includes('/hmac/') || url.endsWith('/lookup-self')) json(response, 403, { errors: ['denied'] });
    });
    expect((await failureOf(client.hmac(INPUT))).code).toBe('permission-denied');
    expect(seen()).toEqual(['login', 'orders', 'lookup-self', 'login', 'orders', 'lookup-self']);
    expect((await failureOf(client.hmac(INPUT))).code).toBe('permission-denied');
    expect(seen().slice(6)).toEqual(['orders']);
    await client.close();
  });
});

it('who leaves while every connection is busy is let go of at once', async () => {
  let asked = 0;
  const server = await startScripted(({ url }, response) => {
    if (url.endsWith('/login')) json(response, 200, { auth: { client_token: 's.x', lease_duration: 0 } });
    else asked += 1;
  });
  const auth = approle({ roleId: 'r', secretId: 's' });
  const client = transitOver({ address: server.address, auth, key: 'orders' }, fakeClock());
  const busy = Array.from({ length: 64 }, () => failureOf(client.hmac(INPUT)));
  await expect.poll(() => asked).toBe(64);
  const caller = new AbortController();
  const waiting = failureOf(client.hmac(INPUT, { signal: caller.signal }));
  await new Promise(setImmediate);
  caller.abort();
  expect((await waiting).code).toBe('aborted');
  expect(asked).toBe(64);
  await server.stop();
  for (const error of await Promise.all(busy)) expect(error.code).toBe('unavailable');
  await client.close();
});

describe.skipIf(!requireServer('openbao'))('the login of a transit client at OpenBao', () => {
  let bao: OpenBaoServer;
  let auth: ReturnType<typeof approle>;
  beforeAll(async () => {
    bao = await startOpenBao();
    await bao.api('POST', 'sys/mounts/transit', { type: 'transit' });
    await bao.api('POST', 'transit/keys/orders', {});
    await bao.api('PUT', 'sys/policies/acl/hmac', {
      policy: 'path "transit/hmac/orders" { capabilities = ["update"] }',
    });
    await bao.api('POST', 'sys/auth/approle', { type: 'approle' });
    await bao.api('POST', 'auth/approle/role/orders', { token_policies: ['hmac'], token_ttl: '1h' });
    const roleId = (await bao.api('GET', 'auth/approle/role/orders/role-id')).data.role_id;
    const secretId = (await bao.api('POST', 'auth/approle/role/orders/secret-id', {})).data.secret_id;
    auth = approle({ roleId, secretId });
  });
  afterAll(() => bao?.stop());

  const logins = async () =>
    ((await bao.call('LIST', 'auth/token/accessors')).body.data.keys as string[]).length;

  it('F14: a token that was revoked from outside is replaced, once for all who call, and the last is given back', async () => {
    const before = await logins();
    const client = transitOver({ address: bao.address, auth, key: 'orders' }, fakeClock());
    const code = await client.hmac(INPUT);
    expect(await logins()).toBe(before + 1);
    await bao.api('POST', 'sys/leases/revoke-prefix/auth/approle/login');
    await expect.poll(logins).toBe(before);
    expect(await Promise.all([client.hmac(INPUT), client.hmac(INPUT)])).toEqual([code, code]);
    expect(await logins()).toBe(before + 1);
    await client.close();
    await expect.poll(logins).toBe(before);
  });

  it('is renewed at the store', async () => {
    const clock = fakeClock();
    const before = new Set((await bao.call('LIST', 'auth/token/accessors')).body.data.keys as string[]);
    const client = transitOver({ address: bao.address, auth, key: 'orders' }, clock);
    await client.hmac(INPUT);
    const { keys } = (await bao.call('LIST', 'auth/token/accessors')).body.data;
    const accessor = (keys as string[]).find((key) => !before.has(key));
    const facts = async () => (await bao.api('POST', 'auth/token/lookup-accessor', { accessor })).data;
    expect((await facts()).last_renewal_time).toBeUndefined();
    await clock.advance(2_500_000);
    await client.hmac(INPUT);
    expect((await facts()).last_renewal_time).toBeGreaterThan(0);
    await client.close();
  });
});
