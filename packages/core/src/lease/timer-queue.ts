import type { HostClock, Timer } from '../time/clock.js';

/** What can be put on the queue, once at a time: it has its place there itself, so that ten thousand cost little more. */
export interface Task {
  /** When it is due; the queue's to set. */
  atMs: number;
  /** Its place in the heap, −1 when it is not on the queue; the queue's to set. */
  place: number;
  run(): void;
}

/** The longest the queue sleeps: how late it can notice that the host was suspended, in milliseconds. */
const SLICE_MS = 60_000;

/**
 * Tasks in order of time, over one host timer: ten thousand leases cost one timer, and an idle queue none.
 *
 * A binary heap of tasks that know their places, so that cancelling is logarithmic too. The host timer is armed
 * for at most 60 s at a time, which also keeps any delay within what a host timer can count (2^31 − 1 ms).
 */
export class TimerQueue {
  readonly #clock: HostClock;
  /** Whether no host timer is armed, and reads begin what is due. */
  readonly isLazy: boolean;
  readonly #heap: Task[] = [];
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

  /** Runs `task` once at `atMs` on the steady clock, or as soon after as the host allows; in the place of when it was due. */
  put(task: Task, atMs: number): void {
    this.cancel(task);
    if (this.#closed) return;
    task.atMs = atMs;
    this.#heap.push(task);
    this.#rise(this.#heap.length - 1, task);
    this.#arm();
  }

  /** Runs `run` once at `atMs`. */
  schedule(atMs: number, run: () => void): Task {
    const task: Task = { atMs, place: -1, run };
    this.put(task, atMs);
    return task;
  }

  /** Whether a task is still to run. */
  has(task: Task | undefined): task is Task {
    return task !== undefined && task.place !== -1;
  }

  /** Runs what is due at `nowMs`, where no timer does. */
  runDue(nowMs: number): void {
    if (this.isLazy) this.#run(nowMs);
  }

  /** Takes a task off the queue. Harmless when it has run. */
  cancel(task: Task | undefined): void {
    if (!this.has(task)) return;
    this.#remove(task.place);
    if (this.#heap.length === 0) this.#disarm();
  }

  /** Drops every task; none is accepted any more. */
  close(): void {
    this.#closed = true;
    for (const task of this.#heap) task.place = -1;
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
    const removed = this.#heap[place] as Task;
    const last = this.#heap.pop() as Task;
    removed.place = -1;
    if (last === removed) return;
    if (!this.#sink(place, last)) this.#rise(place, last);
  }

  #rise(from: number, task: Task): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above] as Task;
      if (parent.atMs <= task.atMs) break;
      this.#set(place, parent);
      place = above;
    }
    this.#set(place, task);
  }

  #sink(from: number, task: Task): boolean {
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      const right = left + 1;
      const leftTask = this.#heap[left];
      const rightTask = this.#heap[right];
      if (leftTask === undefined) break;
      const below = rightTask !== undefined && rightTask.atMs < leftTask.atMs ? right : left;
      const child = this.#heap[below] as Task;
      if (child.atMs >= task.atMs) break;
      this.#set(place, child);
      place = below;
    }
    this.#set(place, task);
    return place !== from;
  }

  #set(place: number, task: Task): void {
    this.#heap[place] = task;
    task.place = place;
  }
}
