import { createPool } from '@keyturn/pg';
import type pg from 'pg';
import Cursor from 'pg-cursor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../../test/servers/postgres.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { Gauge, poolOptions } from './gauge.js';
import { prepareDatabase, RoleSource, type RoleSourceOptions } from './role-source.js';
import { turn, until } from './stage.js';
import { Workload } from './workload.js';

describe.skipIf(!requireServer('postgres'))('a credential that dies in service', () => {
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

  async function finish({ pool, source }: { pool: pg.Pool; source: RoleSource }): Promise<void> {
    await pool.end();
    await source.close();
    expect(source.faults).toEqual([]);
  }

  it('together with the one before it: a statement that was still under way there is run again', async () => {
    await server.query(`CREATE OR REPLACE FUNCTION slow_count() RETURNS bigint LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_sleep(0.3); RETURN (SELECT count(*) FROM orders); END $$`);
    const running = start();
    const { pool, source } = running;
    const slow = pool.query('SELECT slow_count() AS n');
    const isUnderWay = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    await until(async () => (await server.query(isUnderWay)).length > 0);
    const first = source.role.username;
    await source.rotate();
    await server.query(`DROP ROLE "${first}"`);
    await source.revokeFromOutside({ terminate: false });
    await expect(slow).resolves.toMatchObject({ rowCount: 1 });
    expect(source.fetched, 'the second was refused as well, and a third was asked for').toBe(3);
    await finish(running);
  });

  describe.each([
    ['its sessions terminated and its role dropped', true],
    ['its role dropped under its sessions', false],
  ])('%s', (_, terminate) => {
    it('under load: no query fails, and each transaction in flight fails at most once', async () => {
      const running = start();
      const { pool, source, gauge } = running;
      // A cursor or stream whose connection breaks waits for ever, with pg.Pool as well.
      const load = new Workload(pool, { kinds: ['query', 'named', 'callback', 'transaction'] });
      await load.progress();
      for (let revocation = 0; revocation < 5; revocation++) {
        const before = load.failures.length;
        await source.revokeFromOutside({ terminate });
        await until(() => source.published === revocation + 2);
        await source.drained();
        await load.progress();
        const failed = load.failures.slice(before);
        expect(failed.filter(({ kind }) => kind !== 'transaction')).toEqual([]);
        expect(failed.length).toBeLessThanOrEqual(10);
        const codes = new Set(failed.map(({ error }) => (error as { code?: string }).code));
        expect(['42501', '42704', '57P01', 'EPIPE', 'ECONNRESET', undefined]).toEqual(
          expect.arrayContaining([...codes]),
        );
      }
      await load.stop();
      expect(gauge.peak).toBeLessThanOrEqual(10);
      expect(source.fetched, 'one refresh each').toBe(6);
      await finish(running);
    });

    it('while the pool is idle: the next statement knows nothing of it', async () => {
      const running = start();
      const { pool, source } = running;
      await Promise.all(Array.from({ length: 10 }, () => pool.query('SELECT pg_sleep(0.01)')));
      await source.revokeFromOutside({ terminate });
      const { rows } = await pool.query('SELECT current_user AS who, count(*)::int AS n FROM orders');
      expect(rows[0].who).toBe(source.role.username);
      expect(source.fetched).toBe(2);
      await finish(running);
    });
  });

  it('a transaction that begins after the first failure gets no connection of the dead role', async () => {
    const running = start({}, { max: 5, idleTimeoutMillis: 0 });
    const { pool, source } = running;
    await Promise.all(Array.from({ length: 5 }, () => pool.query('SELECT pg_sleep(0.01)')));
    expect(pool.idleCount).toBe(5);
    let open = () => {};
    source.gate = new Promise((resolve) => {
      open = resolve;
    });
    await source.revokeFromOutside({ terminate: false });
    const first = pool.query('SELECT count(*) FROM orders');
    await until(() => pool.idleCount === 0);
    const begun = pool.connect();
    open();
    const client = await begun;
    expect(client.user).toBe(source.role.username);
    await client.query('BEGIN');
    await client.query('SELECT count(*) FROM orders');
    await client.query('COMMIT');
    client.release();
    await expect(first).resolves.toMatchObject({ rowCount: 1 });
    await finish(running);
  });

  it('a connection that logs in while its role is found dead is handed to nobody', async () => {
    let logins = 0;
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const running = start({}, { onConnect: () => (++logins === 2 ? gate : undefined) });
    const { pool, source } = running;
    const client = await pool.connect();
    const late = pool.connect();
    await until(() => logins === 2);
    await source.revokeFromOutside({ terminate: false });
    await expect(client.query('SELECT count(*) FROM orders')).rejects.toMatchObject({ code: '42501' });
    await until(() => source.published === 2);
    open();
    const another = await late;
    expect(another.user).toBe(source.role.username);
    another.release();
    client.release();
    await finish(running);
  });

  it('logins refused (28000) while the role is there: connect() heals as query() does', async () => {
    const running = start();
    const { pool, source } = running;
    (await pool.connect()).release(true);
    await server.query(`ALTER ROLE ${source.role.username} NOLOGIN`);
    const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()]);
    expect(source.fetched).toBe(2);
    for (const client of clients) {
      expect(client.user).toBe(source.role.username);
      client.release();
    }
    await finish(running);
  });

  it('a want of a grant costs one refresh for each generation, and is then returned as it is', async () => {
    const running = start();
    const { pool, source } = running;
    const forbidden = () =>
      pool.query('SELECT * FROM payroll').catch((error: pg.DatabaseError) => error.code);
    await pool.query('SELECT 1');
    expect(await Promise.all(Array.from({ length: 10 }, forbidden))).toEqual(Array(10).fill('42501'));
    expect(source.fetched).toBe(2);
    for (let again = 0; again < 5; again++) expect(await forbidden()).toBe('42501');
    expect(source.fetched, 'the one that came was acquitted').toBe(2);
    await source.rotate();
    expect(await forbidden()).toBe('42501');
    expect(await forbidden()).toBe('42501');
    expect(source.fetched).toBe(4);
    await expect(pool.query('SELECT count(*) FROM orders')).resolves.toMatchObject({ rowCount: 1 });
    await finish(running);
  });

  it('a missing type or setting (42704) says nothing against it', async () => {
    const running = start();
    const { pool, source } = running;
    await expect(pool.query('DROP TYPE nowhere')).rejects.toMatchObject({ code: '42704' });
    await expect(pool.query('SHOW nowhere')).rejects.toMatchObject({ code: '42704' });
    expect(source.fetched).toBe(1);
    await finish(running);
  });

  it('a secret that nobody rotates: the error is returned, and the pool goes on as before', async () => {
    const running = start();
    const { pool, source, gauge } = running;
    await pool.query('SELECT 1');
    source.isFixed = true;
    await expect(pool.query('SELECT * FROM payroll')).rejects.toMatchObject({ code: '42501' });
    await pool.query('SELECT 1');
    const { opened } = gauge;
    for (let again = 0; again < 5; again++) await pool.query('SELECT 1');
    expect(gauge.opened, 'its connections are kept').toBe(opened);
    await server.query(`ALTER ROLE ${source.role.username} PASSWORD 'another'`);
    (await pool.connect()).release(true);
    await expect(pool.connect()).rejects.toMatchObject({ code: '28P01' });
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    await finish(running);
  });

  it('a store that is down: the error of the database is returned, and heals once the store is back', async () => {
    const running = start();
    const { pool, source } = running;
    await pool.query('SELECT 1');
    source.isDown = true;
    await source.revokeFromOutside({ terminate: false });
    await expect(pool.query('SELECT count(*) FROM orders')).rejects.toMatchObject({ code: '42501' });
    await expect(pool.query('SELECT count(*) FROM orders')).rejects.toMatchObject({ code: '28P01' });
    source.isDown = false;
    await expect(pool.query('SELECT count(*) FROM orders')).resolves.toMatchObject({ rowCount: 1 });
    await finish(running);
  });

  it('a store that is slow: connectionTimeoutMillis bounds the wait for another credential', async () => {
    const running = start({}, { connectionTimeoutMillis: 300 });
    const { pool, source } = running;
    (await pool.connect()).release(true);
    await server.query(`ALTER ROLE ${source.role.username} NOLOGIN`);
    let open = () => {};
    source.gate = new Promise((resolve) => {
      open = resolve;
    });
    await expect(pool.connect()).rejects.toThrow('timeout exceeded when trying to connect');
    await expect(pool.connect(), 'it waits for the one that is coming').rejects.toThrow('timeout');
    open();
    await until(() => source.published === 2);
    await expect(pool.query('SELECT 1')).resolves.toMatchObject({ rowCount: 1 });
    await finish(running);
  });

  it('a store that is slow at the start: connectionTimeoutMillis bounds the wait for the first one', async () => {
    const running = start({}, { connectionTimeoutMillis: 500, max: 1 });
    const { pool, source } = running;
    let open = () => {};
    source.gate = new Promise((resolve) => {
      open = resolve;
    });
    await expect(pool.connect()).rejects.toThrow('Connection terminated due to connection timeout');
    await expect(pool.query('SELECT 1')).rejects.toThrow('Connection terminated due to connection timeout');
    expect(pool.totalCount).toBe(0);
    open();
    await until(() => source.published === 1);
    await expect(pool.query('SELECT 1')).resolves.toMatchObject({ rowCount: 1 });
    await finish(running);
  });

  describe('what is not run a second time', () => {
    it('a statement on a checked-out client: its caller gets the error, and it is retired', async () => {
      const running = start();
      const { pool, source, gauge } = running;
      const client = await pool.connect();
      await source.revokeFromOutside({ terminate: false });
      await expect(client.query('SELECT count(*) FROM orders')).rejects.toMatchObject({ code: '42501' });
      await until(() => source.published === 2);
      client.release();
      expect(pool.idleCount, 'only the proven one').toBeLessThanOrEqual(1);
      const { rows } = await pool.query('SELECT current_user AS who');
      expect(rows[0].who).toBe(source.role.username);
      expect(gauge.peak).toBeLessThanOrEqual(10);
      await finish(running);
    });

    it('a transaction: not even when its clients were given back in the middle of it', async () => {
      const running = start({}, { max: 1 });
      const { pool, source } = running;
      const client = await pool.connect();
      await client.query('BEGIN');
      client.release();
      await source.revokeFromOutside({ terminate: false });
      await expect(pool.query('SELECT count(*) FROM orders')).rejects.toMatchObject({ code: '42501' });
      await finish(running);
    });

    it('a procedure, a block, several statements that began, a cursor', async () => {
      await server.query(`
        CREATE TABLE IF NOT EXISTS ledger (entry text);
        GRANT SELECT, INSERT ON ledger TO app_rw;
        CREATE OR REPLACE PROCEDURE book() LANGUAGE plpgsql AS $$
        BEGIN
          INSERT INTO ledger VALUES ('booked');
          COMMIT;
          PERFORM * FROM payroll;
        END $$;
        GRANT EXECUTE ON PROCEDURE book() TO app_rw;
      `);
      for (const text of [
        'CALL book()',
        '/* with */ -- remarks\n call book()',
        ';CALL book()',
        '-- remarks\rCALL book()',
        '/* a /* b */ SELECT 1 */ CALL book()',
        "DO $$ BEGIN INSERT INTO ledger VALUES ('booked'); COMMIT; PERFORM * FROM payroll; END $$",
        "INSERT INTO ledger VALUES ('booked'); COMMIT; SELECT * FROM payroll",
      ]) {
        const running = start();
        await server.query('TRUNCATE ledger');
        await expect(running.pool.query(text)).rejects.toMatchObject({ code: '42501' });
        await until(() => running.source.published === 2);
        expect(await server.query('SELECT entry FROM ledger'), text).toEqual([{ entry: 'booked' }]);
        await finish(running);
      }
      // pg.Pool never takes the client of a cursor back: only the end of the drain does.
      const running = start({ drainMs: 100 });
      await running.pool.query('SELECT 1');
      await running.source.revokeFromOutside({ terminate: false });
      const cursor = new Cursor('SELECT count(*) FROM orders');
      const failed = new Promise((resolve) => cursor.read(1).catch(resolve));
      void running.pool.query(cursor as never, (() => {}) as never);
      expect(await failed).toMatchObject({ code: '42501' });
      await until(() => running.source.published === 2);
      await running.source.close();
    });

    it('an insert whose backend is terminated: it is there once', async () => {
      const running = start({}, { max: 2 });
      const { pool, source } = running;
      await pool.query('SELECT 1');
      const inserted = pool.query('INSERT INTO orders (worker, amount) SELECT -7, 1 FROM pg_sleep(0.3)');
      await until(
        async () =>
          (await server.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")).length > 0,
      );
      await source.revokeFromOutside({ terminate: true });
      await expect(inserted).resolves.toMatchObject({ rowCount: 1 });
      expect(await server.query('SELECT 1 FROM orders WHERE worker = -7')).toHaveLength(1);
      await finish(running);
    });
  });

  it('killing the backend of a checked-out idle client ends neither the process nor the pool', async () => {
    const running = start();
    const { pool } = running;
    const uncaught: unknown[] = [];
    const note = (error: unknown) => uncaught.push(error);
    process.on('uncaughtException', note);
    const client = await pool.connect();
    const lost = new Promise((resolve) => client.once('end', resolve));
    await server.query('SELECT pg_terminate_backend($1)', [
      (client as unknown as { processID: number }).processID,
    ]);
    await lost;
    await turn();
    await expect(client.query('SELECT 1')).rejects.toThrow('not queryable');
    client.release();
    await expect(pool.query('SELECT 1')).resolves.toMatchObject({ rowCount: 1 });
    process.off('uncaughtException', note);
    expect(uncaught).toEqual([]);
    await finish(running);
  });

  it('an exception in a callback of a query that was run twice is an uncaught one', async () => {
    const running = start();
    const { pool, source } = running;
    await pool.query('SELECT 1');
    await source.revokeFromOutside({ terminate: false });
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve));
    pool.query('SELECT current_user', () => {
      throw new Error('mine');
    });
    expect(await uncaught).toMatchObject({ message: 'mine' });
    for (const listener of listeners) process.on('uncaughtException', listener);
    await finish(running);
  });
});
