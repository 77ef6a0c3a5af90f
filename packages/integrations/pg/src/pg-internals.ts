import type { EventEmitter } from 'node:events';
import { SecretsError } from '@keyturn/core';
import pg from 'pg';

/*
 * The inner workings of pg that a rotation needs, and nothing more of them. Unchanged since pg 8.11 (pg-pool
 * 3.6); `checkInternals` refuses a version that lacks one rather than leave a pool half rotated.
 */

export type Release = (error?: Error | boolean) => void;

/** Somebody who waits for a client; `timedOut` is set when he does no more. */
export interface Waiting {
  readonly timedOut?: boolean | undefined;
  callback(error: unknown, client?: InnerClient, release?: Release): void;
}

export interface InnerPool extends EventEmitter {
  readonly options: pg.PoolOptions;
  readonly ending: boolean;
  /** How many wait for a client. */
  readonly waitingCount: number;
  Client: InnerClientConstructor;
  readonly Promise: PromiseConstructor;
  connect(callback: Waiting['callback']): void;
  query(text: unknown, values?: unknown, callback?: unknown): unknown;
  end(callback?: () => void): unknown;
  /** All clients that have a place, connected or connecting. */
  readonly _clients: readonly InnerClient[];
  /** Those that nobody has checked out, the least recently used first. */
  readonly _idle: readonly { readonly client: InnerClient }[];
  /** Those that end when they are released next. */
  readonly _expired: WeakSet<InnerClient>;
  newClient(waiting: Waiting): void;
  /** Whether there is no place for one more client. */
  _isFull(): boolean;
  /** Serves the first who waits, if it can. */
  _pulseQueue(): void;
  /** Takes a client's place away and ends it. */
  _remove(client: InnerClient): void;
  /** Takes a client back from who had checked it out. */
  _release(client: InnerClient, idleListener: () => void, error?: unknown): void;
}

export type InnerClient = Omit<pg.PoolClient, 'connection' | 'connect' | 'end'> & {
  /** Absent from the native client. */
  readonly connection?: EventEmitter & {
    readonly stream: EventEmitter & { destroy(error?: Error): void };
    ssl?: unknown;
    sslNegotiation?: unknown;
  };
  readonly connectionParameters: object;
  /** Whether `end()` was called. */
  readonly _ending?: boolean;
  connect(callback?: ConnectCallback): unknown;
  end(): unknown;
};

export type ConnectCallback = (error: unknown, client?: unknown) => void;
export type InnerClientConstructor = new (config?: pg.ClientConfig) => InnerClient;

/** The caller's own `pg.Pool`, seen from inside. */
export const PgPool = pg.Pool as unknown as new (config?: pg.PoolConfig) => InnerPool;

/**
 * Makes sure that this copy of pg can be rotated underneath.
 *
 * @throws SecretsError `unsupported`
 */
export function checkInternals(pool: InnerPool): void {
  const missing = (['newClient', '_isFull', '_pulseQueue', '_remove', '_release'] as const).find(
    (name) => typeof pool[name] !== 'function',
  );
  const isWhole =
    Array.isArray(pool._clients) && Array.isArray(pool._idle) && pool._expired instanceof WeakSet;
  if (missing === undefined && isWhole) return;
  throw new SecretsError('unsupported', {
    problem: `This version of pg has another kind of pool (${missing ?? 'its lists'} is not what it was).`,
    remedy: 'Install a version of pg in the range of the peer dependency of @keyturn/pg.',
  });
}
