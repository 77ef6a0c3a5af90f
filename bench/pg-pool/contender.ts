import { testSource } from '@keyturn/core/testing';
import pg from 'pg';

/*
 * A process that queries through one kind of pool for as long as it is told, and answers how many queries it did in
 * a second. A process for each kind, since an application has one: with both in one process, each slows the code
 * that they share for the other.
 */

/** What the process is told when it starts. */
export interface Contest {
  readonly kind: 'pg.Pool' | 'createPool';
  readonly clients: number;
  readonly server: { readonly host: string; readonly port: number; readonly database: string };
  readonly login: { readonly username: string; readonly password: string };
}

const { kind, clients, server, login }: Contest = JSON.parse(process.argv[2] ?? '');
const pool = kind === 'pg.Pool' ? stock() : await ours();

function stock(): pg.Pool {
  return new pg.Pool({ ...server, max: clients, user: login.username, password: login.password });
}

async function ours(): Promise<pg.Pool> {
  // What is published is measured: run from its sources, every closure costs a call that the build does not have.
  const built = new URL('../../packages/integrations/pg/dist/index.js', import.meta.url);
  const { createPool } = (await import(built.href)) as typeof import('@keyturn/pg');
  const source = testSource({ ...login });
  return createPool(source, source.ref, { ...server, max: clients });
}

process.on('message', async (turnMs: number) => {
  const beganMs = performance.now();
  let done = 0;
  const work = async () => {
    for (; performance.now() - beganMs < turnMs; done++) await pool.query('SELECT $1::int AS n', [done]);
  };
  await Promise.all(Array.from({ length: clients }, work));
  process.send?.((done * 1_000) / (performance.now() - beganMs));
});
process.send?.('ready');
