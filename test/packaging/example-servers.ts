import { configureDatabaseEngine } from '../servers/database-engine.js';
import { startOpenBao } from '../servers/openbao.js';
import { startPostgres } from '../servers/postgres.js';
import type { Server } from './readme-example.js';

/** What the examples of the READMEs run against. */
export interface ExampleServers {
  /** The environment of an example that needs these. */
  env(needs: readonly Server[]): Record<string, string>;
  /** Values that no example may print. */
  readonly secrets: readonly string[];
  stop(): Promise<void>;
}

const FIELDS = {
  stripe_key: 'sk_example_4eC39HqLyjWDarjtT1',
  username: 'orders',
  password: 'p-4eC39HqLyjWDarjtT1',
};

/** Starts PostgreSQL and OpenBao, configured as the READMEs assume. */
export async function startExampleServers(): Promise<ExampleServers> {
  const [bao, postgres] = await Promise.all([startOpenBao(), startPostgres()]);
  const engine = await configureDatabaseEngine({ address: bao.address, token: bao.rootToken }, postgres);
  await engine.addDynamicRole('orders', { ttl: '1h', maxTtl: '24h' });
  for (const path of ['orders', 'app']) await bao.api('POST', `secret/data/${path}`, { data: FIELDS });
  const writer = `${engine.policyText}\npath "secret/data/*" { capabilities = ["create", "read", "update"] }`;
  await bao.api('PUT', 'sys/policies/acl/example', { policy: writer });
  const created = await bao.api('POST', 'auth/token/create', { policies: ['example'], ttl: '1h' });
  const token: string = created.auth.client_token;

  const environment: Record<Server, Record<string, string>> = {
    openbao: {
      VAULT_ADDR: bao.address,
      VAULT_TOKEN: token,
      VAULT_ROLE_ID: engine.approle.roleId,
      VAULT_SECRET_ID: engine.approle.secretId,
    },
    postgres: {
      PGHOST: postgres.host,
      PGPORT: String(postgres.port),
      PGDATABASE: postgres.database,
      PGUSER: postgres.superuser,
      PGPASSWORD: postgres.password,
    },
  };
  return {
    env: (needs) => Object.assign({}, ...needs.map((need) => environment[need])),
    secrets: [token, engine.approle.secretId, postgres.password],
    async stop() {
      await bao.stop();
      await postgres.stop();
    },
  };
}
