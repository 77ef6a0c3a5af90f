import { Generation } from './generation.js';
import type { InnerClient, InnerPool, Release } from './pg-internals.js';

/** A client that the rotation itself has checked out. */
export interface Checkout {
  readonly release: Release;
}

/** What {@link Slots} needs of the pool: opening a client past those who wait for one. */
export interface SlotPool extends InnerPool {
  /** Opens a client with `generation`, or with the one in service, in a place that is free. */
  open(generation: Generation | undefined): Promise<Checkout>;
}

/**
 * The places under `max`, and those of them that are held: by a connection that is closing, for another that
 * comes in its place.
 *
 * pg forgets a client when it begins to close, while the server still counts its connection. Holding the place
 * until the socket is closed is what keeps a swap from ever going over `max`.
 */
export class Slots {
  readonly #pool: SlotPool;
  readonly #wanting = new Set<(slot: Slot) => void>();
  #held = 0;
  /** Places on their way to those who want one. */
  #coming = 0;

  constructor(pool: SlotPool) {
    this.#pool = pool;
  }

  /** How many places are held, or shall be as soon as they come free. */
  get claimed(): number {
    return this.#held + this.#wanted;
  }

  /** Whether the pool has no client at all, whose place could be taken over. */
  get areEmpty(): boolean {
    return this.#pool._clients.length === 0;
  }

  /** Whether the place of the next client that is released is wanted. */
  get isWanted(): boolean {
    return this.#wanted > 0;
  }

  /** A place that nobody has. */
  free(): Slot | undefined {
    return this.#pool._isFull() ? undefined : this.#hold();
  }

  /** Takes over the place of a client that is about to leave the pool, once its connection is closed. */
  async follow(client: InnerClient): Promise<Slot> {
    const slot = this.#hold();
    await Generation.of(client)?.closed(client);
    return slot;
  }

  /** Ends an idle client for its place. */
  vacate(client: InnerClient): Promise<Slot> {
    const slot = this.follow(client);
    this.#pool._remove(client);
    return slot;
  }

  /** The place of an idle client, or of the next that is released; undefined when `signal` aborts before. */
  takeOver(signal: AbortSignal): Promise<Slot | undefined> {
    return new Promise((resolve) => {
      const take = (slot: Slot | undefined) => {
        this.#wanting.delete(take);
        signal.removeEventListener('abort', giveUp);
        resolve(slot);
      };
      const giveUp = () => take(undefined);
      if (signal.aborted) return giveUp();
      signal.addEventListener('abort', giveUp, { once: true });
      this.#wanting.add(take);
      const [idle] = this.#pool._idle;
      if (idle !== undefined) void this.passOn(this.vacate(idle.client));
    });
  }

  /** Gives a place that comes to the first who wants one; back to the pool when nobody does any more. */
  async passOn(coming: Promise<Slot>): Promise<void> {
    this.#coming++;
    const slot = await coming;
    this.#coming--;
    const [first] = this.#wanting;
    if (first === undefined) slot.giveBack();
    else first(slot);
  }

  /** Gives the places that have come free to those who want one, before anybody else gets them. */
  serve(): void {
    for (const take of this.#wanting) {
      if (this.#wanted === 0 || this.#pool._clients.length + this.#held >= this.#pool.options.max) return;
      take(this.#hold());
    }
  }

  get #wanted(): number {
    return this.#wanting.size - this.#coming;
  }

  #hold(): Slot {
    this.#held++;
    return new Slot(this.#pool, () => {
      this.#held--;
    });
  }
}

/** One held place. It is given back or filled, once. */
export class Slot {
  readonly #pool: SlotPool;
  #letGo: (() => void) | undefined;

  /** Made by {@link Slots}. */
  constructor(pool: SlotPool, letGo: () => void) {
    this.#pool = pool;
    this.#letGo = letGo;
  }

  /** Opens a client in this place. Rejects with what pg says when it cannot; the place is the pool's again then. */
  fill(generation?: Generation): Promise<Checkout> {
    this.#end();
    return this.#pool.open(generation);
  }

  /** Leaves the place to whoever waits for a client. */
  giveBack(): void {
    this.#end();
    // Those who wait are the application's: what they throw is not for the promises of the rotation.
    process.nextTick(() => this.#pool._pulseQueue());
  }

  #end(): void {
    this.#letGo?.();
    this.#letGo = undefined;
  }
}
