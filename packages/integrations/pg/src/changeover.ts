import type { Clock } from '@keyturn/core/provider';
import { isServerFull } from './dead-credential.js';
import { Generation } from './generation.js';
import type { InnerClient, Release } from './pg-internals.js';
import type { Slot, SlotPool, Slots } from './slots.js';

/** How long a hand rests after it could not open a connection, while the old ones go on serving. */
const REST_MS = 1_000;

/**
 * Replaces the connections of retired generations by new ones, a few at a time: as many at once as it has
 * hands, so that most of the pool serves at any moment and the server sees no burst of logins. The pool is as
 * large afterwards as it was before.
 *
 * Where there is room the new connection is opened before the old one goes; where there is none, under `max` or
 * at the server, the old one goes first, when it is idle or released. While a connection is missing because
 * none can be opened, the old ones stay.
 */
export class Changeover {
  readonly #pool: SlotPool;
  readonly #slots: Slots;
  readonly #clock: Clock;
  readonly #hands: number;
  /** Hands at work. */
  #busy = 0;
  /** Of these, how many wait for a place. */
  #placing = 0;
  /** Of these, how many wait for their connection. */
  #opening = 0;
  /** How many clients the pool is to have afterwards. */
  #size = 0;
  #isServerFull = false;

  constructor(pool: SlotPool, slots: Slots, clock: Clock, hands: number) {
    this.#pool = pool;
    this.#slots = slots;
    this.#clock = clock;
    this.#hands = hands;
  }

  /** Sets to work on a pool that already has `extra` clients more than before. */
  begin(extra: number): void {
    if (this.#busy === 0) this.#size = this.#open - extra;
    this.#isServerFull = false;
    this.#advance();
  }

  /** Whether a hand is at work, or rests. */
  get isBusy(): boolean {
    return this.#busy > 0;
  }

  /** What becomes of the place of an old client that is released; undefined when it is not its turn to leave. */
  departure(): ((place: Promise<Slot>) => void) | undefined {
    if (this.#hasSpare) return (place) => void place.then((slot) => slot.giveBack());
    if (!this.#hasHand) return undefined;
    if (this.#total >= this.#size) return (place) => void this.#fill(place);
    // One is missing: it stays, and another attempt is made.
    const free = this.#slots.free();
    if (free !== undefined) void this.#fill(free);
    return undefined;
  }

  /** Goes on with what is idle. Those in use are met when they are released. */
  #advance(): void {
    for (let idle = this.#staleIdle(); !this.#pool.ending; idle = this.#staleIdle()) {
      const [client] = idle;
      const ahead = this.#total - this.#size;
      if (client === undefined || (!this.#hasSpare && (!this.#hasHand || idle.length <= ahead))) return;
      const opensFirst = ahead < 0 || !(this.#hasSpare || this.#isServerFull);
      const free = opensFirst ? this.#slots.free() : undefined;
      if (free !== undefined) void this.#fill(free);
      else if (ahead < 0) return;
      else this.departure()?.(this.#slots.vacate(client));
    }
  }

  get #hasHand(): boolean {
    return this.#busy < this.#hands;
  }

  /** How many clients have their connection. */
  get #open(): number {
    return this.#pool._clients.filter(Generation.hasOpened).length;
  }

  /** How many will have it when all hands have done their work. */
  get #total(): number {
    return this.#open + this.#placing + this.#opening;
  }

  /** Whether there are clients enough without one of the old. */
  get #hasSpare(): boolean {
    return this.#open > this.#size;
  }

  async #fill(place: Slot | Promise<Slot>): Promise<void> {
    this.#busy++;
    const isDone = await this.#connect(place);
    if (!isDone) await this.#clock.sleep(REST_MS);
    this.#busy--;
    this.#advance();
    if (!this.isBusy) process.nextTick(() => this.#pool._pulseQueue());
  }

  /** Opens a client in `place`: says whether to go on at once. */
  async #connect(place: Slot | Promise<Slot>): Promise<boolean> {
    this.#placing++;
    const slot = await place;
    this.#placing--;
    this.#opening++;
    try {
      const { release } = await slot.fill();
      this.#opening--;
      await handOver(release);
      return true;
    } catch (error) {
      this.#opening--;
      return isServerFull(error) && this.#adaptToFullServer();
    }
  }

  /** Opens none ahead any more; and when even the place of one that went is taken by others, does without it. */
  #adaptToFullServer(): boolean {
    const isNews = !this.#isServerFull;
    if (!isNews) this.#size = Math.min(this.#size, this.#total);
    this.#isServerFull = true;
    return isNews;
  }

  #staleIdle(): InnerClient[] {
    return this.#pool._idle
      .map(({ client }) => client)
      .filter((client) => Generation.of(client)?.isRetired === true);
  }
}

/** Gives a client to the pool, outside of any promise: who waits for it is the application, and may throw. */
function handOver(release: Release): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(() => {
      resolve();
      release();
    });
  });
}
