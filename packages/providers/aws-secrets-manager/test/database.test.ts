import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { awsSecretsManager } from '@keyturn/aws-secrets-manager';
import { createSecrets, type SecretsConfig } from '@keyturn/core';
import { createPool } from '@keyturn/pg';
import type { PoolConfig } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MINISTACK_ROOT, type PipServer, startMinistack } from '../../../../test/servers/aws.js';
import { type PostgresServer, startPostgres } from '../../../../test/servers/postgres.js';
import { requireServer } from '../../../../test/servers/require-server.js';

const region = 'eu-central-1';
/** Each is seen within a second: what has a pool on it is polled no more often, whatever the ttl. */
const ROTATIONS = 6;

type CacheConfig = NonNullable<SecretsConfig['cache']>;

describe.skipIf(!requireServer('ministack', 'postgres'))('a pool whose password AWS keeps', () => {
  let postgres: PostgresServer;
  let emulator: PipServer;
  let admin: SecretsManagerClient;
  beforeAll(async () => {
    [postgres, emulator] = await Promise.all([startPostgres(), startMinistack()]);
    admin = new SecretsManagerClient({ region, endpoint: emulator.endpoint, credentials: MINISTACK_ROOT });
  });
  afterAll(async () => {
    admin?.destroy();
    await emulator?.stop();
    await postgres?.stop();
  });

  const textOf = (username: string, password: string) => JSON.stringify({ username, password });
  const put = (SecretId: string, username: string, password: string) =>
    admin.send(new PutSecretValueCommand({ SecretId, SecretString: textOf(username, password) }));

  function opened(name: string, cache: CacheConfig, options: PoolConfig = {}) {
    const config = { region, endpoint: emulator.endpoint, credentials: MINISTACK_ROOT };
    const secrets = createSecrets({ providers: { aws: awsSecretsManager(config) }, cache });
    const { host, port, database } = postgres;
    const pool = createPool(secrets, `aws:${name}`, { host, port, database, max: 10, ...options });
    const close = async () => {
      await pool.end();
      await secrets.close();
    };
    return { pool, close };
  }

  /** What goes wrong for ten callers who query without a pause, while `rotate` puts one user after another in service. */
  async function failuresWhile(name: string, cache: CacheConfig, rotate: (turn: number) => Promise<string>) {
    const { pool, close } = opened(name, cache);
    const failures: string[] = [];
    let users = new Set<string>();
    let isOver = false;
    const caller = async () => {
      while (!isOver) {
        await pool.query('select current_user as user').then(
          ({ rows: [row] }) => users.add(row.user),
          (error: unknown) => failures.push(String(error)),
        );
      }
    };
    await pool.query('select 1');
    const callers = Array.from({ length: 10 }, caller);
    try {
      for (let turn = 1; turn <= ROTATIONS; turn++) {
        const user = await rotate(turn);
        await expect
          .poll(() => {
            const seen = [...users];
            users = new Set();
            return seen;
          })
          .toEqual([user]);
      }
    } finally {
      isOver = true;
      await Promise.all(callers);
      await close();
    }
    return failures;
  }

  it('F30: rotations between two users: no query fails', async () => {
    for (const user of ['app_one', 'app_two'])
      await postgres.query(`create role ${user} login password 'p0'`);
    await admin.send(new CreateSecretCommand({ Name: 'two-users', SecretString: textOf('app_one', 'p0') }));
    const failures = await failuresWhile('two-users', { ttl: 100 }, async (turn) => {
      const user = turn % 2 === 1 ? 'app_two' : 'app_one';
      await postgres.query(`alter role ${user} password 'p${turn}'`);
      await put('two-users', user, `p${turn}`);
      return user;
    });
    expect(failures).toEqual([]);
  });

  it('F27: a rotation that the cache knows nothing of yet is found when the old password is refused', async () => {
    await postgres.query(`create role hidden login password 'p0'`);
    await admin.send(new CreateSecretCommand({ Name: 'hidden', SecretString: textOf('hidden', 'p0') }));
    const { pool, close } = opened('hidden', { ttl: '1h' }, { maxUses: 1 });
    try {
      for (let turn = 1; turn <= 3; turn++) {
        await postgres.query(`alter role hidden password 'p${turn}'`);
        await put('hidden', 'hidden', `p${turn}`);
        expect((await pool.query('select current_user as user')).rows).toEqual([{ user: 'hidden' }]);
      }
    } finally {
      await close();
    }
  });
});
