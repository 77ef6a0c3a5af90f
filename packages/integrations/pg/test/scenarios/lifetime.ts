import { emitted, type Scenario, turn, until } from '../stage.js';

/** How long clients live, and the hooks on their way. */
export const lifetime: readonly Scenario[] = [
  {
    name: 'idleTimeoutMillis ends idle clients, down to min',
    async run(stage) {
      for (const min of [0, 1]) {
        const pool = stage.pool({ idleTimeoutMillis: 30, min, max: 3 });
        stage.record(pool);
        const clients = [await pool.connect(), await pool.connect(), await pool.connect()];
        const removed = emitted(pool, 'remove', 3 - min);
        for (const client of clients) client.release();
        stage.counts('released', pool);
        await removed;
        stage.counts('timed out', pool);
        await pool.end();
      }
    },
  },
  {
    name: 'a client that is used again is not timed out',
    async run(stage) {
      const pool = stage.pool({ idleTimeoutMillis: 200, max: 1 });
      (await pool.connect()).release();
      const client = await pool.connect();
      await client.query('SELECT pg_sleep(0.3)');
      stage.counts('still there', pool);
      client.release();
      await pool.end();
    },
  },
  {
    name: 'maxUses',
    async run(stage) {
      const pool = stage.pool({ maxUses: 2, max: 1 });
      stage.record(pool);
      for (let use = 0; use < 5; use++) {
        const client = await pool.connect();
        client.release();
        stage.counts('released', pool);
        await turn();
      }
      await pool.end();
    },
  },
  {
    name: 'maxLifetimeSeconds ends idle clients and marks busy ones',
    async run(stage) {
      const pool = stage.pool({ maxLifetimeSeconds: 0.1, max: 2 });
      stage.record(pool);
      const [busy, idle] = [await pool.connect(), await pool.connect()];
      idle.release();
      await until(() => pool.expiredCount === 1 && pool.totalCount === 1);
      stage.counts('expired', pool);
      busy.release();
      stage.counts('released', pool);
      await until(() => pool.totalCount === 0);
      await stage.outcome('goes on', pool.query('SELECT 1 AS one'));
      await pool.end();
    },
  },
  {
    name: 'onConnect, that returns, waits, throws or rejects',
    async run(stage) {
      const hooks = {
        returns: () => stage.see('hook'),
        waits: async (client: { query(text: string): Promise<unknown> }) =>
          stage.see('hook', await client.query('SELECT 7 AS n')),
        throws: () => {
          throw new Error('hook threw');
        },
        rejects: async (client: { query(text: string): Promise<unknown> }) => client.query('SELECT nonsense'),
      };
      for (const [name, onConnect] of Object.entries(hooks)) {
        const pool = stage.pool({ onConnect: onConnect as never, max: 1 });
        stage.record(pool);
        await stage.outcome(`${name} 1`, pool.query('SELECT 1 AS one'));
        await stage.outcome(`${name} 2`, pool.query('SELECT 2 AS two'));
        stage.counts(name, pool);
        await pool.end();
      }
    },
  },
  {
    name: 'verify, that accepts and refuses',
    async run(stage) {
      for (const verdict of [undefined, new Error('unfit')]) {
        const pool = stage.pool({
          max: 1,
          verify: (client, done) => {
            stage.see('verify', client);
            setImmediate(() => done(verdict));
          },
        });
        stage.record(pool);
        await stage.outcome('query', pool.query('SELECT 1 AS one'));
        await stage.outcome(
          'connect',
          pool.connect().then((client) => client.release()),
        );
        stage.counts('after', pool);
        await pool.end();
      }
    },
  },
  {
    name: 'events come in order, before the callback',
    async run(stage) {
      const pool = stage.pool({ max: 1 });
      stage.record(pool);
      await new Promise<void>((resolve) => {
        pool.connect((_error, client, release) => {
          stage.see('callback', client);
          release();
          stage.see('released');
          resolve();
        });
      });
      await pool.query('SELECT 1');
      stage.see('queried');
      await pool.query('SELECT nonsense').catch(() => stage.see('failed'));
      await until(() => pool.totalCount === 0);
      await pool.end();
      stage.see('ended');
    },
  },
  {
    name: 'connect is emitted for successful connections only',
    async run(stage) {
      const pool = stage.pool({ password: 'not the password' });
      stage.record(pool);
      await stage.outcome('query', pool.query('SELECT 1'));
      await stage.outcome('connect', pool.connect());
      stage.counts('after', pool);
      await pool.end();
    },
  },
];
