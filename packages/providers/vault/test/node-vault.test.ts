import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import { token, vault } from '@keyturn/vault';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { failureOf, logIn } from './calls.js';
import { asStore, json, kv, type Script, type ScriptedServer, startScripted } from './scripted-server.js';

const TOKEN = 's.CANARY-token';
const servers: ScriptedServer[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) await server.stop();
});

async function storeOf(script: Script): Promise<ScriptedServer> {
  const server = await startScripted(asStore(script));
  servers.push(server);
  return server;
}

const shown = (thing: unknown) => inspect(thing, { depth: 20, showHidden: true }) + JSON.stringify(thing);

/** What node-vault 0.12 does wrong, and must not do through us. */
describe('the faults of node-vault', () => {
  describe('the environment', () => {
    beforeEach(() => {
      vi.stubEnv('VAULT_ADDR', 'http://127.0.0.1:1');
      vi.stubEnv('VAULT_TOKEN', 's.from-the-environment');
      vi.stubEnv('VAULT_NAMESPACE', 'from-the-environment');
      vi.stubEnv('VAULT_PREFIX', '/from-the-environment');
      vi.stubEnv('VAULT_SKIP_VERIFY', 'true');
      vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:1');
      vi.stubEnv('http_proxy', 'http://127.0.0.1:1');
      vi.stubEnv('ALL_PROXY', 'http://127.0.0.1:1');
    });

    it('has no say in address, token, namespace, prefix or proxy', async () => {
      const server = await storeOf((_, response) => json(response, 200, kv({ a: 'b' })));
      const provider = vault({ address: server.address, auth: token({ token: TOKEN }) });
      await provider.fetch({ path: 'secret/orders' }, await logIn(provider));
      expect(server.seen.map(({ url }) => url)).toEqual([
        '/v1/auth/token/lookup-self',
        '/v1/sys/internal/ui/mounts/secret/orders',
        '/v1/secret/data/orders',
      ]);
      for (const { headers } of server.seen) {
        expect(headers['x-vault-token']).toBe(TOKEN);
        expect(headers['x-vault-namespace']).toBeUndefined();
      }
      await provider.close?.();
    });
  });

  it('a login sets no token that other calls would carry', async () => {
    const server = await storeOf((request, response) => {
      if (request.url.endsWith('/login'))
        json(response, 200, { auth: { client_token: 's.new', lease_duration: 60 } });
      else json(response, 200, kv({ a: 'b' }));
    });
    const { approle } = await import('@keyturn/vault');
    const provider = vault({ address: server.address, auth: approle({ roleId: 'r', secretId: 's' }) });
    const first = await logIn(provider);
    await logIn(provider);
    await provider.fetch({ path: 'secret/orders' }, first);
    const logins = server.seen.filter(({ url }) => url.endsWith('/login'));
    expect(logins.map(({ headers }) => headers['x-vault-token'])).toEqual([undefined, undefined]);
  });

  it('debug output does not show what is written', async () => {
    const server = await storeOf((_, response) =>
      json(response, 200, { lease_id: 'a/b', lease_duration: 9 }),
    );
    const debug = createRequire(import.meta.url)('debug') as { enable(names: string): void; disable(): void };
    const written: string[] = [];
    const spy = vi
      .spyOn(process.stderr, 'write')
      .mockImplementation((text) => written.push(String(text)) > 0);
    debug.enable('*');
    try {
      const provider = vault({ address: server.address, auth: token({ token: TOKEN }) });
      const options = await logIn(provider);
      await provider.renew?.('database/creds/CANARY-lease', { ...options, ttlMs: 1_000 });
    } finally {
      debug.disable();
      spy.mockRestore();
    }
    expect(written.join('')).not.toContain('CANARY');
  });

  it('a 202 is a success', async () => {
    const server = await storeOf((_, response) => json(response, 202, { warnings: ['queued'] }));
    const provider = vault({ address: server.address, auth: token({ token: TOKEN }) });
    await provider.revoke?.('database/creds/a/b', await logIn(provider));
  });

  it('paths arrive as they were written, HTML entities included', async () => {
    const server = await storeOf((_, response) => json(response, 200, kv({ a: 'b' })));
    const provider = vault({ address: server.address, auth: token({ token: TOKEN }) });
    const options = await logIn(provider);
    await provider.fetch({ path: 'secret/a&#x2F;b {{c}} ?d' }, options);
    expect(server.seen.at(-1)?.url).toBe('/v1/secret/data/a%26%23x2F%3Bb%20%7B%7Bc%7D%7D%20%3Fd');
  });

  it.each([
    'secret/../sys/raw',
    'secret/%2e%2e/sys/raw',
    '../sys/seal',
    'secret/..%2f..',
    'sys/raw/logical',
    'sys',
  ])('the path %s costs no request', async (path) => {
    const server = await storeOf((_, response) => json(response, 200, kv({ a: 'b' })));
    const provider = vault({ address: server.address, auth: token({ token: TOKEN }) });
    const options = await logIn(provider);
    const before = server.seen.length;
    expect((await failureOf(provider.fetch({ path }, options))).code).toBe('invalid-ref');
    expect(server.seen.length).toBe(before);
  });

  it('F49: no error carries token, body or header, whatever fails', async () => {
    const broken: Script[] = [
      (_, response) => response.destroy(),
      (_, response) => json(response, 500, { errors: ['CANARY-body'] }, { 'x-secret': 'CANARY-header' }),
      (_, response) => json(response, 400, { errors: ['CANARY-body'] }),
      (_, response) => json(response, 403, { errors: ['CANARY-body'] }),
      (_, response) => json(response, 200, { data: { data: 'CANARY-body', metadata: {} } }),
      (_, response) =>
        response.writeHead(307, { location: 'http://CANARY-user:pw@127.0.0.1:1/v1/x?t=CANARY' }).end(),
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('CANARY-body'),
    ];
    for (const script of broken) {
      const server = await storeOf(script);
      const provider = vault({ address: server.address, auth: token({ token: TOKEN }) });
      const options = await logIn(provider);
      const error = await failureOf(provider.fetch({ path: 'secret/orders' }, options));
      expect(shown(error) + String(error.stack)).not.toContain('CANARY');
      expect(shown(provider)).not.toContain('CANARY');
      expect(shown(options)).not.toContain('CANARY');
    }
  });
});
