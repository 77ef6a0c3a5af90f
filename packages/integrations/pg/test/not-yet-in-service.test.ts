import { createPool } from '@keyturn/pg';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../../test/servers/postgres.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { Gauge, poolOptions } from './gauge.js';
import { prepareDatabase, RoleSource } from './role-source.js';
import { until } from './stage.js';

describe.skipIf(!requireServer('postgres'))('a credential that is proven and not yet in service', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
    await prepareDatabase(server);
  });
  afterAll(() => server.stop());

  /** Two pools of one secret: `quick` proves a new version at once, `busy` when its only client is released. */
  async function startTwo(more: object = {}) {
    const source = new RoleSource(server);
    const gauge = new Gauge();
    const of = (options: object) => {
      const pool = createPool(source, 'test:database', poolOptions(server, gauge, { max: 1, ...options }));
      pool.on('error', () => {});
      return pool;
    };
    const [quick, busy] = [of({}), of(more)];
    const held = await busy.connect();
    await quick.query('SELECT 1');
    const { username } = source.role;
    const rotated = source.rotate().then(
      () => 'in service',
      () => 'refused',
    );
    await until(() => gauge.opened === 3);
    await until(() => quick.idleCount === 0);
    return { source, gauge, quick, busy, held, username, rotated };
  }

  async function finish({ source, quick, busy }: { source: RoleSource; quick: pg.Pool; busy: pg.Pool }) {
    await quick.end();
    await busy.end();
    await source.close();
    expect(source.faults).toEqual([]);
  }

  it('serves nobody: its place serves with the one before', async () => {
    const running = await startTwo();
    const { quick, held, username, rotated, source, gauge } = running;
    const who = async () => (await quick.query('SELECT current_user AS who')).rows[0].who;
    expect([await who(), source.published]).toEqual([username, 1]);
    held.release();
    expect(await rotated).toBe('in service');
    expect(await who()).toBe(source.role.username);
    expect(gauge.peak, 'one of each pool').toBe(2);
    await finish(running);
  });

  it('a transaction that began meanwhile outlives its refusal', async () => {
    let logins = 0;
    const running = await startTwo({
      onConnect: async () => ++logins === 2 && Promise.reject(new Error('no such schema')),
    });
    const { quick, held, rotated } = running;
    const client = await quick.connect();
    await client.query('BEGIN');
    held.release();
    expect(await rotated).toBe('refused');
    await expect(client.query('SELECT count(*) FROM orders')).resolves.toMatchObject({ rowCount: 1 });
    await client.query('COMMIT');
    client.release();
    await finish(running);
  });

  it('what is forbidden meanwhile says nothing against it', async () => {
    const running = await startTwo();
    const { quick, held, rotated } = running;
    const client = await quick.connect();
    await expect(client.query('SELECT * FROM payroll')).rejects.toMatchObject({ code: '42501' });
    client.release();
    held.release();
    expect(await rotated).toBe('in service');
    await expect(quick.query('SELECT 1')).resolves.toMatchObject({ rowCount: 1 });
    await finish(running);
  });

  it('a hook that is forbidden something and bears it says nothing against it', async () => {
    const source = new RoleSource(server);
    const onConnect = (client: pg.PoolClient) => client.query('SELECT * FROM payroll').catch(() => {});
    const pool = createPool(source, 'test:database', poolOptions(server, new Gauge(), { onConnect }));
    await pool.query('SELECT 1');
    await source.rotate();
    await expect(pool.query('SELECT 1')).resolves.toMatchObject({ rowCount: 1 });
    await pool.end();
    await source.close();
    expect(source.faults).toEqual([]);
  });
});
