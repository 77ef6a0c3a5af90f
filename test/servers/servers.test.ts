import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configureDatabaseEngine, type DatabaseEngine } from './database-engine.js';
import { type OpenBaoServer, requireServer, startOpenBao, startOpenBaoCluster } from './openbao.js';
import { freePorts } from './ports.js';
import { type PostgresServer, startPostgres } from './postgres.js';

test('ports asked for together differ', async () => {
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
});

describe.skipIf(!requireServer('postgres'))('PostgreSQL', () => {
  test('ends with the process that started it, even by SIGKILL', async () => {
    const module = fileURLToPath(new URL('../../scripts/servers/postgres.mjs', import.meta.url));
    const script = `
      import { startPostgres } from ${JSON.stringify(module)};
      const server = await startPostgres();
      const [{ data_directory }] = await server.query('show data_directory');
      console.log(JSON.stringify({ port: server.port, directory: data_directory }));
      setInterval(() => {}, 1_000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((resolve) =>
      child.stdout.once('data', (chunk) => resolve(String(chunk))),
    );
    const { port, directory } = JSON.parse(line);
    expect(existsSync(directory)).toBe(true);
    child.kill('SIGKILL');
    await expect.poll(() => existsSync(directory), { timeout: 20_000 }).toBe(false);
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password: 'any' });
    await expect(client.connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe.skipIf(!requireServer('openbao', 'postgres'))('OpenBao with a database engine', () => {
  let bao: OpenBaoServer;
  let postgres: PostgresServer;
  let engine: DatabaseEngine;

  beforeAll(async () => {
    [bao, postgres] = await Promise.all([startOpenBao(), startPostgres({ maxConnections: 20 })]);
    engine = await configureDatabaseEngine({ address: bao.address, token: bao.rootToken }, postgres);
  });
  afterAll(async () => {
    await bao?.stop();
    await postgres?.stop();
  });

  test('leases a role that can log in and write, with the least policy', async () => {
    const { roleId, secretId } = engine.approle;
    const login = await bao.api('POST', 'auth/approle/login', { role_id: roleId, secret_id: secretId }, null);
    const token = login.auth.client_token;
    for (const path of [engine.creds, engine.staticCreds]) {
      const { data } = await engine.issue(path, token);
      const { host, port, database } = postgres;
      const client = new pg.Client({ host, port, database, user: data.username, password: data.password });
      await client.connect();
      await client.query(`INSERT INTO ${engine.table} (item, quantity) VALUES ('pen', 1)`);
      await client.end();
    }
    expect((await bao.call('GET', 'sys/mounts', undefined, token)).status).toBe(403);
  });

  test('revokes from outside', async () => {
    const leased = async () =>
      (await postgres.query(`SELECT count(*)::int AS count FROM pg_roles WHERE rolname LIKE 'v-%'`))[0].count;
    await engine.issue(engine.creds, bao.rootToken);
    expect(await leased()).toBeGreaterThan(0);
    await engine.revokeAll();
    expect(await leased()).toBe(0);
  });

  test('rotates a static role at will', async () => {
    const before = (await engine.issue(engine.staticCreds, bao.rootToken)).data.password;
    await engine.rotateStatic();
    expect((await engine.issue(engine.staticCreds, bao.rootToken)).data.password).not.toBe(before);
  });

  test('hangs while paused and answers when resumed', async () => {
    await bao.pause();
    const asked = bao.call('GET', 'sys/health');
    await expect(Promise.race([asked, pause(100)])).resolves.toBe('paused');
    bao.resume();
    expect((await asked).status).toBe(200);
  });
});

describe.skipIf(!requireServer('openbao'))('OpenBao', () => {
  test('on raft keeps its data over a kill', async () => {
    const bao = await startOpenBao({ storage: 'raft' });
    await bao.api('POST', 'secret/data/kept', { data: { field: 'value' } });
    await bao.kill();
    await expect(bao.call('GET', 'secret/data/kept')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await bao.restart();
    expect((await bao.api('GET', 'secret/data/kept')).data.data).toEqual({ field: 'value' });
    await bao.seal();
    expect((await bao.call('GET', 'secret/data/kept')).status).toBe(503);
    await bao.unseal();
    expect((await bao.call('GET', 'secret/data/kept')).status).toBe(200);
    await bao.stop();
  });

  test('over TLS gives the authority to trust', async () => {
    const bao = await startOpenBao({ tls: true });
    expect(bao.address).toMatch(/^https:/);
    expect((await bao.call('GET', 'sys/health')).status).toBe(200);
    await bao.stop();
    expect(existsSync(bao.caPath ?? '')).toBe(false);
  });

  test('as a cluster replaces a leader that was killed', async () => {
    const cluster = await startOpenBaoCluster();
    const leader = await cluster.leader();
    expect(await cluster.standbys()).toHaveLength(2);
    await leader.kill();
    const next = await cluster.leader();
    expect(next.address).not.toBe(leader.address);
    await leader.restart();
    await expect.poll(async () => (await cluster.standbys()).length).toBe(2);
    await cluster.stop();
  });
});

function pause(ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve('paused'), ms));
}
