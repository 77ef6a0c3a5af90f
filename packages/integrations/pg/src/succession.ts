import {
  type Rotating,
  rotating,
  type Secret,
  type SecretInput,
  type SecretSource,
  SecretsError,
} from '@keyturn/core';
import type { Clock } from '@keyturn/core/provider';
import pg from 'pg';
import { Changeover } from './changeover.js';
import { type Credential, credentialOf } from './credential.js';
import { Generation } from './generation.js';
import { missingDatabase, type RotatingPoolConfig } from './pool-config.js';
import { prove } from './proof.js';
import type { SlotPool, Slots } from './slots.js';

/** What {@link Succession} stands on. */
export interface SuccessionParts {
  readonly source: SecretSource;
  readonly input: SecretInput;
  readonly pool: SlotPool;
  readonly slots: Slots;
  readonly config: RotatingPoolConfig;
  readonly clock: Clock;
}

/** Which generation is in service, and how one follows another. */
export class Succession {
  readonly changeover: Changeover;
  readonly #credentials: Rotating<Generation>;
  readonly #pool: SlotPool;
  readonly #slots: Slots;
  readonly #config: RotatingPoolConfig;
  readonly #clock: Clock;
  readonly #ending = new AbortController();
  #count = 0;
  #proving = false;
  /** Clients that wait for a credential: they have a place, and no connection. */
  #waiting = 0;

  constructor({ source, input, pool, slots, config, clock }: SuccessionParts) {
    this.#pool = pool;
    this.#slots = slots;
    this.#config = config;
    this.#clock = clock;
    this.changeover = new Changeover(pool, slots, clock, handsFor(pool.options.max));
    this.#credentials = rotating(source, input, {
      open: (secret, signal) => this.#admit(secret, signal),
      close: (generation, signal) => this.#drain(generation, signal),
    });
  }

  /** The generation in service, as far as it is known; undefined before the first. */
  get inService(): Generation | undefined {
    return this.#credentials.peek();
  }

  /** Whether it has connections away from the pool: to prove a credential, or to replace them. */
  get isAtWork(): boolean {
    return this.#proving || this.#slots.claimed > 0 || this.changeover.isBusy;
  }

  /** The generation to open a connection with: after a refusal, the one that replaces it, if one can be had. */
  async next(): Promise<Generation> {
    this.#waiting++;
    try {
      const held = this.inService;
      if (held?.isRefused) await this.#credentials.replace(held).catch(() => {});
      return await this.#credentials.current();
    } finally {
      this.#waiting--;
    }
  }

  /** Whether a generation is not in service yet. */
  isCandidate(generation: Generation): boolean {
    return generation !== this.inService && !generation.isRetired;
  }

  /** Replaces a generation that the server refused: says whether there is another. */
  async replaceRefused(generation: Generation): Promise<boolean> {
    const next = await this.#credentials.replace(generation).catch(() => generation);
    return next !== generation;
  }

  /**
   * Replaces a generation whose role may be gone: says whether there is another. Once for each generation, and
   * its idle connections serve nobody until that is decided: a transaction would fail on each of them. One that is
   * not in service yet is decided by its proof.
   */
  replaceSuspect(generation: Generation): Promise<boolean> {
    if (this.isCandidate(generation)) return Promise.resolve(false);
    generation.trial ??= this.#trial(generation);
    return generation.trial;
  }

  /** The pool ends: proofs take no places any more. */
  stopProofs(): void {
    this.#ending.abort();
  }

  /** Follows the secret no more. */
  close(): void {
    this.#credentials.close().catch(() => {});
  }

  async #trial(generation: Generation): Promise<boolean> {
    generation.standing = 'suspected';
    this.#evictIdle(generation);
    const isReplaced = await this.replaceRefused(generation);
    generation.standing = isReplaced ? 'dead' : 'good';
    return isReplaced;
  }

  /**
   * A new version of the secret: proves it while the one before serves. The connection that proved it joins the pool
   * when that is all. When other consumers of the secret are still at it, it closes: they may take their time or turn
   * the version down, and its place may be the only one.
   */
  async #admit(secret: Secret, signal: AbortSignal): Promise<Generation> {
    const candidate = new Generation(++this.#count, this.#checked(credentialOf(secret), secret.ref));
    if (this.#pool.ending || this.#hasNothingToLose()) return candidate;
    this.#proving = true;
    try {
      const proof = await prove(candidate, {
        slots: this.#slots,
        clock: this.#clock,
        ref: secret.ref,
        signal,
        enough: this.#ending.signal,
      });
      candidate.isExtra = proof?.isExtra === true;
      // By then it is in service, if nobody else has to prove it.
      process.nextTick(() => {
        candidate.isExtra &&= !this.isCandidate(candidate);
        proof?.release();
      });
    } finally {
      this.#proving = false;
      // Who waits because the server had no room, waits for the end of this.
      process.nextTick(() => this.#pool._pulseQueue());
    }
    return candidate;
  }

  #checked(credential: Credential, ref: string): Credential {
    const database = this.#config.database || credential.settings.database;
    if (database || process.env.PGDATABASE || pg.defaults.database) return credential;
    throw missingDatabase(ref);
  }

  /**
   * Whether clients wait for this very credential and no connection can be made without it. They try it
   * themselves then: a proof would only take a place from them.
   */
  #hasNothingToLose(): boolean {
    if (this.#waiting === 0) return false;
    const held = this.inService;
    return held === undefined || held.isRefused || this.#waiting >= this.#pool.options.max;
  }

  /**
   * `generation` serves no more: resolves when its last connection is closed. When `signal` aborts, its role is
   * about to go: what is still in use is cut off.
   */
  async #drain(generation: Generation, signal: AbortSignal): Promise<void> {
    const { inService } = this;
    // One that is to go at once was never in service, and serves nobody: it closes without a word.
    const reason = signal.aborted ? undefined : stillInUse();
    const emptied = generation.retire();
    if (inService === generation || signal.aborted) generation.standing = 'dead';
    if (generation.standing === 'good') this.changeover.begin(inService?.isExtra ? 1 : 0);
    else this.#evictIdle(generation);

    const cutOff = () => {
      generation.standing = 'dead';
      this.#evictIdle(generation);
      generation.cut(reason);
    };
    signal.addEventListener('abort', cutOff, { once: true });
    if (signal.aborted) cutOff();
    await emptied;
    signal.removeEventListener('abort', cutOff);
  }

  #evictIdle(generation: Generation): void {
    for (const { client } of [...this.#pool._idle]) {
      if (Generation.of(client) !== generation) continue;
      void this.#slots.vacate(client).then((slot) => slot.giveBack());
    }
  }
}

/** How many connections are replaced at a time: the rest serves, and a login costs both machines milliseconds. */
function handsFor(max: number): number {
  return Math.min(4, Math.ceil(max / 5));
}

function stillInUse(): SecretsError {
  return new SecretsError('timeout', {
    problem:
      'The connection was still in use when the drain of its rotated credential ended, and was cut off.',
    remedy: 'Hold connections for less time, or raise rotation.drainTimeout of createSecrets.',
  });
}
