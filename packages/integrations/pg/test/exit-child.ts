import { createPool } from '@keyturn/pg';
import pg from 'pg';
import type { PostgresServer } from '../../../../test/servers/postgres.js';
import { RoleSource } from './role-source.js';

/** A process that uses a pool, leaves it in the way that its argument says, and must end by itself. */
const {
  PGHOST: host = '',
  PGPORT: port,
  PGDATABASE: database = '',
  SUPERUSER: user,
  SUPERUSER_PASSWORD: password,
} = process.env;
const admin = new pg.Pool({ host, port: Number(port), database, user, password, allowExitOnIdle: true });
const server = { query: async (text: string, values?: unknown[]) => (await admin.query(text, values)).rows };
const source = new RoleSource(server as unknown as PostgresServer);
const how = process.argv[2];

const pool = createPool(source, 'test:database', {
  host,
  port: Number(port),
  database,
  allowExitOnIdle: how === 'idle',
});
await Promise.all(Array.from({ length: 20 }, () => pool.query('SELECT 1')));
await source.rotate();
await source.drained();
await pool.query('SELECT 1');
if (how === 'end') await pool.end();
if (how === 'rotate') {
  const rotated = source.rotate();
  await pool.end();
  await rotated;
}
console.log('done');
