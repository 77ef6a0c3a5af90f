import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { SecretsError } from '@keyturn/core/provider';
import { token, type VaultConfig, vault } from '@keyturn/vault';
import { afterEach, describe, expect, it } from 'vitest';
import { failureOf, logIn, unhurried } from './calls.js';
import { asStore, json, kv, type Script, type ScriptedServer, startScripted } from './scripted-server.js';

const TOKEN = 's.CANARY-token';
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function serverOf(script: Script): Promise<ScriptedServer> {
  const server = await startScripted(script);
  cleanups.push(server.stop);
  return server;
}

function providerOf(address: string, config: Partial<VaultConfig> = {}) {
  const provider = vault({ address, auth: token({ token: TOKEN }), ...config });
  cleanups.push(async () => provider.close?.());
  return provider;
}

/** A provider that is logged in to a server whose reads are scripted. */
async function reading(script: Script, config: Partial<VaultConfig> = {}) {
  const server = await serverOf(asStore(script));
  const provider = providerOf(server.address, config);
  const options = await logIn(provider);
  return { server, provider, fetch: (path = 'secret/orders') => provider.fetch({ path }, options), options };
}

describe('requests', () => {
  it('carry the token of the session, the namespace and the mark of a client, each once', async () => {
    const { server, fetch } = await reading((_, response) => json(response, 200, kv({ a: 'b' })), {
      namespace: 'team',
    });
    await fetch();
    const last = server.seen.at(-1);
    expect(last?.url).toBe('/v1/secret/data/orders');
    expect(last?.headers).toMatchObject({
      'x-vault-token': TOKEN,
      'x-vault-namespace': 'team',
      'x-vault-request': 'true',
      'user-agent': 'keyturn-vault',
      accept: 'application/json',
    });
    expect(last?.body).toBe('');
  });

  it('share a kept connection', async () => {
    const { server, fetch } = await reading((_, response) => json(response, 200, kv({ a: 'b' })));
    for (let call = 0; call < 5; call++) await fetch();
    expect(server.connections()).toBe(1);
  });

  it('keep a prefix of the address', async () => {
    const server = await serverOf((_, response) => json(response, 200, { data: { ttl: 0 } }));
    await logIn(providerOf(`${server.address}/proxy/vault/`));
    expect(server.seen[0]?.url).toBe('/proxy/vault/v1/auth/token/lookup-self');
  });

  it('are sent again, once, when a read met a kept connection that the server had closed', async () => {
    let drop = false;
    const { server, fetch } = await reading((_, response) => {
      if (drop) response.destroy();
      else json(response, 200, kv({ a: 'b' }));
      drop = false;
    });
    await fetch();
    drop = true;
    expect((await fetch()).data).toEqual({ a: 'b' });
    expect(server.connections()).toBe(2);
  });

  it('are not sent again when they write, or on a connection of their own', async () => {
    const { server, provider, fetch, options } = await reading((request, response) => {
      if (request.url.includes('dead') || request.method === 'POST') response.destroy();
      else json(response, 200, kv({ a: 'b' }));
    });
    await fetch();
    const before = server.seen.length;
    const error = await failureOf(
      provider.renew?.('database/creds/a/b', { ...options, ttlMs: 1_000 }) as Promise<unknown>,
    );
    expect(error).toMatchObject({ code: 'unavailable', cause: { code: 'ECONNRESET' } });
    expect(server.seen.length).toBe(before + 1);
    expect((await failureOf(fetch('secret/dead'))).code).toBe('unavailable');
    expect(server.seen.length).toBe(before + 2);
  });
});

