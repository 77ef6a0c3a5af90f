import { startMinistack } from '../servers/aws.js';
import { configureDatabaseEngine } from '../servers/database-engine.js';
import { startOpenBao } from '../servers/openbao.js';
import { startPostgres } from '../servers/postgres.js';
import type { Server } from './readme-example.js';

/** What the examples of the READMEs run against. */
export interface ExampleServers {
  /** The environment of an example that needs these. */
  env(needs: readonly Server[]): Promise<Record<string, string>>;
  /** Values that no example may print. */
  secrets(): readonly string[];
  stop(): Promise<void>;
}

const FIELDS = {
  stripe_key: 'sk_example_4eC39HqLyjWDarjtT1',
  username: 'orders',
  password: 'p-4eC39HqLyjWDarjtT1',
};

/**
 * Starts the servers when the first example needs them: PostgreSQL and OpenBao together, configured as the READMEs
 * assume, and the stand-in for AWS.
 */
export function exampleServers(): ExampleServers {
  let stack: Promise<Started> | undefined;
  let aws: Promise<Started> | undefined;
  const started: Started[] = [];
  const keep = async (starting: Promise<Started>) => {
    const each = await starting;
    started.push(each);
    return each;
  };
  return {
    async env(needs) {
      if (needs.includes('openbao') || needs.includes('postgres')) stack ??= keep(startStack());
      if (needs.includes('ministack')) aws ??= keep(startAws());
      const environment = { ...(await stack)?.env, ...(await aws)?.env };
      return Object.assign({}, ...needs.map((need) => environment[need]));
    },
    secrets: () => started.flatMap(({ secrets }) => secrets),
    async stop() {
      await Promise.all(started.map((each) => each.stop()));
    },
  };
}

interface Started {
  readonly env: Partial<Record<Server, Record<string, string>>>;
  readonly secrets: readonly string[];
  stop(): Promise<void>;
}

async function startAws(): Promise<Started> {
  const ministack = await startMinistack();
  const env = {
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL: ministack.endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
  return { env: { ministack: env }, secrets: [], stop: () => ministack.stop() };
}

async function startStack(): Promise<Started> {
  const [bao, postgres] = await Promise.all([startOpenBao(), startPostgres()]);
  const engine = await configureDatabaseEngine({ address: bao.address, token: bao.rootToken }, postgres);
  await engine.addDynamicRole('orders', { ttl: '1h', maxTtl: '24h' });
  for (const path of ['orders', 'app']) await bao.api('POST', `secret/data/${path}`, { data: FIELDS });
  const writer = `${engine.policyText}\npath "secret/data/*" { capabilities = ["create", "read", "update"] }`;
  await bao.api('PUT', 'sys/policies/acl/example', { policy: writer });
  const created = await bao.api('POST', 'auth/token/create', { policies: ['example'], ttl: '1h' });
  const token: string = created.auth.client_token;

  const env = {
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
    env,
    secrets: [token, engine.approle.secretId, postgres.password],
    async stop() {
      await bao.stop();
      await postgres.stop();
    },
  };
}
