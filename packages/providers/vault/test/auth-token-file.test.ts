import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecrets } from '@keyturn/core';
import { leakProbe } from '@keyturn/core/testing';
import { tokenFile, vault } from '@keyturn/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBaoServer, startOpenBao, until } from '../../../../test/servers/openbao.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { startAgent } from './agent.js';
import { failureOf } from './calls.js';
import { keepLogin, sessionOf } from './kept-login.js';

describe.skipIf(!requireServer('openbao'))('a token file on OpenBao', () => {
  const role = 'auth/approle/role/orders';
  let bao: OpenBaoServer;
  let folder: string;
  let roleId: string;
  let secretId: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-vault-sink-'));
    bao = await startOpenBao();
    await bao.api('POST', 'secret/data/orders', { data: { a: 'b' } });
    await bao.api('POST', 'secret/data/narrow', { data: { a: 'c' } });
    for (const [name, path] of [
      ['orders', 'secret/*'],
      ['narrow', 'secret/data/narrow'],
    ]) {
      await bao.api('PUT', `sys/policies/acl/${name}`, {
        policy: `path "${path}" { capabilities = ["read"] }`,
      });
    }
    await bao.api('POST', 'sys/auth/approle', { type: 'approle' });
    await bao.api('POST', role, { token_policies: ['orders'], token_ttl: '3s', token_max_ttl: '4s' });
    roleId = (await bao.api('GET', `${role}/role-id`)).data.role_id;
    secretId = (await bao.api('POST', `${role}/secret-id`, {})).data.secret_id;
  });
  afterAll(async () => {
    await bao?.stop();
    rmSync(folder, { recursive: true });
  });

  const newToken = async (policy: string): Promise<string> =>
    (await bao.api('POST', 'auth/token/create', { policies: [policy], ttl: '60s' })).auth.client_token;
  /** As an agent does: the file is there in whole or not at all. */
  const replace = (path: string, content: string) => {
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
  };
  const isWritten = (path: string) => until(`${path} is written`, async () => readFileSync(path).length > 0);

  it.each(['plain', 'sink', 'method'] as const)('of an agent that wraps: %s', async (wraps) => {
    const sink = join(folder, wraps);
    const agent = startAgent({
      address: bao.address,
      roleId,
      secretId,
      sink,
      ...(wraps === 'plain' ? {} : { wraps }),
    });
    try {
      await isWritten(sink);
      const { login, read, isAlive } = sessionOf(tokenFile({ path: sink }), { address: bao.address });
      // Twice: a wrapping token opens once, and what it held serves on.
      for (let count = 0; count < 2; count++) {
        const { credential, revocable } = await login();
        expect(revocable).toBe(false);
        expect((await read(credential)).data).toEqual({ a: 'b' });
        expect(await isAlive(credential)).toBe(true);
      }
    } finally {
      await agent.stop();
    }
  });

  it('F15, F49: of an agent that logs in anew is followed, and shows nowhere', async () => {
    const sink = join(folder, 'followed');
    const agent = startAgent({ address: bao.address, roleId, secretId, sink });
    try {
      await isWritten(sink);
      const first = readFileSync(sink, 'utf8');
      const probe = leakProbe([first]);
      const kept = await keepLogin(tokenFile({ path: sink }), { address: bao.address }, probe);
      expect(kept.unread).toBe(0);
      probe.add(readFileSync(sink, 'utf8'));
      probe.stop();
      probe.assertClean();
    } finally {
      await agent.stop();
    }
  });

  it('F13: replaced while the old token is denied something is taken up at once', async () => {
    const path = join(folder, 'replaced');
    replace(path, await newToken('narrow'));
    const provider = vault({ address: bao.address, auth: tokenFile({ path }) });
    const secrets = createSecrets({ providers: { vault: provider } });
    const ofA = async (ref: string) => (await secrets.getSecret(ref)).field('a').reveal();
    try {
      expect(await ofA('vault:secret/narrow')).toBe('c');
      replace(path, await newToken('orders'));
      expect(await ofA('vault:secret/orders')).toBe('b');
    } finally {
      await secrets.close();
    }
  });

  it('F14: with a token that was revoked is read again, and waited for', async () => {
    const path = join(folder, 'revoked');
    const [first, second] = [await newToken('orders'), await newToken('orders')];
    replace(path, first);
    const { login, isAlive } = sessionOf(tokenFile({ path }), { address: bao.address });
    const { credential } = await login();
    await bao.api('POST', 'auth/token/revoke', { token: first });
    expect(await isAlive(credential)).toBe(false);
    const error = await failureOf(login());
    expect(error.code).toBe('unauthenticated');
    expect(error.message).toMatch(/auth: tokenFile\.path, and the agent/);
    replace(path, second);
    await login();
  });

  it('with a wrapping token that is spent, or made for something else, says so', async () => {
    const path = join(folder, 'spent');
    const lookups = [
      ['s.unknown', /unwrapped already/],
      [await wrapOf('secret/data/orders'), /made at another path/],
    ] as const;
    for (const [token, problem] of lookups) {
      replace(path, JSON.stringify({ token, creation_path: 'auth/approle/login' }));
      const error = await failureOf(sessionOf(tokenFile({ path }), { address: bao.address }).login());
      expect(error.code).toBe('unauthenticated');
      expect(error.message).toMatch(problem);
      expect(error.message).toContain('auth: tokenFile.path');
      expect(error.message).not.toContain(token);
    }
  });

  async function wrapOf(path: string): Promise<string> {
    const headers = { 'X-Vault-Token': bao.rootToken, 'X-Vault-Wrap-TTL': '60s' };
    const answer = await fetch(`${bao.address}/v1/${path}`, { headers });
    return ((await answer.json()) as { wrap_info: { token: string } }).wrap_info.token;
  }
});
