import { createServer, type Server } from 'node:net';
import type pg from 'pg';
import { emitted, type Scenario, type Stage, turn, until } from '../stage.js';

/** What goes wrong: timeouts, lost connections, ends. */
export const failure: readonly Scenario[] = [
  {
    name: 'connectionTimeoutMillis while connecting',
    async run(stage) {
      await withServer(
        (socket) => socket.on('data', () => {}),
        async (port) => {
          const pool = stage.pool({ connectionTimeoutMillis: 20, port, max: 2 });
          await stage.outcome('connect', pool.connect());
          await stage.outcome('query', pool.query('SELECT 1'));
          await new Promise<void>((resolve) => {
            pool.connect((error, client, release) => {
              stage.see('callback', error, client, release);
              resolve();
            });
          });
          stage.counts('after', pool);
          await pool.end();
        },
      );
    },
  },
  {
    name: 'connectionTimeoutMillis while all clients are checked out',
    async run(stage) {
      const pool = stage.pool({ connectionTimeoutMillis: 400, max: 1 });
      const client = await pool.connect();
      await stage.outcome('connect', pool.connect());
      await stage.outcome('query', pool.query('SELECT 1'));
      stage.counts('timed out', pool);
      const patient = pool.connect();
      client.release();
      (await patient).release();
      await stage.outcome('recovered', pool.query('SELECT 1 AS one'));
      await pool.end();
    },
  },
  {
    name: 'those who wait behind a failed connection are served',
    async run(stage) {
      await withServer(
        (socket) => socket.destroy(),
        async (port) => {
          const pool = stage.pool({ max: 1, port });
          const both = [pool.connect(), pool.connect()];
          for (const attempt of both) {
            const error: Error = await attempt.then(
              () => new Error('connected'),
              (reason) => reason,
            );
            stage.see('failed', /ECONNRESET|terminated unexpectedly/.test(error.message));
          }
          stage.counts('after', pool);
          await pool.end();
        },
      );
    },
  },
  {
    name: 'nobody listens',
    async run(stage) {
      let port = 0;
      await withServer(
        () => {},
        async (free) => {
          port = free;
        },
      );
      const pool = stage.pool({ port });
      const error: Error & { code?: string } = await pool.query('SELECT 1').catch((reason) => reason);
      stage.see('query', error.code, error.name);
      await new Promise<void>((resolve) => {
        pool.connect((reason, client, release) => {
          stage.see('connect', (reason as Error & { code?: string }).code, client, release);
          resolve();
        });
      });
      stage.counts('after', pool);
      await pool.end();
    },
  },
  {
    name: 'an idle client that fails is removed, and the pool says so',
    async run(stage) {
      const pool = stage.pool();
      stage.record(pool);
      const client = await pool.connect();
      client.release();
      const removed = emitted(pool, 'remove');
      client.emit('error', new Error('on purpose'));
      stage.counts('after', pool);
      await removed;
      await pool.end();
    },
  },
  {
    name: 'a checked-out client that fails stays until it is released, and the pool says nothing',
    async run(stage) {
      const pool = stage.pool();
      stage.record(pool);
      const client = await pool.connect();
      client.on('error', (error) => stage.see('client error', error));
      client.emit('error', new Error('on purpose'));
      stage.counts('after', pool);
      client.release();
      await pool.end();
    },
  },
  {
    name: 'backends that are terminated: idle, between statements, during one',
    async run(stage) {
      const pool = stage.pool({ max: 2 });
      stage.record(pool);
      const idle = await pool.connect();
      const busy = await pool.connect();
      busy.on('error', (error) => stage.see('client error', error));
      idle.release();
      const gone = emitted(pool, 'remove');
      await terminate(stage, idle);
      await gone;
      const sleeping = busy.query('SELECT pg_sleep(30)').catch((error) => error);
      await until(async () => {
        const [row] = await stage.server.query('SELECT wait_event FROM pg_stat_activity WHERE pid = $1', [
          pidOf(busy),
        ]);
        return row?.wait_event === 'PgSleep';
      });
      const lost = emitted(busy, 'end');
      await terminate(stage, busy);
      await lost;
      stage.see('statement', await sleeping);
      await stage.outcome('next', busy.query('SELECT 1'));
      busy.release();
      stage.counts('after', pool);
      await pool.end();
    },
  },
  {
    name: 'a query whose client is ended under it',
    async run(stage) {
      const pool = stage.pool({ max: 1 });
      pool.on('error', () => {});
      const outcome = stage.outcome('query', pool.query('SELECT pg_sleep(30)'));
      await until(() => pool.totalCount === 1 && pool.waitingCount === 0);
      await emitted(pool, 'acquire').catch(() => {});
      const { _clients } = pool as unknown as { readonly _clients: readonly pg.Client[] };
      await _clients[0]?.end();
      await outcome;
      await pool.end();
    },
  },
  {
    name: 'end waits for clients, refuses newcomers and a second end',
    async run(stage) {
      const pool = stage.pool({ max: 1 });
      stage.record(pool);
      const client = await pool.connect();
      const ended = pool.end().then(() => stage.see('ended'));
      stage.counts('ending', pool);
      await stage.outcome('query', pool.query('SELECT 1'));
      await stage.outcome('connect', pool.connect());
      await stage.outcome('end', pool.end());
      await new Promise<void>((resolve) => {
        const returned = pool.end(((error: Error) => {
          stage.see('callback', error);
          resolve();
        }) as never);
        stage.see('returned', returned);
      });
      await stage.outcome('client goes on', client.query('SELECT 1 AS one'));
      client.release();
      await ended;
      stage.counts('ended', pool);
      await stage.outcome('query', pool.query('SELECT 1'));
    },
  },
  {
    name: 'end without use, by promise and by callback',
    async run(stage) {
      await stage.outcome('promise', stage.pool().end());
      await new Promise<void>((resolve) => {
        const returned = stage.pool().end((...outcome) => {
          stage.see('callback', ...outcome);
          resolve();
        });
        stage.see('returned', returned);
      });
    },
  },
  {
    name: 'end lets a query under way finish',
    async run(stage) {
      const pool = stage.pool();
      const query = stage.outcome('query', pool.query('SELECT pg_sleep(0.05), 1 AS one'));
      await pool.end();
      await query;
      stage.counts('ended', pool);
    },
  },
  {
    name: 'end forgets those who wait',
    async run(stage) {
      const pool = stage.pool({ max: 1 });
      const client = await pool.connect();
      let isServed = false;
      pool.connect(() => {
        isServed = true;
      });
      const ended = pool.end();
      client.release();
      await ended;
      await turn();
      stage.see('served', isServed);
      stage.counts('ended', pool);
    },
  },
];

async function withServer(
  onConnection: Parameters<typeof createServer>[1],
  step: (port: number) => Promise<void>,
): Promise<void> {
  const server: Server = createServer(onConnection as never);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await step((server.address() as { port: number }).port);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

function pidOf(client: pg.PoolClient): number {
  return (client as unknown as { processID: number }).processID;
}

async function terminate(stage: Stage, client: pg.PoolClient): Promise<void> {
  await stage.server.query('SELECT pg_terminate_backend($1)', [pidOf(client)]);
}
