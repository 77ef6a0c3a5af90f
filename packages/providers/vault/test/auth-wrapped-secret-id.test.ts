import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fakeClock, leakProbe } from '@keyturn/core/testing';
import { approle } from '@keyturn/vault';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBaoServer, startOpenBao } from '../../../../test/servers/openbao.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { failureOf, unhurried } from './calls.js';
import { keepLogin, sessionOf } from './kept-login.js';
import { asStore, json, type Script, type ScriptedServer, startScripted } from './scripted-server.js';

/** Sends `body` to `path` and has the answer wrapped. */
async function wrap(bao: OpenBaoServer, path: string, body: object = {}, namespace = ''): Promise<string> {
  const answer = await fetch(`${bao.address}/v1/${path}`, {
    method: 'POST',
    headers: {
      'X-Vault-Token': bao.rootToken,
      'X-Vault-Wrap-TTL': '60s',
      ...(namespace === '' ? {} : { 'X-Vault-Namespace': namespace }),
    },
    body: JSON.stringify(body),
  });
  return ((await answer.json()) as { wrap_info: { token: string } }).wrap_info.token;
}

describe.skipIf(!requireServer('openbao'))('a wrapped secret-id on OpenBao', () => {
  const role = 'auth/approle/role/orders';
  let bao: OpenBaoServer;
  let folder: string;
  let secretIdFile: string;
  let roleId: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-vault-wrapped-'));
    secretIdFile = join(folder, 'secret-id');
    bao = await startOpenBao();
    await bao.api('POST', 'secret/data/orders', { data: { a: 'b' } });
    await bao.api('PUT', 'sys/policies/acl/orders', {
      policy: 'path "secret/*" { capabilities = ["read"] }',
    });
    await bao.api('POST', 'sys/auth/approle', { type: 'approle' });
    await bao.api('POST', role, { token_policies: ['orders'], token_ttl: '2s', token_max_ttl: '3s' });
    roleId = (await bao.api('GET', `${role}/role-id`)).data.role_id;
  });
  afterAll(async () => {
    await bao?.stop();
    rmSync(folder, { recursive: true });
  });

  const auth = (secretId?: string) =>
    approle({ roleId, secretIdWrapped: true, ...(secretId === undefined ? { secretIdFile } : { secretId }) });
  const logins = (secretId?: string) => sessionOf(auth(secretId), { address: bao.address });

  it('is unwrapped once, and serves every login of the process', async () => {
    const wrapped = await wrap(bao, `${role}/secret-id`);
    const { login, read } = logins(wrapped);
    for (let count = 0; count < 3; count++) {
      expect((await read((await login()).credential)).data).toEqual({ a: 'b' });
    }
    expect((await failureOf(logins(wrapped).login())).code).toBe('unauthenticated');
  });

  it('that was unwrapped before says that somebody else may have it', async () => {
    const wrapped = await wrap(bao, `${role}/secret-id`);
    await bao.api('POST', 'sys/wrapping/unwrap', {}, wrapped);
    const error = await failureOf(logins(wrapped).login());
    expect(error.code).toBe('unauthenticated');
    expect(error.message).toMatch(/unwrapped already.*somebody else.*audit log.*auth: approle/s);
    expect(error.message).not.toContain(wrapped);
  });

  it('that was taken and wrapped again by somebody else is refused, and left unopened', async () => {
    const { data } = await bao.api('POST', `${role}/secret-id`, {});
    const swapped = await wrap(bao, 'sys/wrapping/wrap', { secret_id: data.secret_id });
    const error = await failureOf(logins(swapped).login());
    expect(error.code).toBe('unauthenticated');
    expect(error.message).toMatch(/made at another path.*put this in its place/s);
    expect((await bao.api('POST', 'sys/wrapping/lookup', { token: swapped })).data.creation_path).toBe(
      'sys/wrapping/wrap',
    );
  });

  it('F43: a new token in the file is unwrapped in its turn', async () => {
    const { login } = logins();
    writeFileSync(secretIdFile, `${await wrap(bao, `${role}/secret-id`, { num_uses: 1 })}\n`);
    await login();
    expect((await failureOf(login())).code).toBe('unauthenticated');
    writeFileSync(secretIdFile, await wrap(bao, `${role}/secret-id`));
    await login();
    await login();
  });

  it('of a role’s own making, at a mount and in a namespace of its own', async () => {
    await bao.api('POST', 'sys/namespaces/team');
    const inTeam = (path: string, body: object) => bao.api('POST', `team/${path}`, body);
    await inTeam('sys/auth/apps.eu', { type: 'approle' });
    await inTeam('auth/apps.eu/role/orders', { token_ttl: '60s' });
    const { role_id } = (await bao.api('GET', 'team/auth/apps.eu/role/orders/role-id')).data;
    const path = 'auth/apps.eu/role/orders/custom-secret-id';
    const secretId = await wrap(bao, path, { secret_id: 'of-our-own' }, 'team');
    const config = { roleId: role_id, secretId, secretIdWrapped: true, mount: 'apps.eu' };
    const { login } = sessionOf(approle(config), { address: bao.address, namespace: 'team' });
    expect((await login()).lease?.ttlMs).toBe(60_000);
  });

  it('F15, F49: the core keeps the login by it, and it shows nowhere', async () => {
    const wrapped = await wrap(bao, `${role}/custom-secret-id`, { secret_id: 'CANARY-secret-id' });
    const probe = leakProbe(['CANARY-secret-id', wrapped]);
    const kept = await keepLogin(auth(wrapped), { address: bao.address }, probe);
    probe.stop();
    probe.assertClean();
    expect(kept.unread).toBe(0);
  });
});

