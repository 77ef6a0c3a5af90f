import type pg from 'pg';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';

/** Twenty workers that use a pool in every way there is, until they are stopped. */
export class Workload {
  /** What failed, by the kind of work. */
  readonly failures: { readonly kind: string; readonly error: unknown }[] = [];
  /** How often each kind of work was done. */
  readonly done: Record<string, number> = {};
  /** Rows that committed transactions have inserted. */
  committed = 0;
  readonly #pool: pg.Pool;
  readonly #kinds: readonly Kind[];
  readonly #workers: Promise<void>[];
  readonly #turns: number[];
  #isOver = false;

  constructor(pool: pg.Pool, { workers = 20, kinds = Object.keys(KINDS) as Kind[] } = {}) {
    this.#pool = pool;
    this.#kinds = kinds;
    this.#turns = Array.from({ length: workers }, () => 0);
    this.#workers = Array.from({ length: workers }, (_, worker) => this.#work(worker));
  }

  /** Lets every worker finish what it is at. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#workers);
  }

  /** Resolves when every worker has done something from beginning to end since it was asked. */
  async progress(): Promise<void> {
    const before = [...this.#turns];
    const isDone = () => this.#turns.every((turns, worker) => turns >= (before[worker] ?? 0) + 2);
    while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async #work(worker: number): Promise<void> {
    for (let turn = worker; !this.#isOver; turn++) {
      const kind = this.#kinds[turn % this.#kinds.length] as Kind;
      try {
        await KINDS[kind](this.#pool, worker);
        this.done[kind] = (this.done[kind] ?? 0) + 1;
        if (kind === 'transaction') this.committed++;
      } catch (error) {
        this.failures.push({ kind, error });
      }
      this.#turns[worker] = (this.#turns[worker] ?? 0) + 1;
    }
  }
}

export type Kind = keyof typeof KINDS;

const KINDS = {
  async query(pool: pg.Pool, worker: number) {
    const { rows } = await pool.query('SELECT $1::int AS n, current_user AS who', [worker]);
    expectEqual(rows[0].n, worker);
  },
  async named(pool: pg.Pool, worker: number) {
    const statement = {
      name: 'amounts',
      text: 'SELECT sum(amount)::int AS total FROM orders WHERE worker = $1',
    };
    await pool.query({ ...statement, values: [worker] });
  },
  async callback(pool: pg.Pool, worker: number) {
    const rows = await new Promise<{ n: number }[]>((resolve, reject) => {
      pool.query('SELECT $1::int AS n', [worker], (error: Error, result) =>
        error ? reject(error) : resolve(result.rows),
      );
    });
    expectEqual(rows[0]?.n, worker);
  },
  async transaction(pool: pg.Pool, worker: number) {
    await withClient(pool, async (client) => {
      await client.query('BEGIN');
      await client.query('INSERT INTO orders (worker, amount) VALUES ($1, 1)', [worker]);
      await client.query('SELECT pg_sleep(0.002)');
      await client.query('COMMIT');
    });
  },
  async cursor(pool: pg.Pool) {
    await withClient(pool, async (client) => {
      const cursor = client.query(new Cursor('SELECT n FROM generate_series(1, 30) n'));
      let rows = 0;
      for (let read = await cursor.read(10); read.length > 0; read = await cursor.read(10))
        rows += read.length;
      await cursor.close();
      expectEqual(rows, 30);
    });
  },
  async stream(pool: pg.Pool) {
    await withClient(pool, async (client) => {
      let rows = 0;
      for await (const _ of client.query(new QueryStream('SELECT n FROM generate_series(1, 150) n', [])))
        rows++;
      expectEqual(rows, 150);
    });
  },
};

async function withClient(pool: pg.Pool, step: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await step(client);
    client.release();
  } catch (error) {
    client.release(error as Error);
    throw error;
  }
}

function expectEqual(actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${actual} is not ${expected}`);
}
