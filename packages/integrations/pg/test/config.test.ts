import { type SecretSource, template } from '@keyturn/core';
import { createPool, type RotatingPoolConfig } from '@keyturn/pg';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../../test/servers/postgres.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { credentialOf } from '../src/credential.js';
import { fixedSource, secretOf } from './stage.js';

const untouched: SecretSource = {
  consume: () => expect.unreachable('nothing is consumed with a wrong configuration'),
};

describe('the configuration', () => {
  it.each([
    ['user', { user: 'me' }, 'comes from the secret'],
    ['password', { password: 'canary' }, 'comes from the secret'],
    ['connectionString', { connectionString: 'postgres://u:canary@h/d' }, 'would override'],
    ['max', { max: '-10' }, 'not a number'],
    ['max', { max: '' }, 'not a number'],
    ['max', { max: '1e3' }, 'not a number'],
    ['max', { max: Number.NaN }, 'not a number'],
    ['min', { min: -1 }, 'not a number'],
    ['idleTimeoutMillis', { idleTimeoutMillis: '1s' }, 'not a number'],
    ['connectionTimeoutMillis', { connectionTimeoutMillis: true }, 'not a number'],
    ['maxUses', { maxUses: {} }, 'not a number'],
    ['maxLifetimeSeconds', { maxLifetimeSeconds: '60s' }, 'not a number'],
    ['allowExitOnIdle', { allowExitOnIdle: 1 }, 'not true or false'],
    ['onConnect', { onConnect: 'SET x' }, 'not a function'],
    ['verify', { verify: true }, 'not a function'],
    ['log', { log: console }, 'not a function'],
    ['Client', { Client: {} }, 'not a function'],
    ['Promise', { Promise: 'bluebird' }, 'not a function'],
    ['host', { host: 7 }, 'not a text'],
    ['port', { port: 'five' }, 'not a port number'],
    ['database', { database: 1 }, 'not a text'],
    ['ssl', { ssl: 1 }, 'not true, false or an object'],
    ['types', { types: 'none' }, 'not an object'],
    ['statement_timeout', { statement_timeout: '1 minute' }, 'not a number of milliseconds'],
    ['keepAlive', { keepAlive: 'yes' }, 'not true or false'],
    ['stream', { stream: 1 }, 'not a function'],
  ])('%s is refused by name when it is wrong', (name, config, problem) => {
    const create = () => createPool(untouched, 'test:database', config as unknown as RotatingPoolConfig);
    expect(create).toThrowError(expect.objectContaining({ name: 'SecretsError', code: 'invalid-config' }));
    expect(create).toThrow(`The option ${name} of createPool`);
    expect(create).toThrow(problem);
    expect(create).not.toThrow('canary');
  });

  it.each([
    ['a connection string', 'postgres://u:canary@h/d'],
    ['null', null],
    ['a number', 7],
  ])('%s in its place is refused', (_, config) => {
    expect(() => createPool(untouched, 'test:database', config as never)).toThrow('is not an object');
  });

  it.each([[undefined], [{}], ['vault:database/creds/app']])(
    '%j in the place of the secrets is refused',
    (secrets) => {
      expect(() => createPool(secrets as never, 'test:database', {})).toThrow('what createSecrets returned');
    },
  );

  it('what pg takes is taken, and what it may learn one day passes', () => {
    const config = {
      max: 3,
      min: 1,
      maxUses: Number.POSITIVE_INFINITY,
      idleTimeoutMillis: null,
      port: '5433',
      statement_timeout: false,
      ssl: { rejectUnauthorized: false },
      types: { getTypeParser: () => String },
      application_name: 'orders',
      host: undefined,
      user: undefined,
      shardOf: 'tomorrow',
    } as unknown as RotatingPoolConfig;
    const pool = createPool(fixedSource({ username: 'u', password: 'p' }), 'test:database', config);
    expect(pool).toBeInstanceOf(pg.Pool);
    expect(pool.options).toMatchObject({ max: 3, min: 1, port: '5433', shardOf: 'tomorrow' });
  });

  it('digits, as they come from the environment, are numbers', () => {
    const given = { max: '5', idleTimeoutMillis: '100', connectionTimeoutMillis: '0', port: '5433' };
    const config = { ...given } as unknown as RotatingPoolConfig;
    const pool = createPool(fixedSource({ username: 'u', password: 'p' }), 'test:database', config);
    expect(pool.options).toMatchObject({ max: 5, idleTimeoutMillis: 100, connectionTimeoutMillis: 0 });
    expect(config, 'what was given stays as it was').toEqual(given);
  });

  it('a malformed reference is refused at once', () => {
    const source: SecretSource = {
      consume: () => {
        throw new TypeError('invalid-ref');
      },
    };
    expect(() => createPool(source, '')).toThrow('invalid-ref');
  });
});

