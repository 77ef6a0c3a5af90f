import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@keyturn/core/provider';
import { chaosProvider, memoryProvider, testProvider } from '@keyturn/core/testing';
import { env } from '@keyturn/env';
import { mountedFiles } from '@keyturn/mounted-files';
import { approle, token, vault } from '@keyturn/vault';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { configureDatabaseEngine, type DatabaseEngine } from '../servers/database-engine.js';
import { type OpenBaoServer, startOpenBao } from '../servers/openbao.js';
import { type PostgresServer, startPostgres } from '../servers/postgres.js';
import { requireServer } from '../servers/require-server.js';
import { testDocumentedProvider } from './documented-provider.js';

testDocumentedProvider({ folder: 'env', backend: 'variables, and files that they name' }, async () => {
  const root = await mkdtemp(join(tmpdir(), 'keyturn-contract-'));
  const variables: Record<string, string> = {};
  return {
    provider: env({ env: variables }),
    async put(name, fields) {
      const path = name.replace(/\W/g, '_').toUpperCase();
      variables[path] = JSON.stringify(fields);
      return { path };
    },
    async putBytes(name, bytes) {
      variables.BYTES_FILE = join(root, name);
      await writeFile(variables.BYTES_FILE, bytes);
      return { path: 'BYTES' };
    },
    stop: () => rm(root, { recursive: true }),
  };
});

testDocumentedProvider({ folder: 'mounted-files', backend: 'a file system' }, async () => {
  const root = await mkdtemp(join(tmpdir(), 'keyturn-contract-'));
  return {
    provider: mountedFiles({ root }),
    async put(name, fields) {
      await mkdir(join(root, name, '..'), { recursive: true });
      await writeFile(join(root, `${name}.new`), JSON.stringify(fields));
      await rename(join(root, `${name}.new`), join(root, name));
      return { path: name };
    },
    async putBytes(name, bytes) {
      await writeFile(join(root, name), bytes);
      return { path: name };
    },
    stop: () => rm(root, { recursive: true }),
  };
});

testProvider({ describe, it }, 'memory under chaos, healed', async () => {
  const store = memoryProvider({ clock: systemClock });
  store.lease('leased', { ttlMs: 60_000, make: (n) => ({ user: `user-${n}` }) });
  const provider = chaosProvider(store);
  provider.outage();
  provider.heal();
  return {
    provider,
    leased: { path: 'leased' },
    async put(name, fields) {
      store.set(name, fields);
      return { path: name };
    },
  };
});

describe.skipIf(!requireServer('openbao', 'postgres'))('against a real OpenBao', () => {
  let postgres: PostgresServer;
  let store: OpenBaoServer;
  let engine: DatabaseEngine;
  beforeAll(async () => {
    [postgres, store] = await Promise.all([startPostgres(), startOpenBao()]);
    engine = await configureDatabaseEngine({ address: store.address, token: store.rootToken }, postgres);
    const list = 'path "secret/metadata/*" { capabilities = ["list"] }';
    await store.api('PUT', `sys/policies/acl/${engine.policy}`, { policy: `${engine.policyText}\n${list}` });
    await store.api('POST', 'sys/mounts/kv1', { type: 'kv', options: { version: '1' } });
  });
  afterAll(async () => {
    await store?.stop();
    await postgres?.stop();
  });

  const several = () =>
    vault({ address: [store.address, 'http://127.0.0.1:1'], auth: token({ token: store.rootToken }) });
  const kv2 = { folder: 'vault', part: 'KV v2 and databases', backend: 'OpenBao, PostgreSQL' };
  testDocumentedProvider(kv2, async () => ({
    provider: vault({ address: store.address, auth: approle(engine.approle) }),
    several,
    leased: { path: engine.creds },
    async put(name, fields) {
      await store.api('POST', `secret/data/${name}`, { data: fields });
      return { path: `secret/${name}` };
    },
  }));

  testDocumentedProvider({ folder: 'vault', part: 'KV v1', backend: 'OpenBao' }, async () => ({
    provider: vault({ address: store.address, auth: token({ token: store.rootToken }) }),
    several,
    async put(name, fields) {
      await store.api('POST', `kv1/${name}`, fields);
      return { path: `kv1/${name}` };
    },
  }));
});
