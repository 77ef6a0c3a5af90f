import { testIntegration } from '@keyturn/core/testing';
import { createPool } from '@keyturn/pg';
import pg from 'pg';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../../test/servers/postgres.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { prepareDatabase } from './role-source.js';

describe.skipIf(!requireServer('postgres'))('what every integration passes', () => {
  let server: PostgresServer;
  let roles = 0;

  beforeAll(async () => {
    server = await startPostgres();
    await prepareDatabase(server);
  });
  afterAll(() => server.stop());

  testIntegration({ describe, it }, 'pg', () => ({
    max: 5,
    backend: {
      async issue() {
        const username = `app_issued_${++roles}`;
        const password = `canary-${Math.random()}`;
        await server.query(
          `CREATE ROLE ${username} LOGIN PASSWORD ${pg.escapeLiteral(password)} IN ROLE app_rw`,
        );
        return { data: { username, password }, holder: username, secrets: [password] };
      },
      async revoke({ holder }) {
        await server.query(`ALTER ROLE ${holder} NOLOGIN`);
        await server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
          holder,
        ]);
        await server.query(`DROP ROLE ${holder}`);
      },
      async liveConnections(holder) {
        const [row] = await server.query(
          "SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename LIKE 'app_issued_%' AND usename = coalesce($1, usename)",
          [holder],
        );
        return row.n;
      },
    },
    open(source, ref) {
      const { host, port, database } = server;
      const pool = createPool(source, ref, { host, port, database, max: 5 });
      pool.on('error', () => {});
      return {
        use: async () =>
          (await pool.query('SELECT current_user AS holder FROM orders LIMIT 1')).rows[0].holder,
        async begin() {
          const client = await pool.connect();
          await client.query('BEGIN');
          return {
            use: async () => (await client.query('SELECT current_user AS holder FROM orders')).rows[0].holder,
            async end() {
              await client.query('COMMIT');
              client.release();
            },
          };
        },
        async close() {
          if (!pool.ending) await pool.end();
        },
        exposed: [pool],
      };
    },
  }));
});
