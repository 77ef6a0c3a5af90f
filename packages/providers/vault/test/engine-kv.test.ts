import { createSecrets, type Secrets } from '@keyturn/core';
import { token, vault } from '@keyturn/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBaoServer, startOpenBao } from '../../../../test/servers/openbao.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { failureOf } from './calls.js';

describe.skipIf(!requireServer('openbao'))('KV through createSecrets', () => {
  let bao: OpenBaoServer;
  let secrets: Secrets;
  beforeAll(async () => {
    bao = await startOpenBao();
    await bao.api('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } });
    const auth = token({ token: bao.rootToken });
    secrets = createSecrets({ providers: { vault: vault({ address: bao.address, auth }) } });
  });
  afterAll(async () => {
    await secrets?.close();
    await bao?.stop();
  });

  it('version 2: two versions side by side, with their facts, and a rotation at the store', async () => {
    for (const key of ['one', 'two']) await bao.api('POST', 'secret/data/orders', { data: { key } });
    await bao.api('POST', 'secret/metadata/orders', { custom_metadata: { owner: 'orders' } });
    const latest = await secrets.getSecret('vault:secret/orders#key');
    const first = await secrets.getSecret('vault:secret/orders?version=1#key');
    expect([latest.reveal(), latest.version]).toEqual(['two', '2']);
    expect([first.reveal(), first.version]).toEqual(['one', '1']);
    expect(latest.metadata).toMatchObject({ 'label.owner': 'orders', createdAt: expect.any(String) });
    await bao.api('POST', 'secret/data/orders', { data: { key: 'three' } });
    expect((await secrets.rotate('vault:secret/orders#key')).version).toBe('3');
    expect((await secrets.getSecret('vault:secret/orders?version=1#key')).reveal()).toBe('one');
  });

  it('version 2: deleted, destroyed and never written each have a remedy of their own', async () => {
    for (const key of ['one', 'two']) await bao.api('POST', 'secret/data/gone', { data: { key } });
    await bao.api('PUT', 'secret/destroy/gone', { versions: [1] });
    await bao.api('DELETE', 'secret/data/gone');
    const deleted = await failureOf(secrets.getSecret('vault:secret/gone'));
    const destroyed = await failureOf(secrets.getSecret('vault:secret/gone?version=1'));
    const missing = await failureOf(secrets.getSecret('vault:secret/never'));
    expect([deleted, destroyed, missing].map(({ code }) => code)).toEqual(Array(3).fill('not-found'));
    expect(deleted.message).toMatch(/Version 2 was deleted at/);
    expect(deleted.remedy).toContain('Undelete it');
    expect(destroyed.message).toMatch(/Version 1 has been destroyed/);
    expect(destroyed.remedy).not.toContain('Undelete');
    expect(missing.remedy).toContain('Check the path');
  });

  it('version 1: a new value is a new version, an equal one is none', async () => {
    await bao.api('POST', 'old/orders', { key: 'one', ttl: '1s' });
    const first = await secrets.getSecret('vault:old/orders#key');
    // What is stored under the name ttl is no lease.
    expect(Number(first.expiresAt) - Date.now()).toBeGreaterThan(60_000);
    expect((await secrets.rotate('vault:old/orders#key')).version).toBe(first.version);
    await bao.api('POST', 'old/orders', { key: 'two' });
    expect((await secrets.rotate('vault:old/orders#key')).reveal()).toBe('two');
  });

  it('the cubbyhole of the login is read, and is empty for another login', async () => {
    await bao.api('POST', 'cubbyhole/mine', { key: 'kept' });
    expect((await secrets.getSecret('vault:cubbyhole/mine#key')).reveal()).toBe('kept');
    const { auth } = await bao.api('POST', 'auth/token/create', {});
    const other = createSecrets({
      providers: { vault: vault({ address: bao.address, auth: token({ token: auth.client_token }) }) },
    });
    expect((await failureOf(other.getSecret('vault:cubbyhole/mine#key'))).code).toBe('not-found');
    await other.close();
  });

  it('what is wrapped is no secret that could be kept up to date, and costs no call', async () => {
    const error = await failureOf(secrets.getSecret('vault:sys/wrapping/unwrap'));
    expect(error.code).toBe('invalid-ref');
    expect(error.message).toContain('opens once');
  });
});
