import type { HostClock, Timer } from '../time/clock.js';

/** A task on the queue. */
export interface Ticket {
  readonly atMs: number;
  readonly run: () => void;
  /** Its place in the heap; −1 once it has run or was cancelled. */
  place: number;
}

/** The longest the queue sleeps: how late it can notice that the host was suspended, in milliseconds. */
const SLICE_MS = 60_000;

/**
 * Tasks in order of time, over one host timer: ten thousand leases cost one timer, and an idle queue none.
 *
 * A binary heap that knows each ticket's place, so that cancelling is logarithmic too. The host timer is armed
 * for at most 60 s at a time, which also keeps any delay within what a host timer can count (2^31 − 1 ms).
 */
export class TimerQueue {
  readonly #clock: HostClock;
  /** Whether no host timer is armed, and reads begin what is due. */
  readonly isLazy: boolean;
  readonly #heap: Ticket[] = [];
  #timer: Timer | undefined;
  #armedForMs = Number.POSITIVE_INFINITY;
  #closed = false;

  /** @param isLazy arms no host timer: whoever reads calls `runDue` instead */
  constructor(clock: HostClock, isLazy = false) {
    this.#clock = clock;
    this.isLazy = isLazy;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Runs `run` once at `atMs` on the steady clock, or as soon after as the host allows. */
  schedule(atMs: number, run: () => void): Ticket {
    const ticket: Ticket = { atMs, run, place: -1 };
    if (this.#closed) return ticket;
    this.#heap.push(ticket);
    this.#rise(this.#heap.length - 1, ticket);
    this.#arm();
    return ticket;
  }

  /** Whether a task is still to run. */
  has(ticket: Ticket | undefined): ticket is Ticket {
    return ticket !== undefined && ticket.place !== -1;
  }

  /** Runs what is due at `nowMs`, where no timer does. */
  runDue(nowMs: number): void {
    if (this.isLazy) this.#run(nowMs);
  }

  /** Takes a task off the queue. Harmless when it has run. */
  cancel(ticket: Ticket | undefined): void {
    if (!this.has(ticket)) return;
    this.#remove(ticket.place);
    if (this.#heap.length === 0) this.#disarm();
  }

  /** Drops every task; none is accepted any more. */
  close(): void {
    this.#closed = true;
    for (const ticket of this.#heap) ticket.place = -1;
    this.#heap.length = 0;
    this.#disarm();
  }

  #arm(): void {
    const first = this.#heap[0];
    if (this.isLazy || first === undefined || first.atMs >= this.#armedForMs) return;
    this.#disarm();
    this.#armedForMs = first.atMs;
    const delayMs = Math.min(SLICE_MS, Math.max(0, Math.ceil(first.atMs - this.#clock.monotonicMs())));
    this.#timer = this.#clock.arm(delayMs, () => this.#tick());
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedForMs = Number.POSITIVE_INFINITY;
  }

  #tick(): void {
    this.#disarm();
    this.#run(this.#clock.monotonicMs());
    this.#arm();
  }

  #run(nowMs: number): void {
    for (let first = this.#heap[0]; first !== undefined && first.atMs <= nowMs; first = this.#heap[0]) {
      this.#remove(0);
      first.run();
    }
  }

  #remove(place: number): void {
    const removed = this.#heap[place] as Ticket;
    const last = this.#heap.pop() as Ticket;
    removed.place = -1;
    if (last === removed) return;
    if (!this.#sink(place, last)) this.#rise(place, last);
  }

  #rise(from: number, ticket: Ticket): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above] as Ticket;
      if (parent.atMs <= ticket.atMs) break;
      this.#set(place, parent);
      place = above;
    }
    this.#set(place, ticket);
  }

  #sink(from: number, ticket: Ticket): boolean {
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      const right = left + 1;
      const leftTicket = this.#heap[left];
      const rightTicket = this.#heap[right];
      if (leftTicket === undefined) break;
      const below = rightTicket !== undefined && rightTicket.atMs < leftTicket.atMs ? right : left;
      const child = this.#heap[below] as Ticket;
      if (child.atMs >= ticket.atMs) break;
      this.#set(place, child);
      place = below;
    }
    this.#set(place, ticket);
    return place !== from;
  }

  #set(place: number, ticket: Ticket): void {
    this.#heap[place] = ticket;
    ticket.place = place;
  }
}
