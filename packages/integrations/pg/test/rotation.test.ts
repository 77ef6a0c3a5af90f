import { createPool } from '@keyturn/pg';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../../test/servers/postgres.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { Gauge, poolOptions, sampleServer } from './gauge.js';
import { prepareDatabase, RoleSource, type RoleSourceOptions } from './role-source.js';
import { emitted, until } from './stage.js';
import { Workload } from './workload.js';

/** For each kind; two hundred of them run end to end, with a real store, in test/e2e. */
const ROTATIONS = 60;

describe.skipIf(!requireServer('postgres'))('rotation', () => {
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
    const poolErrors: Error[] = [];
    pool.on('error', (error) => poolErrors.push(error));
    return { source, gauge, pool, poolErrors };
  }

  async function finish({ pool, source }: { pool: pg.Pool; source: RoleSource }): Promise<void> {
    await pool.end();
    await source.close();
    expect(source.faults).toEqual([]);
    const left = await server.query('SELECT rolname FROM pg_roles WHERE rolname = ANY($1)', [source.roles]);
    expect(left, 'every role that was made is dropped').toEqual([]);
  }

  describe.each([
    [`${ROTATIONS} rotations to new roles, each old one dropped`, 'new-role'],
    [`${ROTATIONS} changes of the password`, 'alter-password'],
    [`F30: ${ROTATIONS} rotations that alternate two user names`, 'alternating'],
  ] as const)('%s', (_, kind) => {
    it('under load: nothing fails, and max is never exceeded', { timeout: 240_000 }, async () => {
      const running = start({ kind });
      const { pool, source, gauge, poolErrors } = running;
      const [before] = await server.query('SELECT count(*)::int AS n FROM orders');
      const load = new Workload(pool);
      const sampler = sampleServer(server);
      await load.progress();
      for (let rotation = 0; rotation < ROTATIONS; rotation++) {
        await source.rotate();
        await source.drained();
      }
      await load.progress();
      await load.stop();

      expect(load.failures).toEqual([]);
      expect(Math.min(...Object.values(load.done))).toBeGreaterThan(50);
      const [after] = await server.query('SELECT count(*)::int AS n FROM orders');
      expect(after.n - before.n, 'every transaction ran once').toBe(load.committed);
      expect(gauge.peak, 'at the sockets').toBeLessThanOrEqual(10);
      expect(await sampler.stop(), 'at the server').toBeLessThanOrEqual(10);
      expect(source.fetched, 'F25: no login failed, so none asked for another credential').toBe(
        ROTATIONS + 1,
      );
      expect(source.cut, 'no drain ran into its deadline').toBe(0);
      expect(poolErrors).toEqual([]);
      await finish(running);
    });
  });

  it('F32: clients held over several rotations, with open transactions, go on and leave when released', async () => {
    const running = start();
    const { pool, source, gauge } = running;
    const held = await Promise.all([pool.connect(), pool.connect(), pool.connect()]);
    const names = new Set(held.map((client) => client.user));
    expect(names.size).toBe(1);
    const [first] = held as [pg.PoolClient, ...pg.PoolClient[]];
    await first.query('BEGIN');
    await first.query('INSERT INTO orders (worker, amount) VALUES (-1, 1)');
    for (let rotation = 0; rotation < 5; rotation++) await source.rotate();

    const { rows } = await pool.query('SELECT current_user AS who');
    expect(rows[0].who).toBe(source.role.username);
    for (const client of held) await client.query('SELECT count(*) FROM orders');
    await first.query('COMMIT');
    for (const client of held) client.release();
    await source.drained();
    expect((await pool.query('SELECT 1 FROM orders WHERE worker = -1')).rowCount).toBe(1);
    expect(gauge.peak).toBeLessThanOrEqual(10);
    expect(source.cut).toBe(0);
    await finish(running);
  });

  it('F32: a leaked client holds up the drain until its deadline and no longer', async () => {
    const running = start({ drainMs: 300 });
    const { pool, source } = running;
    const leaked = await pool.connect();
    const clientErrors: Error[] = [];
    leaked.on('error', (error) => clientErrors.push(error));
    const old = source.role.username;
    await source.rotate();
    await source.drained();

    expect(source.cut).toBe(1);
    expect(await server.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [old])).toEqual([]);
    expect(clientErrors[0]).toMatchObject({ name: 'SecretsError', code: 'timeout' });
    expect(clientErrors[0]?.message).toContain('rotation.drainTimeout');
    await expect(leaked.query('SELECT 1')).rejects.toThrow('not queryable');
    await expect(pool.query('SELECT 1')).resolves.toMatchObject({ rowCount: 1 });
    leaked.release();
    await finish(running);
  });

  it('F32: a drain without any time cuts idle connections without a word: the pool emits no error', async () => {
    const running = start({ drainMs: 0 });
    const { pool, source, poolErrors } = running;
    for (let rotation = 0; rotation < 5; rotation++) {
      await Promise.all(Array.from({ length: 10 }, () => pool.query('SELECT 1')));
      await source.rotate();
      await source.drained();
    }
    await expect(pool.query('SELECT 1')).resolves.toMatchObject({ rowCount: 1 });
    expect(poolErrors).toEqual([]);
    await finish(running);
  });

  it('F32: a statement that outlasts the drain fails then, and says why', async () => {
    const running = start({ drainMs: 300 });
    const { pool, source } = running;
    const long = pool.query('SELECT pg_sleep(30)').catch((error: Error) => error);
    await until(() => pool.totalCount === 1 && pool.waitingCount === 0 && source.published === 1);
    await until(
      async () =>
        (await server.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")).length > 0,
    );
    await source.rotate();
    expect(await long).toMatchObject({ name: 'SecretsError', code: 'timeout' });
    await finish(running);
  });

  it('F34: rotated while idle, then a burst: no failure, and the pool is warm', async () => {
    const running = start();
    const { pool, source, gauge } = running;
    const burst = () => Promise.all(Array.from({ length: 40 }, () => pool.query('SELECT pg_sleep(0.005)')));
    await burst();
    expect(gauge.open).toBe(10);
    gauge.watchFloor();
    for (let rotation = 0; rotation < 3; rotation++) {
      await source.rotate();
      await source.drained();
    }
    await until(() => pool.idleCount === 10);
    expect(gauge.floor, 'most of the pool stands at any moment').toBeGreaterThanOrEqual(7);
    const opened = gauge.opened;
    await burst();
    expect(gauge.opened, 'the burst opens nothing').toBe(opened);
    expect(gauge.peak).toBe(10);
    await finish(running);
  });

  it('F34: rotated while nothing is connected, then a burst', async () => {
    const running = start({}, { idleTimeoutMillis: 20 });
    const { pool, source, gauge } = running;
    await pool.query('SELECT 1');
    await until(() => pool.totalCount === 0);
    for (let rotation = 0; rotation < 3; rotation++) await source.rotate();
    await source.drained();
    await Promise.all(Array.from({ length: 40 }, () => pool.query('SELECT count(*) FROM orders')));
    expect(gauge.peak).toBeLessThanOrEqual(10);
    await finish(running);
  });

  it('with room under max, the new connection is open before the old one closes', async () => {
    const running = start({}, { max: 5 });
    const { pool, source, gauge } = running;
    const clients = [await pool.connect(), await pool.connect()];
    for (const client of clients) client.release();
    gauge.watchFloor();
    await source.rotate();
    await source.drained();
    expect(gauge.floor).toBeGreaterThanOrEqual(2);
    await until(() => pool.idleCount === 2);
    expect(pool.totalCount).toBe(2);
    await finish(running);
  });

  it('connections that are never idle are replaced as they are released', async () => {
    const running = start({ drainMs: 5_000 }, { max: 3 });
    const { pool, source } = running;
    let isOver = false;
    const work = async () => {
      while (!isOver) {
        const client = await pool.connect();
        await client.query('SELECT 1');
        client.release();
      }
    };
    const workers = Array.from({ length: 9 }, work);
    await until(() => source.published === 1 && pool.waitingCount > 0);
    await source.rotate();
    await source.drained();
    isOver = true;
    await Promise.all(workers);
    expect(source.cut).toBe(0);
    await finish(running);
  });

  it('one connection is enough to rotate with', async () => {
    const running = start({}, { max: 1 });
    const { pool, source, gauge } = running;
    const load = new Workload(pool, { workers: 4 });
    await load.progress();
    for (let rotation = 0; rotation < 20; rotation++) {
      await source.rotate();
      await source.drained();
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(gauge.peak).toBe(1);
    await finish(running);
  });

  it('maxUses, maxLifetimeSeconds and idleTimeoutMillis go on working under it', async () => {
    const running = start({}, { maxUses: 3, maxLifetimeSeconds: 0.05, idleTimeoutMillis: 10, min: 1 });
    const { pool, source } = running;
    const load = new Workload(pool, { workers: 5 });
    for (let rotation = 0; rotation < 20; rotation++) {
      await load.progress();
      await source.rotate();
      await source.drained();
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    await finish(running);
  });

  it('hooks and events see every connection, and each that came goes', async () => {
    const hooked = new Set<unknown>();
    const running = start({}, { max: 4, onConnect: (client: unknown) => void hooked.add(client) });
    const { pool, source } = running;
    const [came, went] = [new Set<unknown>(), new Set<unknown>()];
    const out = new Map<unknown, number>();
    pool.on('connect', (client) => came.add(client));
    pool.on('remove', (client) => went.add(client));
    pool.on('acquire', (client) => out.set(client, (out.get(client) ?? 0) + 1));
    pool.on('release', (_, client) => out.set(client, (out.get(client) ?? 0) - 1));
    const load = new Workload(pool, { workers: 6 });
    for (let rotation = 0; rotation < 10; rotation++) {
      await load.progress();
      await source.rotate();
      await source.drained();
    }
    await load.stop();
    await pool.end();
    await until(() => went.size === came.size);
    expect(hooked).toEqual(came);
    expect(new Set(out.values())).toEqual(new Set([0]));
    expect(pool.totalCount).toBe(0);
    await source.close();
    expect(source.faults).toEqual([]);
  });

  it('pool.options tells the server that the secret names, and ignores what is assigned to the credential', async () => {
    const { host, port, database } = server;
    const where = { host, port: String(port), database };
    const source = new RoleSource(server, { secretOf: (role) => ({ ...role, ...where }) });
    const pool = createPool(source, 'test:database', { host: '' });
    await pool.query('SELECT 1');
    expect(pool.options).toMatchObject({ host, port, database });
    Object.assign(pool.options, { user: 'nobody', password: 'nothing' });
    const client = new pg.Client(pool.options);
    await client.connect();
    const { rows } = await client.query('SELECT session_user AS who');
    expect(rows).toEqual([{ who: source.role.username }]);
    await client.end();
    await pool.end();
    await source.close();
  });

  it('a new client of the user, made from pool.options, logs in with the credential in service', async () => {
    const running = start();
    const { pool, source } = running;
    await pool.query('SELECT 1');
    await source.rotate();
    const inner = pool as unknown as { readonly Client: typeof pg.Client };
    for (const Class of [pg.Client, inner.Client]) {
      const client = new Class({ ...pool.options, password: pool.options.password });
      await client.connect();
      const { rows } = await client.query('SELECT current_user AS who');
      expect(rows[0].who).toBe(source.role.username);
      expect(pool.options.user).toBe(source.role.username);
      const closed = emitted(client, 'end');
      await client.end();
      await closed;
    }
    await finish(running);
  });
});