describe('a wrapping token that the store is slow to open', () => {
  const servers: ScriptedServer[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });

  /** A store whose `sys/wrapping/unwrap` answers as `script` says. */
  async function logins(script: Script) {
    const server = await startScripted(
      asStore((request, response) => {
        if (request.url === '/v1/sys/wrapping/lookup') {
          json(response, 200, { data: { creation_path: 'auth/approle/role/orders/secret-id' } });
        } else if (request.url === '/v1/sys/wrapping/unwrap') script(request, response);
        else json(response, 200, { auth: { client_token: 's.new', lease_duration: 60 } });
      }),
    );
    servers.push(server);
    const auth = approle({ roleId: 'r', secretId: 's.wrapped', secretIdWrapped: true });
    const unwraps = () => server.seen.filter(({ url }) => url === '/v1/sys/wrapping/unwrap');
    return { ...sessionOf(auth, { address: server.address }), server, unwraps };
  }
  const answer = { data: { secret_id: 'a-secret-id' } };

  it('is not lost with the caller who leaves: the answer serves the next login', async () => {
    const leaving = new AbortController();
    let give = () => {};
    const { login, server, unwraps } = await logins((_, response) => {
      give = () => json(response, 200, answer);
      leaving.abort();
    });
    expect((await failureOf(login({ signal: leaving.signal }))).code).toBe('aborted');
    const next = login();
    give();
    await next;
    expect(unwraps().map(({ headers, body }) => [headers['x-vault-token'], body])).toEqual([
      ['s.wrapped', '{}'],
    ]);
    expect(JSON.parse(server.seen.at(-1)?.body ?? '')).toEqual({ role_id: 'r', secret_id: 'a-secret-id' });
  });

  it('is given up after 30 seconds', async () => {
    const clock = fakeClock();
    let asked = () => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const { login } = await logins(() => asked());
    const failing = failureOf(login({ ...unhurried, clock }));
    await isAsked;
    await clock.advance(30_000);
    expect((await failing).code).toBe('timeout');
    expect(clock.pending).toBe(0);
  });

  it('is tried again after an outage', async () => {
    let isOut = true;
    const { login, unwraps } = await logins((_, response) => {
      if (isOut) json(response, 503, { errors: ['Vault is sealed'] });
      else json(response, 200, answer);
    });
    expect((await failureOf(login())).code).toBe('unavailable');
    isOut = false;
    await login();
    await login();
    expect(unwraps()).toHaveLength(2);
  });

  it('and that holds no secret-id is no login', async () => {
    const { login } = await logins((_, response) => json(response, 200, { data: { other: 'CANARY' } }));
    const error = await failureOf(login());
    expect(error.code).toBe('bad-response');
    expect(error.message).toMatch(/no secret-id/);
    expect(error.message).not.toContain('CANARY');
  });
});
