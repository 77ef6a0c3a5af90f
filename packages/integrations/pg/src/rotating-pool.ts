import type { SecretInput, SecretSource } from '@keyturn/core';
import type { Clock } from '@keyturn/core/provider';
import pg from 'pg';
import { isGiven } from './credential.js';
import { isServerFull } from './dead-credential.js';
import { Generation } from './generation.js';
import { Healing, type Settle } from './healing.js';
import { checkInternals, type InnerClient, PgPool, type Waiting } from './pg-internals.js';
import type { RotatingPoolConfig } from './pool-config.js';
import { promised } from './promised.js';
import { rotatingClient } from './rotating-client.js';
import { type Checkout, type Slot, type SlotPool, Slots } from './slots.js';
import { Succession } from './succession.js';
import { Accusations } from './suspicion.js';

/**
 * A `pg.Pool` whose user and password rotate underneath.
 *
 * One pool, not one pool per credential, so that `max` holds across a rotation. Every connection belongs to the
 * generation of the credential that opened it. When another comes into service, the connections of the one
 * before are replaced as they are idle or released; they go on serving meanwhile, since their credential is
 * revoked only after the last of them is gone.
 *
 * What makes a pool a pool is left to pg; this overrides where a connection is opened, refused or taken back.
 */
export class RotatingPool extends PgPool implements SlotPool {
  readonly #clock: Clock;
  readonly #slots: Slots;
  readonly #succession: Succession;
  readonly #accusations: Accusations;
  readonly #healing: Healing;
  /** The generations that refused logins were tried with, by their error. */
  readonly #refusals = new WeakMap<object, Generation>();
  /** The generation that the client being made must use. */
  #forced: Generation | undefined;
  /** The server has refused one more connection, while the rotation is at work. */
  #isServerFull = false;

