import { fakeClock } from '@keyturn/core/testing';
import { createDevServer } from '@keyturn/dev-server';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { requireServer, startOpenBao } from '../../servers/openbao.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { type RawClient, rawClient } from './raw-client.js';

/** A server under contract, fresh for each suite. */
export interface ContractServer {
  readonly call: RawClient;
  readonly rootToken: string;
  readonly unsealKey: string;
  /** Present where the suite asked for it. */
  readonly postgres: PostgresServer;
  /**
   * Lets time pass until `condition` holds: the dev server's clock is moved, a real server is asked again and again.
   * Fails after `withinSeconds`.
   */
  eventually(condition: () => Promise<boolean>, withinSeconds?: number): Promise<void>;
  /** Gets to this part of a second (in milliseconds), so that ttls cut to seconds come out the same. */
  align(fromMs: number): Promise<void>;
}

type Running = Omit<ContractServer, 'postgres'> & { stop(): Promise<void> };

const TARGETS = [
  { name: 'dev server', needs: [], start: startDev },
  { name: 'OpenBao', needs: ['openbao'], start: startBao },
] as const;

/** Runs one suite against the dev server and against a real OpenBao. */
export function contractSuite(
  title: string,
  { postgres: needsPostgres = false }: { readonly postgres?: boolean },
  define: (server: () => ContractServer) => void,
): void {
  for (const { name, needs, start } of TARGETS) {
    const required = [...needs, ...(needsPostgres ? (['postgres'] as const) : [])];
    describe.skipIf(!requireServer(...required))(`${title}: ${name}`, () => {
      let running: Running;
      let database: PostgresServer | undefined;
      beforeAll(async () => {
        [running, database] = await Promise.all([start(), needsPostgres ? startPostgres() : undefined]);
      });
      afterAll(async () => {
        await running?.stop();
        await database?.stop();
      });
      define(() => ({
        ...running,
        get postgres() {
          if (database === undefined) throw new Error('this suite asked for no PostgreSQL');
          return database;
        },
      }));
    });
  }
}

/** Mounts the database engine on the suite's PostgreSQL, as `database/config/main`. */
export async function mountDatabase({ call, postgres }: ContractServer): Promise<void> {
  const { host, port, superuser, password, database } = postgres;
  expect((await call('POST', 'sys/mounts/database', { body: { type: 'database' } })).status).toBe(204);
  const configured = await call('POST', 'database/config/main', {
    body: {
      plugin_name: 'postgresql-database-plugin',
      connection_url: `postgresql://{{username}}:{{password}}@${host}:${port}/${database}?sslmode=disable`,
      username: superuser,
      password,
      allowed_roles: '*',
    },
  });
  expect(configured.status).toBe(204);
}

/** The creation statements of a role that may log in. */
export const LOGIN_ROLE = [
  `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';`,
];

async function startDev(): Promise<Running> {
  // Not on a whole second: a server in real life never starts on one. Near the present, because PostgreSQL
  // compares VALID UNTIL with its own clock.
  const clock = fakeClock({ wallMs: Math.floor(Date.now() / 1000) * 1000 + 300 });
  const server = await createDevServer({ clock }).start();
  return {
    call: rawClient(server.address, server.rootToken),
    rootToken: server.rootToken,
    unsealKey: server.unsealKey,
    async eventually(condition, withinSeconds = 20) {
      for (let passedMs = 0; passedMs <= withinSeconds * 1000; passedMs += 250) {
        if (await condition()) return;
        await clock.advance(250);
        await server.settled();
      }
      throw new Error(`not within ${withinSeconds} s`);
    },
    align: (fromMs) => clock.advance((1_000 + fromMs - (clock.wallMs() % 1_000)) % 1_000),
    stop: () => server.close(),
  };
}

async function startBao(): Promise<Running> {
  const server = await startOpenBao();
  return {
    call: rawClient(server.address, server.rootToken),
    rootToken: server.rootToken,
    unsealKey: /Unseal Key: (\S+)/.exec(server.output())?.[1] ?? '',
    async eventually(condition, withinSeconds = 20) {
      await expect.poll(condition, { timeout: withinSeconds * 1000, interval: 100 }).toBe(true);
    },
    async align(fromMs) {
      const late = () => (1_000 + (Date.now() % 1_000) - fromMs) % 1_000;
      await expect.poll(late, { timeout: 3_000, interval: 20 }).toBeLessThan(200);
    },
    stop: () => server.stop(),
  };
}
