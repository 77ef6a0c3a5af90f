import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inspect, promisify } from 'node:util';
import { createPool } from '@keyturn/pg';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../../test/servers/postgres.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { Gauge, poolOptions } from './gauge.js';
import { prepareDatabase, RoleSource, type RoleSourceOptions } from './role-source.js';
import { turn, until } from './stage.js';
import { Workload } from './workload.js';

describe.skipIf(!requireServer('postgres'))('life and death of a pool', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
    await prepareDatabase(server);
  });
  afterAll(() => server.stop());

  function start(options: RoleSourceOptions = {}, more: object = {}) {
    const source = new RoleSource(server, options);
    const gauge = new Gauge();
    const pool = createPool(source, 'test:database', poolOptions(server, gauge, more));
    pool.on('error', () => {});
    return { source, gauge, pool };
  }

  async function rolesLeft(source: RoleSource): Promise<unknown[]> {
    return server.query('SELECT rolname FROM pg_roles WHERE rolname = ANY($1)', [source.roles]);
  }

  it('fetches and connects nothing until it is used', async () => {
    const { source, pool, gauge } = start();
    await turn();
    expect([source.fetched, gauge.opened, pool.options.user]).toEqual([0, 0, undefined]);
    await pool.end();
    expect(source.fetched).toBe(0);
    await source.close();
  });

  it.each([
    [
      'while the new credential is being fetched',
      async (source: RoleSource) => until(() => source.fetched === 2),
    ],
    ['while it is being proven', async (source: RoleSource) => until(() => source.passwords.length === 2)],
    [
      'while the connections are being replaced',
      async (source: RoleSource) => until(() => source.published === 2),
    ],
  ])('pool.end() during a rotation: %s', async (_, moment) => {
    for (const max of [2, 10]) {
      const { source, pool, gauge } = start({}, { max });
      await Promise.all(Array.from({ length: 20 }, () => pool.query('SELECT pg_sleep(0.005)')));
      const held = await pool.connect();
      const rotated = source.rotate().catch((error: unknown) => error);
      await moment(source);
      const ended = pool.end();
      await held.query('SELECT 1');
      held.release();
      await ended;
      await rotated;
      expect([pool.totalCount, pool.ended]).toEqual([0, true]);
      await source.close();
      await until(() => gauge.open === 0);
      expect(source.faults).toEqual([]);
      expect(await rolesLeft(source)).toEqual([]);
    }
  });

  it('pool.end() under load and in rotation ends at once, and what was under way finishes', async () => {
    const { source, pool, gauge } = start();
    const under = Array.from({ length: 10 }, (_, n) =>
      pool.query('SELECT pg_sleep(0.05), $1::int AS n', [n]),
    );
    await until(() => pool.totalCount === 10);
    const rotated = source.rotate();
    await pool.end();
    expect((await Promise.all(under)).map(({ rows }) => rows[0].n)).toEqual([...Array(10).keys()]);
    await rotated;
    await source.close();
    await until(() => gauge.open === 0);
    expect(await rolesLeft(source)).toEqual([]);
  });

  it('an ended pool is rotated no more', async () => {
    const { source, pool, gauge } = start();
    await pool.query('SELECT 1');
    await pool.end();
    const { opened } = gauge;
    await source.rotate();
    await source.drained();
    expect(gauge.opened).toBe(opened);
    await source.close();
  });

  it('source.close() waits for clients in use, drops the role after them, and new statements say why', async () => {
    const { source, pool, gauge } = start();
    await Promise.all(Array.from({ length: 5 }, () => pool.query('SELECT pg_sleep(0.01)')));
    const held = await pool.connect();
    const closed = source.close();
    await until(() => pool.totalCount === 1);
    await held.query('SELECT count(*) FROM orders');
    expect(await rolesLeft(source)).toHaveLength(1);
    held.release();
    await closed;
    expect(await rolesLeft(source)).toEqual([]);
    await expect(pool.query('SELECT 1')).rejects.toThrow('closed');
    await expect(pool.connect()).rejects.toThrow('closed');
    await pool.end();
    expect(gauge.open).toBe(0);
  });

  it('F50: a listener or a callback of the application that throws does not stop the rotation', async () => {
    const { source, pool } = start({}, { max: 2 });
    await pool.query('SELECT 1');
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const uncaught: string[] = [];
    const note = (error: Error) => uncaught.push(error.message);
    process.on('uncaughtException', note);
    process.on('unhandledRejection', note as never);
    pool.on('remove', () => {
      throw new Error('of a listener');
    });
    for (let rotation = 0; rotation < 3; rotation++) {
      const held = [await pool.connect(), await pool.connect()];
      pool.connect((_error, _client, release) => {
        release();
        throw new Error('of a callback');
      });
      const rotated = source.rotate();
      // Whoever releases a client runs the callback of the one who waited for it, as with pg.Pool.
      for (const client of held) setImmediate(() => client.release());
      await rotated;
      await source.drained();
    }
    pool.removeAllListeners('remove');
    const { rows } = await pool.query('SELECT current_user AS who');
    expect(rows[0].who).toBe(source.role.username);
    await until(() => pool.idleCount === pool.totalCount);
    await pool.end();
    await source.close();
    process.off('uncaughtException', note);
    process.off('unhandledRejection', note as never);
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(uncaught.filter((message) => message === 'of a callback')).toHaveLength(3);
    expect(new Set(uncaught)).toEqual(new Set(['of a listener', 'of a callback']));
  });

  it.each([
    ['F48: once the pool has ended', 'end'],
    ['F48: with allowExitOnIdle, while it is idle', 'idle'],
    ['F48: once the pool has ended in the middle of a rotation', 'rotate'],
  ])('nothing holds the process: %s', async (_, how) => {
    const root = fileURLToPath(new URL('../../../../', import.meta.url));
    const child = fileURLToPath(new URL('./exit-child.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', child, how], {
      cwd: root,
      timeout: 30_000,
      env: {
        ...process.env,
        PGHOST: server.host,
        PGPORT: String(server.port),
        PGDATABASE: server.database,
        SUPERUSER: server.superuser,
        SUPERUSER_PASSWORD: server.password,
      },
    });
    expect(stdout.trim().split('\n').at(-1)).toBe('done');
  });

  describe('F49: a password appears nowhere', () => {
    /** Everything that can be printed of a thing. */
    function prints(thing: unknown): string {
      const seen = new WeakSet();
      const json = JSON.stringify(thing, (_key, value) => {
        if (typeof value !== 'object' || value === null) return value;
        if (seen.has(value)) return undefined;
        seen.add(value);
        return value;
      });
      return [inspect(thing, { depth: 10, showHidden: true }), String(thing), json].join('\n');
    }

    it('in the pool, its options, its clients, before, during and after a login', async () => {
      const printed: string[] = [];
      const { source, pool } = start({}, { max: 3 });
      pool.on('connect', (client) => printed.push(prints(client)));
      printed.push(prints(pool));
      const connecting = pool.connect();
      await until(() => source.published === 1);
      printed.push(prints(pool));
      const client = await connecting;
      await pool.query('SELECT 1');
      printed.push(prints(pool), prints(client), prints(pool.options), prints({ ...pool.options }));
      await source.rotate();
      printed.push(prints(pool), prints(client));
      client.release();
      await source.drained();
      printed.push(prints(pool), prints(client));
      await pool.end();
      await source.close();
      printed.push(prints(pool));
      expectNone(source, printed);
    });

    it('in any error or warning', async () => {
      const printed: string[] = [];
      const note = (warning: Error) => printed.push(prints(warning));
      process.on('warning', note);
      const { source, pool } = start({ drainMs: 50 });
      const client = await pool.connect();
      const failed = async (promise: Promise<unknown>) =>
        printed.push(
          prints(
            await promise.then(
              () => expect.unreachable(),
              (error: unknown) => error,
            ),
          ),
        );
      await failed(pool.query('SELECT nonsense'));
      source.handsOutWrongPasswords = true;
      await failed(source.rotate());
      source.handsOutWrongPasswords = false;
      const cut = new Promise((resolve) => client.once('error', resolve));
      await source.rotate();
      printed.push(prints(await cut));
      client.release();
      source.isDown = true;
      await server.query(`ALTER ROLE ${source.role.username} PASSWORD 'another'`);
      await pool.query('SELECT 1');
      (await pool.connect()).release(true);
      await failed(pool.connect());
      await failed(pool.query('SELECT 1'));
      await pool.end();
      await failed(pool.query('SELECT 1'));
      process.off('warning', note);
      expectNone(source, printed);
      await source.close();
    });

    function expectNone(source: RoleSource, printed: readonly string[]): void {
      expect(printed.length).toBeGreaterThan(3);
      expect(source.passwords.length).toBeGreaterThan(0);
      for (const password of source.passwords) {
        for (const text of printed) expect(text).not.toContain(password);
      }
    }
  });

  it('two pools on one secret rotate together', async () => {
    const source = new RoleSource(server);
    const gauges = [new Gauge(), new Gauge()];
    const pools = gauges.map((gauge) =>
      createPool(source, 'test:database', poolOptions(server, gauge, { max: 4 })),
    ) as [pg.Pool, pg.Pool];
    const loads = pools.map((pool) => new Workload(pool, { workers: 6 }));
    for (let rotation = 0; rotation < 10; rotation++) {
      await Promise.all(loads.map((load) => load.progress()));
      await source.rotate();
      await source.drained();
    }
    source.handsOutWrongPasswords = true;
    await expect(source.rotate()).rejects.toMatchObject({ code: 'unauthenticated' });
    await Promise.all(loads.map((load) => load.progress()));
    for (const load of loads) {
      await load.stop();
      expect(load.failures).toEqual([]);
    }
    for (const gauge of gauges) expect(gauge.peak).toBeLessThanOrEqual(4);
    for (const pool of pools) await pool.end();
    await source.close();
    expect(source.faults).toEqual([]);
    expect(await rolesLeft(source)).toEqual([]);
  });
});
