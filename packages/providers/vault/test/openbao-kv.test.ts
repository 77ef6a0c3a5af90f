import { request } from 'node:http';
import type { ProviderRef } from '@keyturn/core/provider';
import { token, type VaultConfig, vault } from '@keyturn/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBaoServer, startOpenBao } from '../../../../test/servers/openbao.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { failureOf, logIn, unhurried } from './calls.js';

describe.skipIf(!requireServer('openbao'))('KV on OpenBao', () => {
  let bao: OpenBaoServer;
  beforeAll(async () => {
    bao = await startOpenBao();
    await bao.api('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } });
    await bao.api('POST', 'sys/mounts/team/kv', { type: 'kv', options: { version: '2' } });
  });
  afterAll(() => bao?.stop());

  async function connect(config: Partial<VaultConfig> = {}, secret = bao.rootToken) {
    const provider = vault({ address: bao.address, auth: token({ token: secret }), ...config });
    const options = await logIn(provider);
    const fetch = (path: string, version?: string) =>
      provider.fetch({ path, ...(version === undefined ? {} : { version }) }, options);
    return { provider, options, fetch };
  }

  /** A token that may do just this. */
  async function tokenFor(policy: string): Promise<string> {
    const name = `p${Math.floor(performance.now() * 1_000)}`;
    await bao.api('PUT', `sys/policies/acl/${name}`, { policy });
    return (await bao.api('POST', 'auth/token/create', { policies: [name] })).auth.client_token;
  }

  it('version 2: the latest version, or the one that is named', async () => {
    await bao.api('POST', 'secret/data/app/db', { data: { user: 'one' } });
    await bao.api('POST', 'secret/data/app/db', { data: { user: 'two' } });
    await bao.api('POST', 'secret/metadata/app/db', { custom_metadata: { owner: 'orders' } });
    const { fetch } = await connect();
    expect(await fetch('secret/app/db')).toMatchObject({
      data: { user: 'two' },
      version: '2',
      metadata: { 'label.owner': 'orders', createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) },
    });
    expect(await fetch('secret/app/db', '1')).toMatchObject({ data: { user: 'one' }, version: '1' });
    expect((await failureOf(fetch('secret/app/db', '9'))).code).toBe('not-found');
  });

  it('version 2: a deleted version, a destroyed one and none at all are told apart', async () => {
    for (const user of ['one', 'two', 'three']) await bao.api('POST', 'secret/data/gone', { data: { user } });
    await bao.api('POST', 'secret/delete/gone', { versions: [2] });
    await bao.api('PUT', 'secret/destroy/gone', { versions: [1] });
    const { fetch } = await connect();
    expect((await failureOf(fetch('secret/gone', '2'))).message).toMatch(
      /^not-found: Version 2 was deleted at 2\d{3}-/,
    );
    expect((await failureOf(fetch('secret/gone', '1'))).message).toMatch(
      /^not-found: Version 1 has been destroyed/,
    );
    expect((await failureOf(fetch('secret/never'))).message).toMatch(
      /^not-found: There is nothing at secret\/data\/never/,
    );
    expect((await fetch('secret/gone')).data).toEqual({ user: 'three' });
  });

  it('version 1: equal data has an equal version', async () => {
    await bao.api('POST', 'old/app', { user: 'one', ttl: '30s' });
    const { fetch } = await connect();
    const first = await fetch('old/app');
    expect(first).toMatchObject({ data: { user: 'one', ttl: '30s' } });
    expect(first.lease).toBeUndefined();
    expect((await fetch('old/app')).version).toBe(first.version);
    await bao.api('POST', 'old/app', { user: 'two' });
    expect((await fetch('old/app')).version).not.toBe(first.version);
  });

  it('a path may have any character that the store takes', async () => {
    const { fetch } = await connect();
    for (const name of ['a b', 'é☃', '100%', 'a?b#c', 'x&#x2F;y', 'a+b', '..a', 'a;b=c', '{{x}}']) {
      await bao.api('POST', `secret/data/odd/${encodeURIComponent(name)}`, { data: { name } });
      expect((await fetch(`secret/odd/${name}`)).data).toEqual({ name });
    }
  });

  it('numbers keep the digits that the store keeps', async () => {
    // JSON.stringify would round it. KV version 2 of OpenBao rounds it as well, when it is written.
    await new Promise<void>((written) => {
      const headers = { 'x-vault-token': bao.rootToken };
      request(`${bao.address}/v1/old/digits`, { method: 'POST', headers }, (response) => {
        response.resume().on('end', written);
      }).end('{"big": 12345678901234567890}');
    });
    expect((await (await connect()).fetch('old/digits')).data).toEqual({ big: '12345678901234567890' });
  });

  it('a mount of several segments is found', async () => {
    await bao.api('POST', 'team/kv/data/a/b', { data: { x: 'y' } });
    expect((await (await connect()).fetch('team/kv/a/b')).data).toEqual({ x: 'y' });
  });

  it('a mount that is made anew as another kind is noticed', async () => {
    await bao.api('POST', 'sys/mounts/moving', { type: 'kv', options: { version: '2' } });
    await bao.api('POST', 'moving/data/a', { data: { is: 'two' } });
    const { fetch } = await connect();
    expect((await fetch('moving/a')).data).toEqual({ is: 'two' });
    await bao.api('DELETE', 'sys/mounts/moving');
    await bao.api('POST', 'sys/mounts/moving', { type: 'kv', options: { version: '1' } });
    await bao.api('POST', 'moving/a', { is: 'one' });
    expect((await failureOf(fetch('moving/a'))).code).toBe('not-found');
    expect((await fetch('moving/a')).data).toEqual({ is: 'one' });
  });

  it('a wrong setting mounts is named', async () => {
    await bao.api('POST', 'secret/data/orders', { data: { a: 'b' } });
    const { fetch } = await connect({ mounts: { secret: 'kv1' } });
    expect((await failureOf(fetch('secret/orders'))).message).toMatch(/invalid-config.*Say kv2.*mounts/s);
  });

  it('list names everything below a prefix, and nothing below nothing', async () => {
    for (const name of ['one', 'deep/two', 'deep/er/three']) {
      await bao.api('POST', `secret/data/tree/${name}`, { data: { a: 'b' } });
      await bao.api('POST', `old/tree/${name}`, { a: 'b' });
    }
    const { provider, options } = await connect();
    const below = async (prefix: string) => {
      const refs: ProviderRef[] = [];
      for await (const ref of provider.list?.(prefix, options) ?? []) refs.push(ref);
      return refs.map(({ path }) => path).sort();
    };
    for (const mount of ['secret', 'old']) {
      expect(await below(`${mount}/tree`)).toEqual([
        `${mount}/tree/deep/er/three`,
        `${mount}/tree/deep/two`,
        `${mount}/tree/one`,
      ]);
    }
    expect(await below('secret/tree/deep/er/')).toEqual(['secret/tree/deep/er/three']);
    expect(await below('secret/empty')).toEqual([]);
    expect((await below('team/kv')).length).toBe(1);
  });

  it('F40: a policy that denies is named with path and capability', async () => {
    await bao.api('POST', 'secret/data/orders', { data: { a: 'b' } });
    const seeing = await tokenFor('path "secret/data/other" { capabilities = ["read"] }');
    const { fetch, provider, options } = await connect({ mounts: { secret: 'kv2' } }, seeing);
    const error = await failureOf(fetch('secret/orders'));
    expect(error.code).toBe('permission-denied');
    expect(error.message).toContain('Allow read on secret/data/orders');
    expect(await provider.session?.isAlive?.(options.session, unhurried)).toBe(true);
  });

  it('a token that may read a path may ask what is mounted there', async () => {
    await bao.api('POST', 'secret/data/orders', { data: { a: 'b' } });
    const reader = await tokenFor('path "secret/data/orders" { capabilities = ["read"] }');
    expect((await (await connect({}, reader)).fetch('secret/orders')).data).toEqual({ a: 'b' });
    const stranger = await tokenFor('path "team/kv/data/x" { capabilities = ["read"] }');
    const error = await failureOf((await connect({}, stranger)).fetch('secret/orders'));
    expect(error).toMatchObject({ code: 'permission-denied' });
    expect(error.message).toContain('setting mounts');
  });

  it('F19: a rate limit of the server is one', async () => {
    await bao.api('POST', 'sys/mounts/limited', { type: 'kv', options: { version: '1' } });
    await bao.api('POST', 'limited/a', { a: 'b' });
    await bao.api('POST', 'sys/quotas/rate-limit/limited', { path: 'limited/', rate: 1, interval: '60s' });
    const { fetch } = await connect({ mounts: { limited: 'kv1' } });
    const outcomes = await Promise.allSettled([fetch('limited/a'), fetch('limited/a'), fetch('limited/a')]);
    const refused = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason.code] : [],
    );
    expect(refused.length).toBeGreaterThanOrEqual(2);
    expect(new Set(refused)).toEqual(new Set(['rate-limited']));
  });

  describe('namespaces', () => {
    beforeAll(async () => {
      await bao.api('POST', 'sys/namespaces/team-a');
      await bao.api('POST', 'team-a/sys/mounts/secret', { type: 'kv', options: { version: '2' } });
      await bao.api('POST', 'team-a/secret/data/orders', { data: { of: 'team-a' } });
      await bao.api('POST', 'secret/data/orders', { data: { of: 'root' } });
    });

    it('the one that is configured is read', async () => {
      expect((await (await connect({ namespace: 'team-a' })).fetch('secret/orders')).data).toEqual({
        of: 'team-a',
      });
      expect((await (await connect()).fetch('secret/orders')).data).toEqual({ of: 'root' });
    });

    it('one that is not there is a setting that is wrong', async () => {
      const error = await failureOf(connect({ namespace: 'team-b' }));
      expect(error.message).toMatch(/invalid-config.*setting namespace/s);
    });
  });

  it('a server that hangs lets its callers go', async () => {
    const { provider, options, fetch } = await connect();
    await fetch('secret/orders');
    await bao.pause();
    try {
      const caller = new AbortController();
      const failing = failureOf(
        provider.fetch({ path: 'secret/orders' }, { ...options, signal: caller.signal }),
      );
      setTimeout(() => caller.abort(), 50);
      const sentMs = performance.now();
      expect((await failing).code).toBe('aborted');
      expect(performance.now() - sentMs).toBeLessThan(500);
    } finally {
      bao.resume();
    }
    expect((await fetch('secret/orders')).data).toEqual({ of: 'root' });
  });
});
