import { type SecretInput, type SecretSource, SecretsError } from '@keyturn/core';
import { systemClock } from '@keyturn/core/provider';
import type pg from 'pg';
import { checkedPoolConfig, type RotatingPoolConfig } from './pool-config.js';
import { RotatingPool } from './rotating-pool.js';

/**
 * Creates a `pg.Pool` whose user and password rotate underneath. Synchronous, and nothing is fetched or
 * connected until the pool is used: it stands where `new Pool()` stood.
 *
 * ```ts
 * const pool = createPool(secrets, 'vault:database/creds/orders', { host: 'db', database: 'orders', max: 10 });
 * await pool.query('select 1');
 * ```
 *
 * @param secrets where the secret comes from: what `createSecrets` returned
 * @param input a reference to a secret with the fields `username` and `password` (optionally `host`, `port`,
 *   `database`), or to one whose value is a connection string; or a template that makes one
 * @param config the options of `pg.Pool`, without `user`, `password` and `connectionString`
 * @throws SecretsError `invalid-config` for a wrong option, `invalid-ref` for a malformed reference or an
 *   unknown alias, `unsupported` for a version of pg outside the range of the peer dependency
 */
export function createPool(
  secrets: SecretSource,
  input: SecretInput,
  config: RotatingPoolConfig = {},
): pg.Pool {
  if (typeof secrets?.consume !== 'function') throw noSource();
  const checked = checkedPoolConfig(config);
  // The inside of a pool is typed by hand in pg-internals.ts; from outside it is what it extends.
  return new RotatingPool(secrets, input, checked, systemClock) as unknown as pg.Pool;
}

function noSource(): SecretsError {
  return new SecretsError('invalid-config', {
    problem: 'The first argument of createPool is no source of secrets.',
    remedy: 'Pass what createSecrets returned.',
  });
}
