import { rmSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { approle, token, type VaultConfig, vault } from '@keyturn/vault';
import { afterEach, describe, expect, it } from 'vitest';
import { failureOf, logIn, unhurried } from './calls.js';
import { asStore, json, kv, type Script, type ScriptedServer, startScripted } from './scripted-server.js';

const TOKEN = 's.CANARY-token';
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function serverOf(script: Script): Promise<ScriptedServer> {
  const server = await startScripted(script);
  cleanups.push(server.stop);
  return server;
}

/** A node of a cluster, which says in each secret that it was this one. */
const node = (name: string, script?: Script) =>
  serverOf(
    asStore((request, response) => {
      if (script !== undefined) script(request, response);
      else json(response, 200, kv({ node: name }));
    }),
  );

function providerOf(nodes: readonly { address: string }[], config: Partial<VaultConfig> = {}) {
  const provider = vault({
    address: nodes.map(({ address }) => address),
    auth: token({ token: TOKEN }),
    ...config,
  });
  cleanups.push(() => provider.close?.());
  return provider;
}

const reads = ({ seen }: ScriptedServer) => seen.filter(({ url }) => url.startsWith('/v1/secret/'));

describe('several addresses', () => {
  it('each call goes to the one that it is told, and to the first when it is told none', async () => {
    const [one, other] = [await node('one'), await node('other')];
    const provider = providerOf([one, other]);
    const options = await logIn(provider);
    const nodeOf = async (address?: string) =>
      (await provider.fetch({ path: 'secret/orders' }, { ...options, ...(address && { address }) })).data;
    expect(await nodeOf(other.address)).toEqual({ node: 'other' });
    expect(await nodeOf(one.address)).toEqual({ node: 'one' });
    expect(await nodeOf()).toEqual({ node: 'one' });
    expect([reads(one).length, reads(other).length]).toEqual([2, 1]);
  });

  it('logins, look-ups, renewals and revocations go where they are told as well', async () => {
    const answers: Script = ({ url }, response) =>
      json(response, 200, {
        auth: { client_token: TOKEN, lease_duration: 60, renewable: true },
        lease_id: url.includes('leases') ? 'database/creds/a/b' : '',
        lease_duration: 60,
        renewable: true,
        data: { keys: ['a'] },
      });
    const [one, other] = [await node('one', answers), await node('other', answers)];
    const provider = providerOf([one, other], {
      auth: approle({ roleId: 'r', secretId: 's' }),
      mounts: { secret: 'kv1' },
    });
    const at = { ...unhurried, address: other.address };
    const session = (await provider.session?.login(at))?.credential;
    await provider.session?.renew?.(session, { ...at, ttlMs: 60_000 });
    await provider.session?.isAlive?.(session, at);
    await provider.renew?.('database/creds/a/b', { ...at, session, ttlMs: 60_000 });
    await provider.revoke?.('database/creds/a/b', { ...at, session });
    for await (const _ of provider.list?.('secret', { ...at, session }) ?? []);
    await provider.session?.revoke?.(session, at);
    expect(other.seen.length).toBe(7);
    expect(one.seen).toEqual([]);
  });

  it('an address that is not configured gets no token', async () => {
    const [one, other, stranger] = [await node('one'), await node('other'), await node('stranger')];
    const provider = providerOf([one, other]);
    const options = { ...(await logIn(provider)), address: stranger.address };
    expect((await failureOf(provider.fetch({ path: 'secret/a' }, options))).code).toBe('invalid-config');
    expect(stranger.seen).toEqual([]);
  });

  it('a redirect may take the token to each of them, and nowhere else', async () => {
    const active = await node('active');
    const stranger = await node('stranger');
    let to = active.address;
    const standby = await node('standby', ({ url }, response) => {
      response.writeHead(307, { location: to + url });
      response.end();
    });
    const provider = providerOf([standby, active]);
    const options = await logIn(provider);
    const read = () => provider.fetch({ path: 'secret/orders' }, options);
    expect((await read()).data).toEqual({ node: 'active' });
    to = stranger.address;
    expect((await failureOf(read())).code).toBe('unavailable');
    expect(stranger.seen).toEqual([]);
  });

  it('one that cannot be reached, or has another certificate, is unavailable: the next one can be called', async () => {
    const gone = await node('gone');
    await gone.stop();
    const smtp = createTcpServer((socket) =>
      socket
        .on('error', () => {})
        .resume()
        .end('220 mail ESMTP\r\n'),
    );
    await new Promise<void>((listening) => smtp.listen(0, '127.0.0.1', listening));
    cleanups.push(() => new Promise((closed) => smtp.close(closed)));
    const wrong = `https://127.0.0.1:${(smtp.address() as AddressInfo).port}`;
    for (const address of [gone.address, wrong]) {
      const second = address.replace('127.0.0.1', 'localhost');
      const provider = providerOf([{ address }, { address: second }]);
      const error = await failureOf(logIn(provider));
      expect(error.code).toBe('unavailable');
      expect(error.message).toContain(address);
    }
  });

  it('who comes from an address whose look-up of a mount hangs does not wait for it again', async () => {
    const hanging = await serverOf(({ url }, response) => {
      if (url.includes('lookup-self')) json(response, 200, { data: { ttl: 0, type: 'service' } });
    });
    const healthy = await node('healthy');
    const provider = providerOf([hanging, healthy]);
    const options = await logIn(provider);
    const stays = failureOf(provider.fetch({ path: 'secret/a' }, options));
    const read = await provider.fetch({ path: 'secret/b' }, { ...options, address: healthy.address });
    expect(read.data).toEqual({ node: 'healthy' });
    await hanging.stop();
    expect((await stays).code).toBe('unavailable');
  });

  it('each is asked once whether it heeds the namespace, before a token goes there', async () => {
    const health = (enterprise?: boolean): Script =>
      asStore(({ url }, response) => {
        if (url.startsWith('/v1/sys/health')) json(response, 200, { initialized: true, enterprise });
        else json(response, 200, kv({ a: 'b' }));
      });
    const [one, other, community] = [
      await serverOf(health()),
      await serverOf(health(true)),
      await serverOf(health(false)),
    ];
    const provider = providerOf([one, other, community], { namespace: 'team' });
    const grant = await provider.session?.login({ ...unhurried, address: one.address });
    const options = { ...unhurried, session: grant?.credential };
    const fetchAt = (address: string) => provider.fetch({ path: 'secret/a' }, { ...options, address });
    await Promise.all([one, other, other, other].map(({ address }) => fetchAt(address)));
    for (const { seen } of [one, other]) {
      expect(seen.filter(({ url }) => url.startsWith('/v1/sys/health')).length).toBe(1);
    }
    expect((await failureOf(fetchAt(community.address))).code).toBe('invalid-config');
    expect(community.seen.some(({ headers }) => 'x-vault-token' in headers)).toBe(false);
  });
});

describe('a lease that comes when its caller has left', () => {
  it('is revoked at the node that gave it', async () => {
    let answer = () => {};
    const leasing: Script = ({ url }, response) => {
      if (url.endsWith('revoke')) json(response, 204, undefined);
      else
        answer = () =>
          json(response, 200, { lease_id: 'database/creds/a/b', lease_duration: 60, data: { a: 'b' } });
    };
    const [one, other] = [await node('one'), await node('other', leasing)];
    const provider = providerOf([one, other], { mounts: { database: 'database' } });
    const caller = new AbortController();
    const options = { ...(await logIn(provider)), signal: caller.signal, address: other.address };
    const leaving = failureOf(provider.fetch({ path: 'database/creds/a' }, options));
    await expect.poll(() => other.seen.length, { interval: 2 }).toBe(1);
    caller.abort();
    expect((await leaving).code).toBe('aborted');
    answer();
    await provider.close?.();
    expect(other.seen.map(({ url }) => url)).toEqual(['/v1/database/creds/a', '/v1/sys/leases/revoke']);
    expect(one.seen.map(({ url }) => url)).toEqual(['/v1/auth/token/lookup-self']);
  });
});

describe('F20: the state of the store that was last seen', () => {
  const indexed = (index: string): Script =>
    asStore((_, response) => json(response, 200, kv({ a: 'b' }), { 'x-vault-index': index }));

  it('is named in every later request, to whichever node, and may be passed on', async () => {
    const [one, other] = [await serverOf(indexed('index-7')), await serverOf(indexed('index-9'))];
    const provider = providerOf([one, other]);
    const options = await logIn(provider);
    const fetchAt = (address: string) => provider.fetch({ path: 'secret/a' }, { ...options, address });
    await fetchAt(one.address);
    await fetchAt(other.address);
    await fetchAt(one.address);
    expect(reads(one).map(({ headers }) => headers['x-vault-index'])).toEqual([undefined, 'index-9']);
    expect(reads(other)[0]?.headers).toMatchObject({
      'x-vault-index': 'index-7',
      'x-vault-inconsistent': 'forward-active-node',
    });
  });

  it.each([
    ['412 of Vault', 412, { errors: ['required index state not present'] }],
    ['429 of OpenBao', 429, { errors: [] }],
  ])('a node that is behind it is unavailable: %s', async (_, status, body) => {
    const [ahead, behind] = [
      await serverOf(indexed('index-9')),
      await node('', (_, response) => json(response, status, body)),
    ];
    const provider = providerOf([ahead, behind]);
    const options = await logIn(provider);
    await provider.fetch({ path: 'secret/a' }, options);
    const error = await failureOf(
      provider.fetch({ path: 'secret/a' }, { ...options, address: behind.address }),
    );
    expect(error).toMatchObject({ code: 'unavailable', status });
  });

  it('a quota is told from it: the words, or that no state had been named', async () => {
    let body = {};
    const answer: Script = (_, response) => json(response, 429, body, { 'x-vault-index': 'index-9' });
    const limited = await node('', answer);
    const provider = providerOf([limited, await node('other')]);
    const options = await logIn(provider);
    for (const errors of [[], ['request path "secret/data/a": rate limit quota exceeded']]) {
      body = { errors };
      const error = await failureOf(provider.fetch({ path: 'secret/a' }, options));
      expect(error.code).toBe('rate-limited');
    }
  });

  it('is forgotten when no node reaches it: the store was restored to an earlier one', async () => {
    let restored = false;
    const server = await serverOf(
      asStore(({ headers }, response) => {
        if (restored && headers['x-vault-index'] !== undefined) json(response, 412, { errors: [] });
        else json(response, 200, kv({ a: 'b' }), { 'x-vault-index': 'index-9' });
      }),
    );
    const provider = vault({ address: server.address, auth: token({ token: TOKEN }) });
    const options = await logIn(provider);
    const read = () => provider.fetch({ path: 'secret/a' }, options);
    await read();
    restored = true;
    for (let call = 0; call < 12; call++) expect((await failureOf(read())).code).toBe('unavailable');
    expect((await read()).data).toEqual({ a: 'b' });
  });

  it.each<[string, Script]>([
    [
      'says that it cannot reach the active one',
      (_, response) =>
        json(response, 500, { errors: ['local node not active but active cluster node not found'] }),
    ],
    [
      'redirects to where nobody answers',
      ({ url }, response) => {
        response.writeHead(307, { location: `http://127.0.0.1:1${url}` });
        response.end();
      },
    ],
  ])('is not insisted on when a node %s: the next one is asked for what it has', async (_, cannotForward) => {
    const leader = await serverOf(indexed('index-9'));
    const standby = await node('standby', (request, response) => {
      if (request.headers['x-vault-index'] !== undefined) cannotForward(request, response);
      else json(response, 200, kv({ a: 'b' }));
    });
    const provider = providerOf([leader, standby], { nodes: ['http://127.0.0.1:1'] });
    const options = await logIn(provider);
    await provider.fetch({ path: 'secret/a' }, options);
    const next = () => provider.fetch({ path: 'secret/a' }, { ...options, address: standby.address });
    expect((await failureOf(next())).code).toBe('unavailable');
    expect((await next()).data).toEqual({ a: 'b' });
  });

  it('is forgotten when another make of server took the place of the one that named it', async () => {
    let replaced = false;
    const server = await node('', ({ headers }, response) => {
      if (replaced && headers['x-vault-index'] !== undefined)
        json(response, 400, { errors: ['failed to decode "X-Vault-Index"'] });
      else json(response, 200, kv({ a: 'b' }), { 'x-vault-index': 'index-9' });
    });
    const provider = providerOf([server]);
    const options = await logIn(provider);
    const read = () => provider.fetch({ path: 'secret/a' }, options);
    await read();
    replaced = true;
    expect((await failureOf(read())).code).toBe('unavailable');
    expect((await read()).data).toEqual({ a: 'b' });
  });

  it('is insisted on when a node is sealed, or gone', async () => {
    const [ahead, sealed, gone] = [
      await serverOf(indexed('index-9')),
      await node('', (_, response) => json(response, 503, { errors: ['Vault is sealed'] })),
      await node('gone'),
    ];
    await gone.stop();
    const provider = providerOf([ahead, sealed, gone]);
    const options = await logIn(provider);
    const fetchAt = ({ address }: ScriptedServer) =>
      provider.fetch({ path: 'secret/a' }, { ...options, address });
    await fetchAt(ahead);
    for (const server of [sealed, gone]) expect((await failureOf(fetchAt(server))).code).toBe('unavailable');
    await fetchAt(ahead);
    expect(reads(ahead).at(-1)?.headers['x-vault-index']).toBe('index-9');
  });

  it('is one short word, or it is not sent back', async () => {
    const server = await serverOf(indexed('x'.repeat(2_000)));
    const provider = vault({ address: server.address, auth: token({ token: TOKEN }) });
    const options = await logIn(provider);
    await provider.fetch({ path: 'secret/a' }, options);
    await provider.fetch({ path: 'secret/a' }, options);
    expect(server.seen.every(({ headers }) => headers['x-vault-index'] === undefined)).toBe(true);
  });
});

describe('a Unix domain socket', () => {
  it('is called with the marks of a client that an agent asks for, and named in errors', async () => {
    const server = await node('agent');
    const path = join(tmpdir(), `keyturn-${process.pid}.sock`);
    const agent = createTcpServer((socket) => {
      const upstream = connectTcp(Number(new URL(server.address).port), '127.0.0.1');
      socket.on('error', () => {}).on('close', () => upstream.destroy());
      upstream.on('error', () => socket.destroy());
      socket.pipe(upstream).pipe(socket);
    });
    await new Promise<void>((listening) => agent.listen(path, listening));
    const provider = vault({ address: `unix://${path}`, auth: token({ token: TOKEN }) });
    const options = await logIn(provider);
    expect((await provider.fetch({ path: 'secret/orders' }, options)).data).toEqual({ node: 'agent' });
    expect(reads(server)[0]?.headers).toMatchObject({ 'x-vault-request': 'true', host: 'localhost' });
    await provider.close?.();
    await new Promise((closed) => agent.close(closed));
    rmSync(path, { force: true });
    const error = await failureOf(provider.fetch({ path: 'secret/orders' }, options));
    expect(error.code).toBe('unavailable');
    expect(error.message).toMatch(new RegExp(`unix://${path}.*socket`));
  });
});