describe('the secret', () => {
  const read = (content: string | Record<string, string>) => credentialOf(secretOf(content, '1'));

  it.each([
    [{ username: 'u', password: 'p' }, {}],
    [
      { user: 'u', password: 'p', host: 'h', port: '5433', dbname: 'd' },
      { host: 'h', port: 5433, database: 'd' },
    ],
    [{ username: 'u', password: 'p', database: 'd', engine: 'postgres', ttl: '60' }, { database: 'd' }],
    ['{"username":"u","password":"p","port":5433}', { port: 5433 }],
    ['postgres://u:p@h:5433/d', { host: 'h', port: 5433, database: 'd' }],
    ['postgresql://u:p@h/d?application_name=a', { host: 'h', database: 'd', application_name: 'a' }],
    [{ url: 'postgres://u:p@h/d' }, { host: 'h', database: 'd' }],
  ])('%j', (content, settings) => {
    expect(read(content)).toEqual({ user: 'u', password: 'p', settings });
  });

  it.each([
    [{ username: 'u' }, 'has no password'],
    [{ password: 'canary' }, 'has no username'],
    [{ name: 'u', password: 'canary' }, 'it has: name, password'],
    [{ username: 'u', password: 'canary', port: 'canary' }, 'no port number'],
    ['canary', 'no connection string'],
    ['postgres://u@h/d', 'has no password'],
    ['postgres://:canary@h/d', 'has no username'],
    ['postgres://u:canary@[/d', 'cannot be parsed'],
  ])('%j is refused, and not quoted', (content, problem) => {
    expect(() => read(content)).toThrowError(expect.objectContaining({ code: 'invalid-value' }));
    expect(() => read(content)).toThrow(problem);
    expect(() => read(content)).not.toThrow('canary');
  });

  it('any user and password survive a template of a connection string', () => {
    const url = template(
      'postgres://{{username}}:{{password}}@db:5433/orders',
      'vault:database/creds/orders',
    );
    const word = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(word, word, (username, password) => {
        const fields: Record<string, string> = { username, password };
        expect(read(url.render((_, field) => fields[field as string] as string))).toEqual({
          user: username,
          password,
          settings: { host: 'db', port: 5433, database: 'orders' },
        });
      }),
    );
  });
});

describe.skipIf(!requireServer('postgres'))('what the secret says about how to connect', () => {
  const login = { username: 'app', password: 'p@ss/w:rd' };
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
    await server.query(`CREATE ROLE app LOGIN PASSWORD ${pg.escapeLiteral(login.password)}`);
  });
  afterAll(() => server.stop());

  async function ask(secret: string | Record<string, string>, config: RotatingPoolConfig) {
    const pool = createPool(fixedSource(secret), 'test:database', config);
    try {
      const { rows } = await pool.query(
        "SELECT current_user AS user, current_database() AS database, current_setting('application_name') AS app",
      );
      return rows[0];
    } finally {
      await pool.end();
    }
  }

  it('is used where the configuration says nothing', async () => {
    const { host, port, database } = server;
    const all = { ...login, host, port: String(port), database };
    expect(await ask(all, {})).toEqual({ user: 'app', database, app: '' });
    const url = `postgres://app:${encodeURIComponent(login.password)}@${host}:${port}/${database}?application_name=url`;
    expect(await ask(url, {})).toEqual({ user: 'app', database, app: 'url' });
  });

  it('is overruled by the configuration', async () => {
    const { host, port } = server;
    const elsewhere = { ...login, host: '192.0.2.1', port: '1', database: 'nowhere' };
    const here = { host, port, database: 'postgres', application_name: 'configured' };
    expect(await ask(elsewhere, here)).toEqual({ user: 'app', database: 'postgres', app: 'configured' });
    const url = `postgres://app:${encodeURIComponent(login.password)}@192.0.2.1:1/nowhere?application_name=url`;
    expect(await ask(url, here)).toEqual({ user: 'app', database: 'postgres', app: 'configured' });
  });

  it('ssl in a connection string is honoured', async () => {
    const { host, port, database } = server;
    const url = `postgres://app:${encodeURIComponent(login.password)}@${host}:${port}/${database}?ssl=true`;
    await expect(ask(url, {})).rejects.toThrow('The server does not support SSL connections');
    expect(await ask(url, { ssl: false })).toMatchObject({ user: 'app' });
  });

  it('a database that neither names is an error that says so, and not the user name', async () => {
    const { host, port } = server;
    await expect(ask(login, { host, port })).rejects.toMatchObject({
      name: 'SecretsError',
      code: 'invalid-config',
      message: expect.stringContaining('No database is named'),
    });
  });

  it('a password in the environment is not used', async () => {
    process.env.PGPASSWORD = 'something else';
    try {
      const { host, port, database } = server;
      expect(await ask(login, { host, port, database })).toMatchObject({ user: 'app' });
    } finally {
      delete process.env.PGPASSWORD;
    }
  });
});
