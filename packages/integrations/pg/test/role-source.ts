import { randomBytes } from 'node:crypto';
import { type Consumer, type Consumption, Secret, type SecretSource } from '@keyturn/core';
import { systemClock } from '@keyturn/core/provider';
import type { PostgresServer } from '../../../../test/servers/postgres.js';
import { SecretValue } from '../../../core/src/model/secret-value.js';

/** How a rotation changes the database: a new role, another password, or two roles by turns. */
export type RotationKind = 'new-role' | 'alter-password' | 'alternating';

export interface RoleSourceOptions {
  readonly kind?: RotationKind;
  readonly drainMs?: number;
  readonly proofMs?: number;
  /** Makes the secret from a role; by default its username and password. */
  readonly secretOf?: (role: Role) => string | Record<string, string>;
}

export interface Role {
  readonly username: string;
  readonly password: string;
}

interface Version extends Role {
  readonly secret: Secret;
}

/**
 * A source of secrets that makes roles in a real PostgreSQL and keeps to the contract of a source to the
 * letter: prepare → publish → adopt → only then is the old role dropped.
 */
export class RoleSource implements SecretSource {
  /** Every role that was made and is to be dropped. */
  readonly roles: string[] = [];
  /** What went wrong behind the scenes, such as an adoption that rejected. */
  readonly faults: unknown[] = [];
  /** Every password that was ever handed out. */
  readonly passwords: string[] = [];
  /** How many versions were fetched. */
  fetched = 0;
  /** How many versions are in service or were. */
  published = 0;
  /** Drains that ran into their deadline. */
  cut = 0;
  /** Makes the next versions useless: their password is not the one in the database. */
  handsOutWrongPasswords = false;
  /** Rejects every fetch, as a store that is down does. */
  isDown = false;
  /** What every fetch waits for, as for a slow store. */
  gate: Promise<void> = Promise.resolve();
  /** Answers every fetch with the version in service, as for a secret that nobody rotates. */
  isFixed = false;
  readonly #server: PostgresServer;
  readonly #options: Required<RoleSourceOptions>;
  readonly #consumers = new Map<Consumer, string | undefined>();
  #held: Version | undefined;
  #loading: Promise<Version> | undefined;
  #draining: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(server: PostgresServer, options: RoleSourceOptions = {}) {
    this.#server = server;
    this.#options = {
      kind: 'new-role',
      drainMs: 20_000,
      proofMs: 10_000,
      secretOf: ({ username, password }) => ({ username, password }),
      ...options,
    };
  }

  /** The role in service. */
  get role(): Role {
    if (this.#held === undefined) throw new Error('no role is in service yet');
    return this.#held;
  }

  consume(_input: unknown, consumer: Consumer): Consumption {
    this.#consumers.set(consumer, undefined);
    return {
      current: async () => {
        if (this.#isClosed) throw new Error('closed');
        const version = this.#held ?? (await this.#load());
        await this.#catchUp(consumer, version);
        return version.secret;
      },
      replace: async (refused) => {
        if (this.#isClosed) throw new Error('closed');
        const version = this.#held?.secret.version === refused ? await this.#load() : this.#held;
        if (version === undefined) throw new Error('nothing to replace');
        await this.#catchUp(consumer, version);
        return version.secret;
      },
      close: () => void this.#consumers.delete(consumer),
    };
  }

  /** Rotates: resolves when the new version is in service, rejects when a consumer cannot use it. */
  async rotate(): Promise<void> {
    await this.#load();
  }

  /** Resolves when every old role that was to be dropped is dropped. */
  async drained(): Promise<void> {
    await this.#draining;
  }

  /** Has the consumers let go, then drops the role in service. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#loading?.catch(() => {});
    await this.#withinDrain((signal) =>
      Promise.all([...this.#consumers.keys()].map((c) => c.release?.(signal))),
    );
    await this.#draining;
    if (this.#held !== undefined) await this.#revoke(this.#held, undefined);
  }

  /** What an operator does: ends the role's sessions, or not, and drops it. */
  async revokeFromOutside({ terminate }: { terminate: boolean }): Promise<void> {
    const { username } = this.role;
    await this.#server.query(`ALTER ROLE ${username} NOLOGIN`);
    if (terminate) {
      await this.#server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
        username,
      ]);
    }
    await this.#server.query(`DROP ROLE ${username}`);
  }

  #load(): Promise<Version> {
    this.#loading ??= this.#fetchAndPublish().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #fetchAndPublish(): Promise<Version> {
    if (this.isDown) throw Object.assign(new Error('the store is down'), { code: 'STORE_DOWN' });
    await this.gate;
    const old = this.#held;
    if (this.isFixed && old !== undefined) {
      this.fetched++;
      return old;
    }
    const next = await this.#fetch();
    const consumers = [...this.#consumers.keys()];
    const proofs = await Promise.allSettled(
      consumers.map((consumer) =>
        this.#within(this.#options.proofMs, (signal) => consumer.prepare?.(next.secret, signal)),
      ),
    );
    const refusal = proofs.find((proof) => proof.status === 'rejected');
    if (refusal !== undefined) {
      await Promise.all(consumers.map((consumer) => consumer.discard?.(next.secret)));
      await this.#revoke(next, old);
      throw refusal.reason;
    }
    this.#held = next;
    this.published++;
    const drained = this.#withinDrain((signal) =>
      Promise.all(
        consumers.map((consumer) => {
          this.#consumers.set(consumer, next.secret.version);
          return consumer.adopt(next.secret, signal);
        }),
      ),
    );
    if (old !== undefined) {
      const revoked = drained.then(() => this.#revoke(old, next));
      this.#draining = Promise.all([this.#draining, revoked]).then(() => {});
    }
    return next;
  }

  async #catchUp(consumer: Consumer, version: Version): Promise<void> {
    if (this.#consumers.get(consumer) === version.secret.version) return;
    await consumer.prepare?.(version.secret, new AbortController().signal);
    this.#consumers.set(consumer, version.secret.version);
    void consumer.adopt(version.secret, new AbortController().signal);
  }

  async #withinDrain(step: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    await this.#within(this.#options.drainMs, step).catch((error: unknown) => {
      if (error === LATE) this.cut++;
      else this.faults.push(error);
    });
  }

  async #within(limitMs: number, step: (signal: AbortSignal) => unknown): Promise<void> {
    const controller = new AbortController();
    const running = Promise.resolve(step(controller.signal));
    const timer = setTimeout(() => controller.abort(LATE), limitMs);
    const late = new Promise((_, reject) => controller.signal.addEventListener('abort', () => reject(LATE)));
    late.catch(() => {});
    running.catch(() => {});
    try {
      await Promise.race([running, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #fetch(): Promise<Version> {
    this.fetched++;
    const password = `canary-${randomBytes(12).toString('hex')}`;
    const { kind, secretOf } = this.#options;
    const username =
      kind === 'new-role'
        ? `lease_${randomBytes(5).toString('hex')}`
        : kind === 'alternating'
          ? `app_${this.fetched % 2}`
          : 'app_static';
    await this.#server.query(
      kind === 'new-role'
        ? `CREATE ROLE ${username} LOGIN PASSWORD '${password}' IN ROLE app_rw`
        : `ALTER ROLE ${username} LOGIN PASSWORD '${password}'`,
    );
    if (kind === 'new-role') this.roles.push(username);
    const handedOut = this.handsOutWrongPasswords ? `${password}-wrong` : password;
    this.passwords.push(handedOut);
    const secret = new Secret(
      'test:database',
      SecretValue.wrap(secretOf({ username, password: handedOut })),
      {
        version: String(this.fetched),
        sentMonotonicMs: systemClock.monotonicMs(),
        expiresWallMs: undefined,
        staleReason: undefined,
        metadata: {},
      },
      systemClock,
    );
    return { username, password: handedOut, secret };
  }

  async #revoke(version: Version, successor: Version | undefined): Promise<void> {
    if (this.#options.kind !== 'new-role' || successor?.username === version.username) return;
    await this.#server.query(`DROP ROLE IF EXISTS ${version.username}`);
  }
}

const LATE = new Error('too late');

/** Prepares a database for a {@link RoleSource}: a group with all rights on one table, and the static roles. */
export async function prepareDatabase(server: PostgresServer): Promise<void> {
  await server.query(`
    CREATE ROLE app_rw;
    CREATE TABLE orders (id bigserial PRIMARY KEY, worker int, amount int NOT NULL);
    INSERT INTO orders (worker, amount) SELECT 0, n FROM generate_series(1, 1000) n;
    CREATE TABLE payroll (id int);
    GRANT SELECT, INSERT, UPDATE, DELETE ON orders TO app_rw;
    GRANT USAGE ON SEQUENCE orders_id_seq TO app_rw;
    CREATE ROLE app_static LOGIN IN ROLE app_rw;
    CREATE ROLE app_0 LOGIN IN ROLE app_rw;
    CREATE ROLE app_1 LOGIN IN ROLE app_rw;
  `);
}
