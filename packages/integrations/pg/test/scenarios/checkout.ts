import pg from 'pg';
import { emitted, type Scenario, turn } from '../stage.js';

/** Checking clients out and giving them back. */
export const checkout: readonly Scenario[] = [
  {
    name: 'a new pool counts nothing and has pg.Pool as its class',
    async run(stage) {
      const pool = stage.pool();
      stage.counts('new', pool);
      stage.see('class', pool.constructor.name, pool instanceof pg.Pool);
      stage.see('options', { ...pool.options, user: undefined, port: undefined });
    },
  },
  {
    name: 'does not change the options that it was given',
    async run(stage) {
      const config = { max: 10, host: stage.server.host };
      stage.pool(config);
      stage.see('given', config);
    },
  },
  {
    name: 'connect gives a client that belongs to pg, by promise and by callback',
    async run(stage) {
      const pool = stage.pool();
      stage.record(pool);
      const client = await pool.connect();
      stage.see('class', client.constructor.name, client instanceof pg.Client, client.host, client.database);
      await stage.outcome('query', client.query('SELECT $1::text AS name', ['hi']));
      client.release();
      await new Promise<void>((resolve) => {
        const returned = pool.connect((error, same, release) => {
          stage.see('callback', error, same, same === client, release);
          release();
          resolve();
        });
        stage.see('returned', returned);
      });
      stage.counts('after', pool);
      await pool.end();
      stage.counts('ended', pool);
    },
  },
  {
    name: 'never calls back synchronously, with an idle client or without',
    async run(stage) {
      const pool = stage.pool();
      for (const label of ['new', 'idle']) {
        let isCalled = false;
        const called = new Promise<void>((resolve) =>
          pool.connect((_error, _client, release) => {
            isCalled = true;
            release();
            resolve();
          }),
        );
        stage.see(label, isCalled);
        await called;
      }
      await pool.end();
    },
  },
  {
    name: 'a second release throws each time, and the release of a later checkout does not',
    async run(stage) {
      const pool = stage.pool({ max: 1 });
      const first = await pool.connect();
      const stale = first.release;
      first.release();
      stage.see(
        'again',
        thrown(() => first.release()),
      );
      stage.see(
        'and again',
        thrown(() => first.release()),
      );
      const second = await pool.connect();
      stage.see('same client', second === first, second.release === stale);
      stage.see(
        'stale',
        thrown(() => stale.call(first)),
      );
      second.release();
      stage.see(
        'done',
        thrown(() => second.release()),
      );
      await pool.end();
    },
  },
  {
    name: 'release(error) and release(true) remove the client',
    async run(stage) {
      const pool = stage.pool({ max: 2 });
      stage.record(pool);
      for (const reason of [new Error('broken'), true]) {
        const client = await pool.connect();
        const removed = emitted(pool, 'remove');
        client.release(reason);
        stage.counts('at once', pool);
        await removed;
        stage.counts('removed', pool);
      }
      await stage.outcome('query', pool.query('SELECT 1 AS one'));
      await pool.end();
    },
  },
  {
    name: 'a removed client leaves its place at once',
    async run(stage) {
      const pool = stage.pool({ max: 1 });
      const client = await pool.connect();
      client.release(true);
      const next = pool.connect();
      stage.counts('asked', pool);
      (await next).release();
      await pool.end();
    },
  },
  {
    name: 'callers queue beyond max and are served in order',
    async run(stage) {
      const pool = stage.pool({ max: 2 });
      const [first, second] = [await pool.connect(), await pool.connect()];
      const queued = Array.from({ length: 5 }, (_, place) =>
        pool.connect().then((client) => {
          stage.see('served', place);
          return turn().then(() => client.release());
        }),
      );
      stage.counts('queued', pool);
      first.release();
      second.release();
      await Promise.all(queued);
      stage.counts('served', pool);
      await pool.end();
    },
  },
  {
    name: 'the client used last is used first',
    async run(stage) {
      const pool = stage.pool({ max: 3 });
      const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()]);
      for (const client of clients) client.release();
      const again = await pool.connect();
      stage.see('place', clients.indexOf(again));
      again.release();
      await pool.end();
    },
  },
  {
    name: 'max holds under a burst, whichever way it is spelled',
    async run(stage) {
      for (const [size, config] of [
        [3, { max: 3 }],
        [4, { poolSize: 4 } as object],
        [10, { max: 0 }],
      ] as const) {
        const pool = stage.pool(config);
        const done = Promise.all(Array.from({ length: 30 }, () => pool.query('SELECT pg_sleep(0.001)')));
        await turn();
        stage.counts(`burst ${size}`, pool);
        await done;
        stage.see('size', pool.totalCount, pool.options.max);
        await pool.end();
      }
    },
  },
  {
    name: 'pg options reach the client and the server',
    async run(stage) {
      const pool = stage.pool({
        application_name: 'scenario',
        statement_timeout: 1234,
        lock_timeout: 2345,
        idle_in_transaction_session_timeout: 3456,
        options: '-c geqo=off',
        keepAlive: true,
        binary: false,
        types: { getTypeParser: () => (text: string) => `parsed ${text}` },
      } as object);
      const names = [
        'application_name',
        'statement_timeout',
        'lock_timeout',
        'idle_in_transaction_session_timeout',
        'geqo',
      ];
      for (const name of names) await stage.outcome(name, pool.query(`SHOW ${name}`));
      await pool.end();
    },
  },
  {
    name: 'a Client of the user is used, and knows its class',
    async run(stage) {
      const made: unknown[] = [];
      class Counted extends pg.Client {
        constructor(config?: pg.ClientConfig) {
          super(config);
          made.push(config?.database);
        }
        twice(): string {
          return `${this.database}${this.database}`;
        }
      }
      const pool = stage.pool({ Client: Counted as unknown as new () => pg.ClientBase });
      const client = await pool.connect();
      stage.see('made', made, client.constructor.name, client instanceof Counted);
      stage.see('method', (client as unknown as Counted).twice());
      await stage.outcome('query', client.query('SELECT 1 AS one'));
      client.release();
      await pool.end();
    },
  },
  {
    name: 'LISTEN on a checked-out client is heard',
    async run(stage) {
      const pool = stage.pool();
      const client = await pool.connect();
      await client.query('LISTEN news');
      const heard = new Promise((resolve) => client.on('notification', ({ payload }) => resolve(payload)));
      await pool.query("NOTIFY news, 'extra'");
      stage.see('heard', await heard);
      client.release(true);
      await pool.end();
    },
  },
];

function thrown(step: () => unknown): unknown {
  try {
    step();
    return 'nothing';
  } catch (error) {
    return error;
  }
}
