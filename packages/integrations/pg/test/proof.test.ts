import { fakeClock } from '@keyturn/core/testing';
import { createPool } from '@keyturn/pg';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTcpFaultProxy } from '../../../../test/servers/fault-proxy.js';
import { type PostgresServer, startPostgres } from '../../../../test/servers/postgres.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { RotatingPool } from '../src/rotating-pool.js';
import { Gauge, poolOptions } from './gauge.js';
import { prepareDatabase, RoleSource, type RoleSourceOptions } from './role-source.js';
import { turn, until } from './stage.js';
import { Workload } from './workload.js';

describe.skipIf(!requireServer('postgres'))('a new credential is proven before it serves', () => {
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

  it('F31: one that does not work is refused, and the old one stays', async () => {
    const running = start();
    const { pool, source, gauge } = running;
    const load = new Workload(pool);
    await load.progress();
    const { username } = source.role;
    source.handsOutWrongPasswords = true;
    for (let attempt = 0; attempt < 10; attempt++) {
      const refusal: unknown = await source.rotate().catch((error: unknown) => error);
      expect(refusal).toMatchObject({
        name: 'SecretsError',
        code: 'unauthenticated',
        ref: 'test:database',
        cause: { code: '28P01' },
      });
    }
    expect(source.role.username).toBe(username);
    await load.progress();
    source.handsOutWrongPasswords = false;
    await source.rotate();
    await source.drained();
    await load.progress();
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(gauge.peak).toBeLessThanOrEqual(10);
    await finish(running);
  });

  it('F31: a hook that fails with the new credential refuses it as well', async () => {
    let isBroken = false;
    const failure = Object.assign(new RangeError('canary'), { code: 'no.schema' });
    const running = start({}, { onConnect: async () => isBroken && Promise.reject(failure) });
    const { pool, source } = running;
    await pool.query('SELECT 1');
    isBroken = true;
    const refusal = await source.rotate().catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'invalid-value',
      problem: expect.stringContaining('failed (RangeError no.schema).'),
      remedy: expect.stringContaining('onConnect or verify'),
      cause: { name: 'RangeError', code: 'no.schema' },
    });
    expect(String(refusal)).not.toContain('canary');
    await expect(pool.query('SELECT 1')).resolves.toMatchObject({ rowCount: 1 });
    await finish(running);
  });

  it.each([
    ['in the place of an idle client', 1, 1],
    ['in a free place', 3, 1],
  ])('%s, and the proven connection joins the pool', async (_, max, connected) => {
    const running = start({}, { max });
    const { pool, source, gauge } = running;
    await pool.query('SELECT 1');
    await source.rotate();
    await source.drained();
    await until(() => pool.idleCount === connected);
    expect(gauge.opened).toBe(2);
    expect(gauge.peak).toBeLessThanOrEqual(max);
    const { rows } = await pool.query('SELECT current_user AS who');
    expect(rows[0].who).toBe(source.role.username);
    expect(gauge.opened).toBe(2);
    await finish(running);
  });

  it('in the place of the next client that is released', async () => {
    const running = start({}, { max: 2 });
    const { pool, source, gauge } = running;
    const clients = [await pool.connect(), await pool.connect()];
    const rotated = source.rotate();
    await until(() => source.fetched === 2);
    await turn();
    expect(source.published).toBe(1);
    clients[0]?.release();
    await rotated;
    expect(source.published).toBe(2);
    expect(gauge.peak).toBe(2);
    clients[1]?.release();
    await source.drained();
    await finish(running);
  });

  it("its connection is in nobody's way while another pool of the same secret has yet to prove it", async () => {
    const source = new RoleSource(server);
    const options = poolOptions(server, new Gauge(), { max: 1, connectionTimeoutMillis: 2_000 });
    const pools = [
      createPool(source, 'test:database', options),
      createPool(source, 'test:database', options),
    ];
    const [quick, busy] = pools as [pg.Pool, pg.Pool];
    const held = await busy.connect();
    const load = new Workload(quick, { workers: 3 });
    await load.progress();
    const rotated = source.rotate();
    await until(() => source.fetched === 2);
    await load.progress();
    expect(source.published).toBe(1);
    held.release();
    await rotated;
    await load.progress();
    await load.stop();
    expect(load.failures).toEqual([]);
    await quick.end();
    await busy.end();
    await source.close();
    expect(source.faults).toEqual([]);
  });

  it('whoever waits for it because the server has no room is served when it is over', async () => {
    const running = start({}, { max: 3, idleTimeoutMillis: 20 });
    const { pool, source } = running;
    for (let attempt = 0; attempt < 3; attempt++) {
      await pool.query('SELECT 1');
      await until(() => pool.totalCount === 0);
      await server.query(`ALTER DATABASE ${server.database} CONNECTION LIMIT 0`);
      const rotated = source.rotate().catch(() => {});
      let outcome: string | undefined;
      const answered = pool.query('SELECT 1').then(
        () => (outcome = 'answered'),
        ({ code }) => (outcome = code),
      );
      await until(() => pool.waitingCount === 1 || outcome !== undefined);
      await server.query(`ALTER DATABASE ${server.database} CONNECTION LIMIT -1`);
      await rotated;
      expect(['answered', '53300']).toContain(await answered);
    }
    await finish(running);
  });

  it('everybody who waits for room is served when it is over, not only the first', async () => {
    let logins = 0;
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const running = start({}, { max: 5, onConnect: () => (++logins === 2 ? gate : undefined) });
    const { pool, source } = running;
    const held = await pool.connect();
    const rotated = source.rotate();
    await until(() => logins === 2);
    await server.query(`ALTER DATABASE ${server.database} CONNECTION LIMIT 0`);
    const waiting = [pool.connect(), pool.connect(), pool.connect()];
    await until(() => pool.waitingCount === 3);
    await server.query(`ALTER DATABASE ${server.database} CONNECTION LIMIT -1`);
    open();
    await rotated;
    for (const client of [held, ...(await Promise.all(waiting))]) client.release();
    await finish(running);
  });

  it('a server without room for a pool without clients proves nothing, and nobody waits for that', async () => {
    const clock = fakeClock();
    const source = new RoleSource(server);
    const options = poolOptions(server, new Gauge(), { idleTimeoutMillis: 20 });
    const pool = new RotatingPool(source, 'test:database', options, clock) as unknown as pg.Pool;
    await pool.query('SELECT 1');
    await until(() => pool.totalCount === 0);
    await server.query(`ALTER DATABASE ${server.database} CONNECTION LIMIT 0`);
    await source.rotate();
    await server.query(`ALTER DATABASE ${server.database} CONNECTION LIMIT -1`);
    const { rows } = await pool.query('SELECT current_user AS who');
    expect(rows[0].who).toBe(source.role.username);
    await finish({ pool, source });
  });

  it('F32: when all clients are checked out for long it goes into service untried, in bounded time', async () => {
    const clock = fakeClock();
    const source = new RoleSource(server, { drainMs: 200 });
    const gauge = new Gauge();
    const pool = new RotatingPool(source, 'test:database', poolOptions(server, gauge, { max: 1 }), clock);
    const leaked = await (pool as unknown as pg.Pool).connect();
    const rotated = source.rotate();
    await until(() => clock.pending > 0);
    await clock.advance(4_999);
    expect(source.published).toBe(1);
    await clock.advance(1);
    await rotated;
    await source.drained();
    expect(source.published).toBe(2);
    expect(gauge.peak).toBe(1);
    leaked.release();
    await expect(pool.query('SELECT 1')).resolves.toMatchObject({ rowCount: 1 });
    expect(clock.pending).toBe(0);
    await finish({ pool: pool as unknown as pg.Pool, source });
  });

  it('a server out of reach proves nothing against it', async () => {
    const proxy = await startTcpFaultProxy({ port: server.port });
    const running = start({}, { port: proxy.port });
    const { pool, source } = running;
    pool.on('error', () => {});
    await pool.query('SELECT 1');
    await proxy.set('refuse');
    await source.rotate();
    expect(source.published).toBe(2);
    await proxy.set('pass');
    const { rows } = await pool.query('SELECT current_user AS who');
    expect(rows[0].who).toBe(source.role.username);
    await finish(running);
    await proxy.stop();
  });

  it('the first one is proven when nobody is waiting for it, as by ready()', async () => {
    const source = new RoleSource(server);
    const gauge = new Gauge();
    let prepared = 0;
    const consume = source.consume.bind(source);
    let ready: Promise<unknown> | undefined;
    source.consume = (input, consumer) => {
      const consumption = consume(input, consumer);
      ready = Promise.resolve().then(() => consumption.current());
      prepared++;
      return consumption;
    };
    const pool = createPool(source, 'test:database', poolOptions(server, gauge));
    await ready;
    await turn();
    expect([prepared, pool.totalCount, pool.idleCount, gauge.opened]).toEqual([1, 1, 1, 1]);
    await pool.query('SELECT 1');
    expect(gauge.opened).toBe(1);
    await finish({ pool, source });
  });

  it('the first one takes no place from those who wait for it', async () => {
    const running = start();
    const { pool, gauge } = running;
    await Promise.all([pool.query('SELECT 1'), pool.query('SELECT 1')]);
    expect(gauge.opened).toBe(2);
    await finish(running);
  });
});

