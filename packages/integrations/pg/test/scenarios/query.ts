import pg from 'pg';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import type { Scenario } from '../stage.js';

type Callback = (error: Error, result: pg.QueryResult) => void;

/** Every way to call `pool.query`. */
export const query: readonly Scenario[] = [
  {
    name: 'text, values, config, by promise',
    async run(stage) {
      const pool = stage.pool();
      await stage.outcome('text', pool.query('SELECT 1 AS one'));
      await stage.outcome('values', pool.query('SELECT $1::text AS name', ['hi']));
      await stage.outcome('config', pool.query({ text: 'SELECT $1::int + 1 AS sum', values: [1] }));
      await stage.outcome('config and values', pool.query({ text: 'SELECT $1::int AS n' }, [7]));
      await stage.outcome('array', pool.query({ text: 'SELECT 1, 2', rowMode: 'array' }));
      await stage.outcome('several', pool.query('SELECT 1 AS one; SELECT 2 AS two') as Promise<unknown>);
      await stage.outcome('empty', pool.query(''));
      await stage.outcome('no values', pool.query('SELECT 1 AS one', undefined));
      stage.counts('after', pool);
      await pool.end();
    },
  },
  {
    name: 'text, values, config, by callback',
    async run(stage) {
      const pool = stage.pool();
      const call = (label: string, start: (callback: Callback) => unknown) =>
        new Promise<void>((resolve) => {
          const returned = start((...outcome) => {
            stage.see(label, ...outcome);
            resolve();
          });
          stage.see('returned', returned);
        });
      await call('text', (done) => pool.query('SELECT 1 AS one', done));
      await call('values', (done) => pool.query('SELECT $1::text AS name', ['hi'], done));
      await call('config', (done) => pool.query({ text: 'SELECT 2 AS two' }, done));
      await call('error', (done) => pool.query('SELECT asldkfjasldkf', done));
      await call('wrong values', (done) => pool.query('SELECT 1', 'x' as never, done));
      await pool.end();
    },
  },
  {
    name: 'what cannot be queried',
    async run(stage) {
      const pool = stage.pool();
      stage.record(pool);
      await stage.outcome('null', pool.query(null as never));
      await stage.outcome('undefined', pool.query(undefined as never));
      await stage.outcome('number', pool.query(7 as never));
      await stage.outcome('no text', pool.query({} as never));
      await new Promise<void>((resolve) => {
        const returned = pool.query(((error: Error) => {
          stage.see('function', error);
          resolve();
        }) as never);
        stage.see('returned', returned);
      });
      await stage.outcome('unserializable', pool.query('SELECT $1', [{ toPostgres: () => boom() }] as never));
      stage.counts('after', pool);
      await stage.outcome('goes on', pool.query('SELECT 1 AS one'));
      await pool.end();
    },
  },
  {
    name: 'server errors keep their fields, remove the client and leave the pool working',
    async run(stage) {
      const pool = stage.pool({ max: 2 });
      const errors = await Promise.all(
        Array.from({ length: 10 }, () =>
          pool.query('SELECT asldkfjasldkf').catch((error: pg.DatabaseError) => error),
        ),
      );
      for (const error of errors) {
        const { severity, position, routine } = error as pg.DatabaseError;
        stage.see('error', error, severity, position, routine, error instanceof pg.DatabaseError);
      }
      stage.counts('after', pool);
      await stage.outcome('unique', pool.query('INSERT INTO orders (id, amount) VALUES (1, 1)'));
      await stage.outcome('missing type', pool.query('DROP TYPE IF EXISTS nowhere; DROP TYPE nowhere'));
      await stage.outcome('no grant', pool.query('SELECT * FROM payroll'));
      await stage.outcome('no grant, again', pool.query('SELECT * FROM payroll'));
      await stage.outcome('goes on', pool.query('SELECT 1 AS one'));
      await pool.end();
    },
  },
  {
    name: 'the stack of an error leads to who asked',
    async run(stage) {
      const pool = stage.pool();
      const named = async () => pool.query('SELECT asldkfjasldkf');
      const error: Error = await named().catch((reason) => reason);
      stage.see('stack', error.stack?.includes('scenarios/query'), error.stack?.includes('parser.js'));
      await pool.end();
    },
  },
  {
    name: 'an error thrown by a callback is an uncaught one',
    async run(stage) {
      const pool = stage.pool();
      const uncaught = new Promise((resolve) => {
        const listeners = process.listeners('uncaughtException');
        process.removeAllListeners('uncaughtException');
        process.once('uncaughtException', (error) => {
          for (const listener of listeners) process.on('uncaughtException', listener);
          resolve(error);
        });
      });
      pool.query('SELECT 1', () => {
        throw new Error('mine');
      });
      stage.see('uncaught', await uncaught);
      await stage.outcome('goes on', pool.query('SELECT 1 AS one'));
      await pool.end();
    },
  },
  {
    name: 'named statements',
    async run(stage) {
      const pool = stage.pool({ max: 1 });
      for (const value of [1, 2, 3]) {
        const named = { name: 'one', text: 'SELECT $1::int AS n', values: [value] };
        await stage.outcome('named', pool.query(named));
      }
      await stage.outcome('clash', pool.query({ name: 'one', text: 'SELECT 2' }));
      await stage.outcome('by name alone', pool.query({ name: 'one', values: [4] } as never));
      await pool.end();
    },
  },
  {
    name: 'cursors, streams and query objects on a client',
    async run(stage) {
      const pool = stage.pool();
      const client = await pool.connect();
      const cursor = client.query(new Cursor('SELECT n FROM generate_series(1, 5) n'));
      stage.see('read', await cursor.read(2), await cursor.read(10), await cursor.read(1));
      await cursor.close();
      const rows: unknown[] = [];
      const stream = client.query(new QueryStream('SELECT n FROM generate_series(1, 250) n', []));
      for await (const row of stream) rows.push(row);
      stage.see('streamed', rows.length, rows.at(-1));
      const object = client.query(new pg.Query('SELECT 9 AS nine'));
      object.on('row', (row) => stage.see('row', row));
      await new Promise((resolve) => object.on('end', resolve));
      client.release();
      await pool.end();
    },
  },
  {
    name: 'a submittable given to pool.query is called back',
    async run(stage) {
      const pool = stage.pool();
      await new Promise<void>((resolve) => {
        const submitted = new pg.Query('SELECT $1::text AS name', ['hi']);
        const returned = pool.query(
          submitted as never,
          ((error: Error, result: pg.QueryResult) => {
            stage.see('query', error, result);
            resolve();
          }) as never,
        );
        stage.see('returned', returned);
      });
      await pool.end();
    },
  },
  {
    name: 'query_timeout',
    async run(stage) {
      const pool = stage.pool({ query_timeout: 50, max: 1 });
      await stage.outcome('slow', pool.query('SELECT pg_sleep(30)'));
      stage.counts('after', pool);
      await stage.outcome('quick', pool.query('SELECT 1 AS one'));
      await pool.end();
    },
  },
  {
    name: 'a promise class of the application',
    async run(stage) {
      class Own<T> extends Promise<T> {}
      const pool = stage.pool({ Promise: Own });
      const [queried, connected] = [pool.query('SELECT 1'), pool.connect()];
      stage.see('class', queried instanceof Own, connected instanceof Own);
      await queried;
      (await connected).release();
      const failed = pool.query('SELECT asldkfjasldkf');
      stage.see('class', failed instanceof Own);
      await stage.outcome('failed', failed);
      const ended = pool.end();
      stage.see('class', ended instanceof Own);
      await ended;
    },
  },
  {
    name: 'the log option',
    async run(stage) {
      const lines: unknown[] = [];
      const pool = stage.pool({ log: (...line) => lines.push(line[0]) });
      await pool.query('SELECT 1');
      await pool.query('SELECT asldkfjasldkf').catch(() => {});
      await pool.end();
      stage.see('logged', lines);
    },
  },
];

function boom(): never {
  throw new Error('cannot be serialized');
}
