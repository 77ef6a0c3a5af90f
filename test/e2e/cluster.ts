import { createSecrets, type Secrets, type SecretsConfig } from '@keyturn/core';
import { approle, vault } from '@keyturn/vault';
import { configureDatabaseEngine, type DatabaseEngine } from '../servers/database-engine.js';
import { type FaultProxy, startFaultProxy } from '../servers/fault-proxy.js';
import { type OpenBaoCluster, type OpenBaoServer, startOpenBaoCluster, until } from '../servers/openbao.js';
import { type PostgresServer, startPostgres } from '../servers/postgres.js';
import { RIGHT } from './live-readers.js';

/** A role whose leases end 6 s after they began, or were last renewed. */
export const SHORT = 'database/creds/short';

/** Three nodes of one real store, each behind a proxy that counts, and a real PostgreSQL whose roles they lease. */
export interface ClusterStack {
  readonly postgres: PostgresServer;
  readonly cluster: OpenBaoCluster;
  readonly engine: DatabaseEngine;
  /** The proxy before a node, which is also where the other nodes redirect to. */
  proxyOf(node: OpenBaoServer): FaultProxy;
  /** Live secrets that prefer `first` and know the other nodes as well. */
  createSecrets(first: OpenBaoServer, config?: Partial<SecretsConfig>): Secrets;
  /** A write that any node takes, as an operator would make it. */
  api: OpenBaoServer['api'];
  /** Requests at all nodes since the last `forget`. */
  requests(): number;
  forget(): void;
  /** Milliseconds from now until a node says that it leads. */
  electionMs(): Promise<number>;
  /** How many leased roles exist. */
  roles(): Promise<number>;
  /** How many leases the store still knows. */
  leases(): Promise<number>;
  /** Starts and unseals what is not, and waits until every node follows or leads. */
  whole(): Promise<void>;
  stop(): Promise<void>;
}

export async function startClusterStack(): Promise<ClusterStack> {
  const proxies = new Map<string, FaultProxy>();
  const front = async (address: string) => {
    const proxy = await startFaultProxy({ address });
    proxies.set(address, proxy);
    return proxy.address;
  };
  const [postgres, cluster] = await Promise.all([startPostgres(), startOpenBaoCluster({ front })]);
  const { nodes, rootToken } = cluster;
  const leader = await cluster.leader();
  const engine = await configureDatabaseEngine({ address: leader.address, token: rootToken }, postgres);
  await engine.addDynamicRole('short', { ttl: '6s', maxTtl: '1h' });
  await leader.api('POST', 'secret/data/orders', { data: { key: RIGHT } });
  const proxyOf = (node: OpenBaoServer) => proxies.get(node.address) as FaultProxy;

  return {
    postgres,
    cluster,
    engine,
    proxyOf,
    createSecrets(first, config) {
      const inOrder = [first, ...nodes.filter((node) => node !== first)];
      const address = inOrder.map((node) => proxyOf(node).address);
      return createSecrets({
        providers: { vault: vault({ address, auth: approle(engine.approle) }) },
        ...config,
      });
    },
    api: async (...call) => (await cluster.leader()).api(...call),
    requests: () => [...proxies.values()].reduce((sum, proxy) => sum + proxy.requests().length, 0),
    forget() {
      for (const proxy of proxies.values()) proxy.forget();
    },
    async electionMs() {
      const beganMs = performance.now();
      await cluster.leader();
      return performance.now() - beganMs;
    },
    async roles() {
      return (await postgres.query("select from pg_roles where rolname like 'v-%'")).length;
    },
    async leases() {
      const { body } = await (await cluster.leader()).call('LIST', `sys/leases/lookup/${SHORT}`);
      return body?.data?.keys.length ?? 0;
    },
    async whole() {
      for (const node of nodes) {
        const status = await node.call('GET', 'sys/health', undefined, null).then(
          (answer) => answer.status,
          () => undefined,
        );
        if (status === undefined) await node.restart();
        if (status === 503) await node.unseal();
      }
      await until('a leader and two standbys', async () => {
        await cluster.leader();
        return (await cluster.standbys()).length === 2;
      });
    },
    async stop() {
      await cluster.stop();
      await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
      await postgres.stop();
    },
  };
}