describe.skipIf(!requireServer('postgres'))('F33: a server without room', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres({ maxConnections: 13 });
    await prepareDatabase(server);
  });
  afterAll(() => server.stop());

  it.each([
    ['that the pool itself fills', 8],
    ['that others fill, while the pool has room under its max', 20],
  ])('%s: the swap keeps within it and nothing fails', async (_, max) => {
    // Three places are reserved for superusers, and two are the test's own.
    await Promise.all([server.query('SELECT pg_sleep(0.1)'), server.query('SELECT pg_sleep(0.1)')]);
    const source = new RoleSource(server);
    const pool = createPool(source, 'test:database', poolOptions(server, new Gauge(), { max }));
    pool.on('error', () => {});
    const room = 7;
    const clients = [];
    for (let n = 0; n < room; n++) clients.push(await pool.connect());
    for (const client of clients) client.release();
    const load = new Workload(pool, { workers: room, kinds: ['query', 'transaction'] });
    const others = await occupy(server);
    for (let rotation = 0; rotation < 5; rotation++) {
      await source.rotate();
      await source.drained();
      await load.progress();
    }
    await load.stop();
    await others.leave();
    expect(load.failures).toEqual([]);
    expect(source.cut).toBe(0);
    await pool.end();
    await source.close();
    expect(source.faults).toEqual([]);
  });
});

/** Takes every place that is left to ordinary users. */
async function occupy(server: PostgresServer): Promise<{ leave(): Promise<void> }> {
  const { default: pg } = await import('pg');
  await server.query("ALTER ROLE app_static PASSWORD 'occupant'");
  const { host, port, database } = server;
  const taken: pg.Client[] = [];
  for (;;) {
    const client = new pg.Client({ host, port, database, user: 'app_static', password: 'occupant' });
    client.on('error', () => {});
    try {
      await client.connect();
      taken.push(client);
    } catch (error) {
      if ((error as { code?: string }).code !== '53300') throw error;
      break;
    }
  }
  return {
    async leave() {
      for (const client of taken) await client.end();
    },
  };
}
