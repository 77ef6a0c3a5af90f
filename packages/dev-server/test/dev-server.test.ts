import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { fakeClock } from '@keyturn/core/testing';
import { createDevServer, type DevServer, type DevServerOptions } from '@keyturn/dev-server';
import { afterEach, describe, expect, test } from 'vitest';
import { ask } from './call.js';

const servers: DevServer[] = [];
const start = async (options: DevServerOptions = {}) => {
  const server = createDevServer(options);
  servers.push(server);
  return server.start();
};
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

describe('options', () => {
  test.each<[string, DevServerOptions]>([
    ['rootToken', { rootToken: 'two words' }],
    ['rootToken', { rootToken: '' }],
    ['port', { port: 70_000 }],
    ['tls', { tls: { cert: 'x', key: 'y' } }],
    [
      'databases.main.connectionUrl',
      { databases: { main: { connectionUrl: 'mysql://db', username: 'u', password: 'p' } } },
    ],
    [
      'databases.main.roles.app.creationStatements',
      {
        databases: {
          main: {
            connectionUrl: 'postgres://db/app',
            username: 'u',
            password: 'p',
            roles: { app: { creationStatements: [] } },
          },
        },
      },
    ],
    [
      'databases.main.staticRoles.app.rotationPeriod',
      {
        databases: {
          main: {
            connectionUrl: 'postgres://db/app',
            username: 'u',
            password: 'p',
            staticRoles: { app: { username: 'u', rotationPeriod: 'soon' as never } },
          },
        },
      },
    ],
  ])('a bad %s is refused before anything listens', (option, options) => {
    expect(() => createDevServer(options)).toThrow(
      expect.objectContaining({ code: 'invalid-config', message: expect.stringContaining(option) }),
    );
  });

  test('a port that is taken is named', async () => {
    const first = await start();
    const port = Number(new URL(first.address).port);
    await expect(start({ port })).rejects.toMatchObject({ code: 'invalid-config', problem: /port/ });
  });
});

describe('life', () => {
  test('it has no address before it has started', () => {
    const server = createDevServer();
    expect(() => server.address).toThrow(expect.objectContaining({ code: 'invalid-config' }));
  });

  test('it starts once, and once closed stays closed', async () => {
    const server = createDevServer();
    await Promise.all([server.start(), server.start()]);
    const { address } = server;
    expect((await ask(server, 'GET', 'sys/health')).status).toBe(200);
    await Promise.all([server.close(), server.close()]);
    await expect(ask(server, 'GET', 'sys/health')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(server.start()).rejects.toMatchObject({ code: 'closed' });
    expect(server.address).toBe(address);
  });

  test('F48: no timer is left after close', async () => {
    const clock = fakeClock();
    const server = await start({ clock });
    await ask(server, 'POST', 'auth/token/create', { body: { ttl: '1h' } });
    await ask(server, 'GET', 'secret/data/none', { headers: { 'X-Vault-Wrap-TTL': '60' } });
    expect(clock.pending).toBeGreaterThan(0);
    await server.close();
    expect(clock.pending).toBe(0);
  });

  test('F48: a token with a year to live does not hold the process', async () => {
    const script = `
      import { createDevServer } from '@keyturn/dev-server';
      const server = createDevServer();
      await server.admin('POST', 'auth/token/create', { policies: ['default'], ttl: '700h' });
      console.log('done');`;
    const child = spawn(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script],
      {
        cwd: fileURLToPath(new URL('../../..', import.meta.url)),
        env: { ...process.env, NODE_OPTIONS: '' },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    const [code] = await once(child, 'exit');
    expect({ code, output }).toEqual({ code: 0, output: 'done\n' });
  });

  test('over TLS', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'keyturn-tls-'));
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(directory, name)) as [string, string];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key]
        .concat(['-out', cert, '-days', '2'])
        .concat(subject),
      { stdio: 'ignore' },
    );
    const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
    rmSync(directory, { recursive: true });
    const server = await start({ tls });
    expect(server.address).toMatch(/^https:/);
    const listed = await ask(server, 'LIST', 'sys/policies/acl', { ca: tls.cert });
    expect(listed.body).toMatchObject({ data: { keys: ['default', 'root'] } });
    server.inject({ answer: 'reset' });
    await expect(ask(server, 'GET', 'sys/health', { ca: tls.cert })).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
  });
});

describe('the admin call', () => {
  test('sets up without the network, whatever the faults', async () => {
    const server = await start();
    server.inject({ answer: 503 });
    await server.admin('POST', 'secret/data/app', { data: { user: 'u' } });
    expect((await server.admin('GET', 'secret/data/app')).data).toMatchObject({ data: { user: 'u' } });
    expect(server.requests()).toEqual([]);
  });

  test('a refusal is invalid-config with what the server said', async () => {
    const server = await start();
    await expect(server.admin('POST', 'sys/mounts/x', { type: 'nope' })).rejects.toMatchObject({
      code: 'invalid-config',
      status: 400,
      problem: expect.stringContaining('plugin not found in the catalog: nope'),
    });
  });
});

describe('F49: nothing leaks', () => {
  test('no token in what is printed, serialized or looped over', async () => {
    const rootToken = 'canary-root-token';
    const server = await start({ rootToken });
    const secrets = [rootToken, server.unsealKey];
    const shown = [
      inspect(server),
      inspect(server, { depth: 9, showHidden: true, getters: true }),
      inspect({ nested: [server] }, { depth: 9 }),
      JSON.stringify(server),
      JSON.stringify({ nested: server }),
      inspect({ ...server }),
      Object.values(server).join(),
      String(server),
    ].join('\n');
    expect(shown).toContain(server.address);
    for (const secret of secrets) expect(shown).not.toContain(secret);
  });

  test('no token, query or body in the request log', async () => {
    const server = await start();
    const token = `s.${'c'.repeat(24)}`;
    await ask(server, 'GET', `auth/token/lookup/${token}?canary-query=1`);
    await ask(server, 'POST', 'secret/data/app', { body: { data: { password: 'canary-body' } } });
    const text = JSON.stringify(server.requests());
    expect(text).toContain('auth/token/lookup/***');
    expect(text).toContain('secret/data/app');
    for (const canary of [token, 'canary', server.rootToken]) expect(text).not.toContain(canary);
  });

  test('no id in a refusal that is about it', async () => {
    const server = await start();
    const failure = await server
      .admin('POST', 'auth/token/create', { id: 'canary.id' })
      .catch((error) => error);
    expect(failure.problem).toContain("custom token ID cannot have a '.' in the value");
    expect(`${failure.message}${inspect(failure)}${JSON.stringify(failure)}`).not.toContain('canary');
  });
});