describe('a caller that leaves', () => {
  it('is let go promptly while the server hangs, and the connection is given up', async () => {
    const { provider, options } = await reading(() => {});
    const caller = new AbortController();
    const failing = failureOf(
      provider.fetch({ path: 'secret/orders' }, { ...options, signal: caller.signal }),
    );
    setTimeout(() => caller.abort(), 20);
    const sentMs = performance.now();
    expect((await failing).code).toBe('aborted');
    expect(performance.now() - sentMs).toBeLessThan(500);
  });

  it('is let go while the body trickles in, with the reason of the signal', async () => {
    const { provider, options } = await reading((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"data": {');
    });
    const caller = new AbortController();
    const reason = new SecretsError('timeout', { problem: 'Too slow.', remedy: 'Wait longer.' });
    const failing = failureOf(
      provider.fetch({ path: 'secret/orders' }, { ...options, signal: caller.signal }),
    );
    setTimeout(() => caller.abort(reason), 20);
    expect(await failing).toBe(reason);
  });

  it('costs no request when it had left before', async () => {
    const { server, provider, options } = await reading((_, response) => json(response, 200, kv({ a: 'b' })));
    const before = server.seen.length;
    const error = await failureOf(
      provider.fetch({ path: 'secret/a' }, { ...options, signal: AbortSignal.abort() }),
    );
    expect(error.code).toBe('aborted');
    expect(server.seen.length).toBe(before);
  });

  it('does not take the others along that share its connection pool', async () => {
    const { provider, options, fetch } = await reading((request, response) => {
      if (!request.url.endsWith('hang')) json(response, 200, kv({ a: 'b' }));
    });
    const caller = new AbortController();
    const hanging = failureOf(provider.fetch({ path: 'secret/hang' }, { ...options, signal: caller.signal }));
    const others = Promise.all([fetch(), fetch(), fetch()]);
    caller.abort();
    expect((await hanging).code).toBe('aborted');
    expect((await others).map(({ data }) => data)).toEqual([{ a: 'b' }, { a: 'b' }, { a: 'b' }]);
  });
});

describe('answers', () => {
  it('longer than the limit are refused, with and without a length, naming the setting', async () => {
    const { fetch } = await reading(
      (request, response) => {
        const text = JSON.stringify(kv({ big: 'x'.repeat(5_000) }));
        const length = request.url.endsWith('chunked') ? {} : { 'content-length': String(text.length) };
        response.writeHead(200, { 'content-type': 'application/json', ...length });
        response.end(text);
      },
      { maxResponseBytes: 4_096 },
    );
    for (const path of ['secret/chunked', 'secret/sized']) {
      const error = await failureOf(fetch(path));
      expect(error.code).toBe('bad-response');
      expect(error.message).toMatch(/4096 bytes.*maxResponseBytes/);
    }
  });

  it('of a proxy are told from those of the store', async () => {
    const { fetch } = await reading((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      response.end('<!doctype html><form action=/login>CANARY</form>');
    });
    const error = await failureOf(fetch());
    expect(error.code).toBe('bad-response');
    expect(error.message).toMatch(/proxy.*HTML.*address/s);
    expect(inspect(error)).not.toContain('CANARY');
  });

  it.each([
    [
      'cut off',
      (response: Parameters<Script>[1]) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
        response.write('{"data": {"data": {"password": "CANARY');
        setImmediate(() => response.destroy());
      },
      'unavailable',
    ],
    [
      'malformed',
      (response: Parameters<Script>[1]) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end('{"data": {"data": {"password": "CANARY');
      },
      'bad-response',
    ],
  ] as const)('that are %s leak nothing of what came', async (_, answer, code) => {
    const { fetch } = await reading((__, response) => answer(response));
    const error = await failureOf(fetch());
    expect(error.code).toBe(code);
    expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)).not.toContain('CANARY');
  });

  it.each([
    ['0', 1_000],
    ['7', 7_000],
    ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
    ['-1', undefined],
  ])('F19: Retry-After %s becomes %s ms: never at once', async (header, retryAfterMs) => {
    const { fetch } = await reading((_, response) =>
      json(response, 429, { errors: ['rate limit quota exceeded'] }, { 'retry-after': header }),
    );
    expect(await failureOf(fetch())).toMatchObject({ code: 'rate-limited', retryAfterMs });
  });
});