  /** Use `createPool`. */
  constructor(source: SecretSource, input: SecretInput, config: RotatingPoolConfig, clock: Clock) {
    super(config);
    checkInternals(this);
    this.#clock = clock;
    this.#slots = new Slots(this);
    this.#succession = new Succession({ source, input, pool: this, slots: this.#slots, config, clock });
    this.#accusations = new Accusations(({ generation }) => void this.#succession.replaceSuspect(generation));
    this.#healing = new Healing(this.#accusations, {
      replace: async (generation) => (await this.#succession.replaceSuspect(generation)) && !this.ending,
      run: ({ text, values }, settle) => void super.query(text, values, settle),
    });
    this.Client = rotatingClient(this.Client, {
      next: () => this.#forced ?? this.#succession.next(),
      refused: (client, generation, error) => this.#loginRefused(client, generation, error),
      reported: (client, generation, error) => this.#accusations.consider(client, generation, error),
    });
    this.#describeCredential();
  }

  /** As `pg.Pool`, but a statement that failed because its role is gone is run once more, with a new one. */
  override query(text: unknown, values?: unknown, callback?: unknown): unknown {
    if (typeof text === 'function') return super.query(text, values, callback);
    if (typeof values === 'function') return this.query(text, undefined, values);
    const statement = { text, values };
    if (callback) {
      super.query(text, values, this.#healing.of(statement, callback as Settle));
      return undefined;
    }
    return promised(this.Promise, (settle) => super.query(text, values, this.#healing.of(statement, settle)));
  }

  /** As `pg.Pool`; once it has ended, the secret is followed no more. */
  override end(callback?: () => void): unknown {
    if (this.ending) return super.end(callback);
    const followNoMore = () => this.#succession.close();
    const ended = super.end(
      callback &&
        (() => {
          followNoMore();
          callback();
        }),
    );
    if (ended instanceof this.Promise) ended.then(followNoMore);
    this.#succession.stopProofs();
    return ended;
  }

  /** As `pg.Pool`, but who gets no client that serves, for a reason that the rotation knows of, tries again. */
  override newClient(waiting: Waiting): void {
    const beganAtWork = this.#succession.isAtWork;
    super.newClient({
      get timedOut() {
        return waiting.timedOut;
      },
      callback: (error, client, release) => {
        const refused = this.#refusals.get(error as object);
        if (refused !== undefined) {
          this.#connectWithAnother(waiting, error, refused);
        } else if (isServerFull(error) && (beganAtWork || this.#succession.isAtWork)) {
          this.#isServerFull = this.#succession.isAtWork;
          this.#connectAgain(waiting);
        } else if (client !== undefined && Generation.of(client)?.standing === 'dead') {
          // Its credential was replaced while it logged in.
          release?.();
          this.#connectAgain(waiting);
        } else {
          waiting.callback(error, client, release);
        }
      },
    });
  }

  /**
   * As `pg.Pool`, but places that are held are taken. And when the server has no room, those whose connection
   * the rotation has away wait for it, rather than fail for want of another.
   */
  override _isFull(): boolean {
    const waitsForRoom = this.#isServerFull && this.#succession.isAtWork;
    return waitsForRoom || this._clients.length + this.#slots.claimed >= this.options.max;
  }

  /**
   * As `pg.Pool`, but a place that came free goes to the rotation first. It pulses whenever it has done its work, and
   * then serves all who waited for room at the server.
   */
  override _pulseQueue(): void {
    this.#slots.serve();
    const hasRoomAgain = this.#isServerFull && !this.#succession.isAtWork;
    if (hasRoomAgain) this.#isServerFull = false;
    const served = hasRoomAgain ? this.waitingCount : 0;
    for (let left = Math.max(served, 1); left > 0; left--) super._pulseQueue();
  }

  /** As `pg.Pool`, but a client whose turn it is to leave, leaves. */
  override _release(client: InnerClient, idleListener: () => void, error?: unknown): void {
    const depart = this.ending ? undefined : this.#departure(client, error);
    if (depart === undefined) {
      super._release(client, idleListener, error);
      return;
    }
    const slot = this.#slots.follow(client);
    this._expired.add(client);
    super._release(client, idleListener, error);
    depart(slot);
  }

  open(generation: Generation | undefined): Promise<Checkout> {
    if (this.ending) return Promise.reject(new Error('The pool has ended.'));
    return new Promise((resolve, reject) => {
      this.#forced = generation;
      super.newClient({
        callback: (error, _client, release) => (release && !error ? resolve({ release }) : reject(error)),
      });
      this.#forced = undefined;
    });
  }

  /** What becomes of the place of a released client that shall not serve again; undefined when it shall. */
  #departure(client: InnerClient, error: unknown): ((slot: Promise<Slot>) => void) | undefined {
    const generation = Generation.of(client);
    if (generation === undefined) return undefined;
    if (this.#slots.isWanted) return (slot) => void this.#slots.passOn(slot);
    const isAccused = this.#accusations.on(error) !== undefined;
    if (generation.standing !== 'good' || isAccused || this.#succession.isCandidate(generation)) {
      return (slot) => void slot.then((free) => free.giveBack());
    }
    return generation.isRetired ? this.#succession.changeover.departure() : undefined;
  }

  #loginRefused(client: InnerClient, generation: Generation, error: object): void {
    generation.isRefused = true;
    this.#refusals.set(error, generation);
    void this.#slots.follow(client).then((slot) => slot.giveBack());
  }

  /** For somebody whose login was refused: connects with another credential, or tells him when there is none. */
  #connectWithAnother(waiting: Waiting, error: unknown, refused: Generation): void {
    const answer = (step: () => void) => process.nextTick(() => waiting.timedOut || step());
    const fail = (reason: unknown) => answer(() => waiting.callback(reason, undefined, () => {}));
    this.#inTime(this.#succession.replaceRefused(refused)).then(
      (isReplaced) => (isReplaced && !this.ending ? answer(() => this.#connectAgain(waiting)) : fail(error)),
      fail,
    );
  }

  #connectAgain(waiting: Waiting): void {
    super.connect((error, client, release) => {
      if (!waiting.timedOut) waiting.callback(error, client, release);
      else if (!error) release?.();
    });
  }

  /** Waits for as long as a connection may take, and then rejects as pg does. */
  async #inTime<Result>(result: Promise<Result>): Promise<Result> {
    const limitMs = this.options.connectionTimeoutMillis;
    if (!limitMs) return result;
    const done = new AbortController();
    const late = this.#clock.sleep(limitMs, { signal: done.signal }).then(() => {
      throw new Error('timeout exceeded when trying to connect');
    });
    return Promise.race([result, late]).finally(() => done.abort());
  }

  /** Lets code that reads `pool.options`, or makes a client of its own from them, find the credential in service. */
  #describeCredential(): void {
    // What is assigned to them is ignored: it would last until the next rotation.
    const describe = (name: string, enumerable: boolean, get: () => unknown) =>
      Object.defineProperty(this.options, name, { configurable: true, enumerable, get, set: () => {} });
    describe('user', true, () => this.#succession.inService?.user);
    describe('password', false, () => {
      const generation = this.#succession.inService;
      return async () => generation?.revealPassword();
    });
    for (const name of ['host', 'port', 'database'] as const) {
      if (isGiven(this.options[name])) continue;
      describe(name, true, () => this.#succession.inService?.revealSettings()[name]);
    }
  }
}
Object.defineProperty(RotatingPool, 'name', { value: pg.Pool.name });
