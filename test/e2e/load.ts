import type { Pool } from 'pg';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';

/** One way to use a pool. Rejects when anything is not as it should be. */
export type Use = (pool: Pool, turn: number) => Promise<void>;

const READ = 'select id, item from orders where id = $1';

async function query(pool: Pool, turn: number): Promise<void> {
  const { rows } = await pool.query(READ, [1 + (turn % 50)]);
  if (rows.length !== 1) throw new Error('a row is missing');
}

async function write(pool: Pool, turn: number): Promise<void> {
  await pool.query('update orders set quantity = $1 where id = $2', [turn, 1 + (turn % 50)]);
}

async function namedStatement(pool: Pool, turn: number): Promise<void> {
  const { rows } = await pool.query({ name: 'read-order', text: READ, values: [1 + (turn % 50)] });
  if (rows.length !== 1) throw new Error('a row is missing');
}

function callback(pool: Pool, turn: number): Promise<void> {
  return new Promise((resolve, reject) => {
    pool.query(READ, [1 + (turn % 50)], (error) => (error ? reject(error) : resolve()));
  });
}

async function cursor(pool: Pool): Promise<void> {
  const client = await pool.connect();
  try {
    const reader = client.query(new Cursor('select id from orders order by id limit 50'));
    let count = 0;
    for (let rows = await reader.read(20); rows.length > 0; rows = await reader.read(20))
      count += rows.length;
    await reader.close();
    if (count !== 50) throw new Error('rows of the cursor are missing');
  } finally {
    client.release();
  }
}

async function stream(pool: Pool): Promise<void> {
  const client = await pool.connect();
  try {
    let count = 0;
    for await (const _ of client.query(new QueryStream('select id from orders order by id limit 50')))
      count++;
    if (count !== 50) throw new Error('rows of the stream are missing');
  } finally {
    client.release();
  }
}

/** A transaction of three statements. */
export async function transaction(pool: Pool, turn: number): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('update orders set quantity = quantity + 1 where id = $1', [1 + (turn % 50)]);
    await client.query(READ, [1 + (turn % 50)]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}

/** Single statements outside of transactions: what a pool may repeat. */
export const STATEMENTS: readonly Use[] = [query, write, namedStatement, callback];
/** Everything that applications do with a pool. */
export const ALL_USES: readonly Use[] = [...STATEMENTS, cursor, stream, transaction];

/** What a load has come to. */
export interface Load {
  readonly done: () => number;
  readonly failures: unknown[];
  /** Ends it, once what is under way has ended. */
  stop(): Promise<void>;
}

/** Uses `pool` from `workers` sides at once, each without a pause, until stopped. */
export function startLoad(pool: Pool, uses: readonly Use[], workers: number): Load {
  const failures: unknown[] = [];
  let done = 0;
  let running = true;
  const working = Array.from({ length: workers }, async (_, worker) => {
    for (let turn = worker; running; turn++) {
      try {
        await (uses[turn % uses.length] as Use)(pool, turn);
        done++;
      } catch (error) {
        failures.push(error);
      }
    }
  });
  return {
    done: () => done,
    failures,
    async stop() {
      running = false;
      await Promise.all(working);
    },
  };
}

/** Samples, again and again until stopped, the most connections that leased roles have open at once. */
export function watchConnections(query: (sql: string) => Promise<{ count: number }[]>): {
  stop(): Promise<number>;
} {
  let peak = 0;
  let running = true;
  const watching = (async () => {
    while (running) {
      const [row] = await query(
        "select count(*)::int as count from pg_stat_activity where backend_type = 'client backend' and datname = 'app' and usesysid <> 10",
      );
      peak = Math.max(peak, row?.count ?? 0);
    }
  })();
  return {
    async stop() {
      running = false;
      await watching;
      return peak;
    },
  };
}