describe('redirects', () => {
  it('to another origin are not followed, and the token stays here', async () => {
    const other = await serverOf((_, response) => json(response, 200, kv({ a: 'stolen' })));
    const redirecting: Script = (request, response) => {
      response.writeHead(307, { location: other.address + request.url });
      response.end();
    };
    const server = await serverOf(redirecting);
    const error = await failureOf(logIn(providerOf(server.address)));
    expect(error.code).toBe('invalid-config');
    expect(error.message).toContain(`add '${other.address}' to the setting nodes`);
    const { fetch } = await reading(redirecting);
    const later = await failureOf(fetch());
    expect(later.code).toBe('unavailable');
    expect(later.message).toContain('setting nodes');
    expect(other.seen).toEqual([]);
  });

  it('to a configured node are followed with method, body and token', async () => {
    const active = await serverOf((_, response) =>
      json(response, 200, { lease_id: 'a/b', lease_duration: 60, renewable: true }),
    );
    const standby = await serverOf(
      asStore((request, response) => {
        response.writeHead(307, { location: active.address + request.url });
        response.end();
      }),
    );
    const provider = providerOf(standby.address, { nodes: [active.address] });
    const options = await logIn(provider);
    await provider.renew?.('a/b', { ...options, ttlMs: 60_000 });
    expect(active.seen[0]).toMatchObject({
      method: 'POST',
      url: '/v1/sys/leases/renew',
      body: '{"lease_id":"a/b","increment":60}',
      headers: { 'x-vault-token': TOKEN },
    });
  });

  it('within the origin are followed, but not for ever', async () => {
    const { fetch } = await reading((request, response) => {
      if (request.url.includes('loop') || request.url.endsWith('/orders')) {
        response.writeHead(307, {
          location: request.url.includes('loop') ? request.url : `${request.url}-moved`,
        });
        response.end();
      } else json(response, 200, kv({ a: 'b' }));
    });
    expect((await fetch()).data).toEqual({ a: 'b' });
    expect(await failureOf(fetch('secret/loop'))).toMatchObject({ code: 'unavailable', status: 307 });
  });

  it.each([
    [302, '/v1/secret/data/login'],
    [307, '/login'],
    [307, undefined],
    [301, 'https://sso.example/v1/login'],
    [307, 'http://['],
  ])('%i to %s are a proxy’s', async (status, location) => {
    const { fetch } = await reading((_, response) => {
      response.writeHead(status, location === undefined ? {} : { location });
      response.end();
    });
    expect(await failureOf(fetch())).toMatchObject({ code: 'bad-response', status });
  });
});

describe('connections that fail', () => {
  it('to a port where nothing listens name the address', async () => {
    const server = await serverOf(() => {});
    await server.stop();
    const error = await failureOf(logIn(providerOf(server.address)));
    expect(error).toMatchObject({ code: 'unavailable', cause: { code: 'ECONNREFUSED' } });
    expect(error.message).toMatch(new RegExp(`${server.address}.*address`));
  });

  it('to a host without a name name the address', async () => {
    const error = await failureOf(logIn(providerOf('http://no-such-host.invalid:8200')));
    expect(error.code).toBe('unavailable');
    expect(error.message).toMatch(/resolved.*address/);
  });

  it('to something that speaks another protocol name the scheme', async () => {
    const smtp = createServer((socket) =>
      socket
        .on('error', () => {})
        .resume()
        .end('220 mail.example ESMTP\r\n'),
    );
    await new Promise<void>((listening) => smtp.listen(0, '127.0.0.1', listening));
    cleanups.push(() => new Promise((closed) => smtp.close(closed)));
    const address = `127.0.0.1:${(smtp.address() as AddressInfo).port}`;
    expect((await failureOf(logIn(providerOf(`http://${address}`)))).message).toMatch(/does not speak HTTP/);
    const error = await failureOf(logIn(providerOf(`https://${address}`)));
    expect(error.code).toBe('invalid-config');
    expect(error.message).toMatch(/does not speak TLS.*scheme/);
  });

  it('hold nothing that keeps the process', async () => {
    const { fetch, provider } = await reading((_, response) => json(response, 200, kv({ a: 'b' })));
    await fetch();
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout');
    const before = timers().length;
    await fetch();
    expect(timers().length).toBeLessThanOrEqual(before);
    await provider.close?.();
  });

  it('come before any session: a call without a login says so', async () => {
    const provider = providerOf('http://127.0.0.1:1');
    expect((await failureOf(provider.fetch({ path: 'secret/a' }, unhurried))).code).toBe('unauthenticated');
  });
});
