import { SecretsError } from '@keyturn/core';
import type pg from 'pg';

/** What `createPool` takes: everything that `pg.Pool` does, but what the secret says. */
export type RotatingPoolConfig = Omit<pg.PoolConfig, 'user' | 'password' | 'connectionString'>;

interface Kind {
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

const isCount = (value: unknown) => typeof value === 'number' && value >= 0;
const isDigits = (value: unknown) => typeof value === 'string' && /^\d+$/.test(value);

const text: Kind = { expected: 'a text', accepts: (value) => typeof value === 'string' };
const flag: Kind = { expected: 'true or false', accepts: (value) => typeof value === 'boolean' };
const call: Kind = { expected: 'a function', accepts: (value) => typeof value === 'function' };
/** The digits of one as well, as they come from the environment: here they are made numbers, the others pg parses. */
const count: Kind = {
  expected: 'a number that is not negative',
  accepts: (value) => isCount(value) || isDigits(value),
};
const port: Kind = { expected: 'a port number', accepts: (value) => isCount(value) || isDigits(value) };
const limit: Kind = {
  expected: 'a number of milliseconds, or false',
  accepts: (value) => isCount(value) || isDigits(value) || value === false,
};
const object: Kind = { expected: 'an object', accepts: (value) => typeof value === 'object' };

const KINDS: Readonly<Record<string, Kind>> = {
  max: count,
  min: count,
  idleTimeoutMillis: count,
  connectionTimeoutMillis: count,
  maxUses: count,
  maxLifetimeSeconds: count,
  allowExitOnIdle: flag,
  onConnect: call,
  verify: call,
  log: call,
  Client: call,
  Promise: call,
  host: text,
  port,
  database: text,
  application_name: text,
  fallback_application_name: text,
  client_encoding: text,
  options: text,
  sslnegotiation: text,
  ssl: {
    expected: 'true, false or an object of TLS options',
    accepts: (value) => ['boolean', 'object', 'string'].includes(typeof value),
  },
  types: object,
  statement_timeout: limit,
  lock_timeout: limit,
  idle_in_transaction_session_timeout: limit,
  query_timeout: limit,
  keepAlive: flag,
  keepAliveInitialDelayMillis: count,
  stream: {
    expected: 'a function that makes a stream',
    accepts: (value) => ['function', 'object'].includes(typeof value),
  },
  binary: flag,
  pipeline: flag,
  enableChannelBinding: flag,
};

const FROM_THE_SECRET = ['user', 'password', 'connectionString'] as const;

/**
 * Checks what was given to `createPool`, before anything is connected, and makes numbers of digits. Options that pg
 * may learn one day pass.
 *
 * @throws SecretsError `invalid-config` that names the option
 */
export function checkedPoolConfig(config: RotatingPoolConfig): RotatingPoolConfig {
  if (typeof config !== 'object' || config === null) {
    throw new SecretsError('invalid-config', {
      problem: 'The configuration of createPool is not an object.',
      remedy:
        'Pass the options of pg.Pool as its third argument; a connection string belongs into the secret.',
    });
  }
  const given = config as Readonly<Record<string, unknown>>;
  const own = FROM_THE_SECRET.find((name) => given[name] !== undefined && given[name] !== null);
  if (own !== undefined) throw fromTheSecret(own);
  const checked = { ...given };
  for (const [name, kind] of Object.entries(KINDS)) {
    const value = given[name];
    if (value === undefined || value === null) continue;
    if (!kind.accepts(value)) throw wrongOption(name, kind);
    if (kind === count) checked[name] = Number(value);
  }
  return checked;
}

function wrongOption(name: string, { expected }: Kind): SecretsError {
  return new SecretsError('invalid-config', {
    problem: `The option ${name} of createPool is not ${expected}.`,
    remedy: 'Correct it in the third argument of createPool.',
  });
}

function fromTheSecret(name: (typeof FROM_THE_SECRET)[number]): SecretsError {
  return new SecretsError('invalid-config', {
    problem:
      name === 'connectionString'
        ? 'The option connectionString of createPool would override the user and password of the secret.'
        : `The option ${name} of createPool would stay the same when the secret rotates.`,
    remedy:
      name === 'connectionString'
        ? 'Pass host, port and database instead, or a reference or template whose value is the connection string.'
        : `Leave it out: ${name} comes from the secret.`,
  });
}

/** Nobody said which database to use, and pg would take the one that is named like the user. */
export function missingDatabase(ref: string): SecretsError {
  return new SecretsError('invalid-config', {
    ref,
    problem: 'No database is named, and pg would look for one that is named like the user, who changes.',
    remedy: 'Set database in the configuration of createPool, or a field database in the secret.',
  });
}
