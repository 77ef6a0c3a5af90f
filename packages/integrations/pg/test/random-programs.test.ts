import { createPool } from '@keyturn/pg';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../../test/servers/postgres.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { Gauge, poolOptions } from './gauge.js';
import { prepareDatabase, RoleSource } from './role-source.js';
import { fixedSource, until } from './stage.js';

const STEPS = ['connect', 'release', 'break', 'query', 'fail', 'transaction', 'rotate'] as const;
type Step = (typeof STEPS)[number];

/** Runs a program on a pool, and notes the outcome of each step, and what the pool counted after it. */
async function run(pool: pg.Pool, program: readonly Step[], rotate: () => Promise<void>) {
  const out: pg.PoolClient[] = [];
  const outcomes: unknown[] = [];
  const counts: unknown[] = [];
  const { max } = pool.options;
  const settled = () =>
    until(
      () =>
        pool.totalCount === pool.idleCount + out.length && (pool.waitingCount === 0 || out.length === max),
    );
  const note = (outcome: unknown) => outcomes.push(outcome);
  const attempt = async (work: Promise<unknown>) =>
    note(
      await work.then(
        () => 'done',
        ({ code, message }) => code ?? message,
      ),
    );

  for (const step of program) {
    const isFull = out.length + pool.waitingCount >= max;
    if (step === 'rotate') await rotate();
    if (step === 'connect') void pool.connect().then((client) => out.push(client));
    if (step === 'release') out.shift()?.release();
    if (step === 'break') out.pop()?.release(new Error('broken'));
    if (step === 'query' && !isFull) await attempt(pool.query('SELECT count(*) FROM orders'));
    if (step === 'fail' && !isFull) await attempt(pool.query('SELECT nonsense'));
    if (step === 'transaction' && out[0] !== undefined) {
      await attempt(out[0].query('BEGIN'));
      await attempt(out[0].query('SELECT 1 FROM orders FOR UPDATE LIMIT 1'));
      await attempt(out[0].query('ROLLBACK'));
    }
    if (step !== 'rotate') await settled();
    counts.push([step, pool.totalCount, pool.idleCount, pool.waitingCount, out.length]);
  }
  while (out.length > 0 || pool.waitingCount > 0) {
    out.shift()?.release();
    await settled();
  }
  await pool.end();
  return { outcomes, counts };
}

describe.skipIf(!requireServer('postgres'))('whatever is done with a pool', () => {
  const login = { username: 'app_static', password: 'the-same-for-both' };
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
    await prepareDatabase(server);
    await server.query(`ALTER ROLE app_static PASSWORD '${login.password}'`);
  });
  afterAll(() => server.stop());

  const programs = fc.array(fc.constantFrom(...STEPS), { minLength: 5, maxLength: 25 });
  const sizes = fc.integer({ min: 1, max: 3 });
  const stock = (max: number) => {
    const { host, port, database } = server;
    return new pg.Pool({ host, port, database, max, user: login.username, password: login.password });
  };

  it('pg.Pool and ours do the same and count the same', async () => {
    await fc.assert(
      fc.asyncProperty(programs, sizes, async (program, max) => {
        const { host, port, database } = server;
        const ours = createPool(fixedSource(login), 'test:database', { host, port, database, max });
        const calm = program.filter((step) => step !== 'rotate');
        const nothing = async () => {};
        expect(await run(ours, calm, nothing)).toEqual(await run(stock(max), calm, nothing));
      }),
      { numRuns: 15 },
    );
  });

  it('ours does the same while it rotates, keeps max, and lets go of every old role', async () => {
    await fc.assert(
      fc.asyncProperty(programs, sizes, async (program, max) => {
        const source = new RoleSource(server);
        const gauge = new Gauge();
        const pool = createPool(source, 'test:database', poolOptions(server, gauge, { max }));
        // A proof that finds every client checked out waits for one: the program goes on meanwhile.
        const rotations: Promise<unknown>[] = [];
        const rotate = async () => {
          rotations.push(source.rotate().catch(({ code }) => code));
        };
        const { outcomes } = await run(pool, program, rotate);
        // The one that is under way when the pool ends is not wanted any more.
        for (const outcome of await Promise.all(rotations)) expect([undefined, 'closed']).toContain(outcome);
        expect(outcomes).toEqual((await run(stock(max), program, async () => {})).outcomes);
        // pg.Pool itself opens the next connection while one that broke is still closing.
        const isCalm = !program.includes('break') && !program.includes('fail');
        if (isCalm) expect(gauge.peak).toBeLessThanOrEqual(max);
        await source.close();
        expect([source.faults, source.cut]).toEqual([[], 0]);
        const left = await server.query('SELECT 1 FROM pg_roles WHERE rolname = ANY($1)', [source.roles]);
        expect(left).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });
});
