import { EventEmitter } from 'node:events';
import { Secret, type SecretSource } from '@keyturn/core';
import { systemClock } from '@keyturn/core/provider';
import { createPool } from '@keyturn/pg';
import pg from 'pg';
import type { PostgresServer } from '../../../../test/servers/postgres.js';
import { SecretValue } from '../../../core/src/model/secret-value.js';

/** A test body that runs against both pools, and writes down what it sees. */
export interface Scenario {
  readonly name: string;
  run(stage: Stage): Promise<void>;
}

/** All but `remove`, which comes when the server has closed its end: between whatever else is going on. */
const EVENTS = ['connect', 'acquire', 'verify', 'release', 'error'] as const;

/** Where a scenario runs: one kind of pool, and a log of what was seen. */
export class Stage {
  readonly seen: unknown[] = [];
  readonly server: PostgresServer;
  readonly #login: { readonly user: string; readonly password: string };
  readonly #isOurs: boolean;
  readonly #names = new WeakMap<object, string>();
  readonly #pools: pg.Pool[] = [];
  readonly #open = new Set<pg.PoolClient>();
  #removed = 0;
  #clients = 0;

  constructor(server: PostgresServer, login: { user: string; password: string }, isOurs: boolean) {
    this.server = server;
    this.#login = login;
    this.#isOurs = isOurs;
  }

  /** A pool of this stage's kind. */
  pool(config: Omit<pg.PoolConfig, 'password'> & { readonly password?: string } = {}): pg.Pool {
    const { host, port, database } = this.server;
    const { password = this.#login.password, ...rest } = { host, port, database, ...config };
    const pool = this.#isOurs
      ? createPool(fixedSource({ ...this.#login, password }), 'test:login', rest)
      : new pg.Pool({ ...rest, user: this.#login.user, password });
    this.#pools.push(pool);
    pool.on('connect', (client) => this.#open.add(client));
    pool.on('remove', (client) => {
      this.#open.delete(client);
      this.#removed++;
    });
    return pool;
  }

  /** Writes down what was seen. */
  see(...what: unknown[]): void {
    this.seen.push(what.map((item) => this.#describe(item)));
  }

  /** Writes down what became of a promise. */
  async outcome(label: string, promise: Promise<unknown>): Promise<void> {
    const result = await promise.then(
      (value) => ['resolved', value],
      (error) => ['rejected', error],
    );
    this.see(label, ...result);
  }

  /** Writes down every event of `pool`. */
  record(pool: pg.Pool): void {
    for (const event of EVENTS) {
      (pool as EventEmitter).on(event, (...args: unknown[]) => this.see(`event ${event}`, ...args));
    }
  }

  /** Writes down all that a pool counts. */
  counts(label: string, pool: pg.Pool): void {
    const { totalCount, idleCount, waitingCount, expiredCount, ending, ended } = pool;
    this.see(label, { totalCount, idleCount, waitingCount, expiredCount, ending, ended });
  }

  /** Waits until every connection is closed, and writes down how many were. */
  async settled(): Promise<void> {
    await until(() => this.#open.size === 0);
    this.see('removed', this.#removed);
  }

  /** Ends whatever a scenario left open. */
  async close(): Promise<void> {
    for (const pool of this.#pools) {
      const { _clients } = pool as unknown as { readonly _clients: readonly pg.Client[] };
      if (!pool.ending) void pool.end();
      pool.on('error', () => {});
      for (const client of [..._clients]) client.on('error', () => {}).connection.stream.destroy();
    }
  }

  #describe(item: unknown): unknown {
    if (item instanceof pg.Client) {
      const name = this.#names.get(item) ?? `client ${++this.#clients}`;
      this.#names.set(item, name);
      return name;
    }
    if (item instanceof Error) {
      const { name, message, code } = item as Error & { code?: unknown };
      const cause = item.cause === undefined ? {} : { cause: this.#describe(item.cause) };
      return { error: name, message: message.replaceAll(/port \d+/g, 'port'), code, ...cause };
    }
    if (isResult(item)) {
      const { command, rowCount, rows } = item as pg.QueryResult;
      return { command, rowCount, rows };
    }
    if (typeof item === 'function') return 'a function';
    if (item instanceof EventEmitter) return item.constructor.name;
    return item;
  }
}

function isResult(item: unknown): boolean {
  return typeof item === 'object' && item !== null && 'rows' in item && 'command' in item;
}

/** Resolves when `event` is emitted, `times` times. */
export function emitted(emitter: EventEmitter, event: string, times = 1): Promise<void> {
  return new Promise((resolve) => {
    let left = times;
    const count = () => {
      left--;
      if (left > 0) return;
      emitter.off(event, count);
      resolve();
    };
    emitter.on(event, count);
  });
}

/** Resolves when `condition` holds; rejects when it does not within `limitMs`. */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Lets all that is ready to run, run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A source whose secret never changes. */
export function fixedSource(fields: Record<string, string> | string): SecretSource {
  const secret = secretOf(fields, '1');
  return {
    consume(_input, consumer) {
      let adopting: Promise<void> | undefined;
      const current = async () => {
        adopting ??= (async () => {
          await consumer.prepare?.(secret, new AbortController().signal);
          await consumer.adopt(secret, new AbortController().signal);
        })();
        await adopting;
        return secret;
      };
      return { current, replace: current, close: () => {} };
    },
  };
}

/** A secret of the test's own. */
export function secretOf(content: Record<string, string> | string, version: string): Secret {
  const facts = {
    version,
    sentMonotonicMs: systemClock.monotonicMs(),
    expiresWallMs: undefined,
    staleReason: undefined,
    metadata: {},
  };
  return new Secret('test:database', SecretValue.wrap(content), facts, systemClock);
}
