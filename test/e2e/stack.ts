import { createSecrets, type Secrets, type SecretsConfig } from '@keyturn/core';
import { createPool } from '@keyturn/pg';
import { approle, vault } from '@keyturn/vault';
import type { PoolConfig } from 'pg';
import { configureDatabaseEngine, type DatabaseEngine } from '../servers/database-engine.js';
import { type FaultProxy, startFaultProxy } from '../servers/fault-proxy.js';
import { type OpenBaoServer, startOpenBao } from '../servers/openbao.js';
import { type PostgresServer, startPostgres } from '../servers/postgres.js';

/** A real PostgreSQL, a real OpenBao that leases its roles, and a proxy before the store that can fail. */
export interface Stack {
  readonly postgres: PostgresServer;
  readonly store: OpenBaoServer;
  readonly proxy: FaultProxy;
  readonly engine: DatabaseEngine;
  /** Live secrets that reach the store through the proxy. */
  createSecrets(config?: Partial<SecretsConfig>): Secrets;
  /** A pool of at most ten connections on the leased role. */
  createPool(secrets: Secrets, config?: PoolConfig): ReturnType<typeof createPool>;
  /** How many leased roles exist. */
  roles(): Promise<number>;
  stop(): Promise<void>;
}

export async function startStack({
  ttl = '1h',
  maxTtl = '24h',
  storage = 'memory' as 'memory' | 'raft',
} = {}): Promise<Stack> {
  const [postgres, store] = await Promise.all([startPostgres(), startOpenBao({ storage })]);
  const proxy = await startFaultProxy({ address: store.address });
  const engine = await configureDatabaseEngine({ address: store.address, token: store.rootToken }, postgres, {
    ttl,
    maxTtl,
  });
  await postgres.query("insert into orders (item, quantity) select 'key', n from generate_series(1, 50) n");
  return {
    postgres,
    store,
    proxy,
    engine,
    createSecrets: (config) =>
      createSecrets({
        providers: { vault: vault({ address: proxy.address, auth: approle(engine.approle) }) },
        ...config,
      }),
    createPool(secrets, config) {
      const pool = createPool(secrets, `vault:${engine.creds}`, {
        host: postgres.host,
        port: postgres.port,
        database: postgres.database,
        max: 10,
        ...config,
      });
      // When a test fails, the database goes away before the pool does; that must not hide the failure.
      pool.on('error', () => {});
      return pool;
    },
    async roles() {
      return (await postgres.query("select from pg_roles where rolname like 'v-%'")).length;
    },
    async stop() {
      await proxy.stop();
      await store.stop();
      await postgres.stop();
    },
  };
}
