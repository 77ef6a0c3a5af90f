import type { Entry } from '../cache/entry.js';
import { aborted } from '../resilience/deadline.js';

/** A consumer of one target's versions; see `Consumer` for what each step asks of it. */
export interface EntryConsumer {
  prepare(entry: Entry, signal: AbortSignal): Promise<void>;
  discard(entry: Entry): Promise<void>;
  adopt(entry: Entry, signal: AbortSignal): Promise<void>;
  release(signal: AbortSignal): Promise<void>;
}

/** One consumer and the version of one target that it has adopted. */
export class ConsumerSlot {
  readonly #consumer: EntryConsumer;
  #adopted: Entry | undefined;
  #letGo: Promise<void> = Promise.resolve();
  #turn: Promise<unknown> = Promise.resolve();
  #hasLeft = false;

  constructor(consumer: EntryConsumer) {
    this.#consumer = consumer;
  }

  get adopted(): Entry | undefined {
    return this.#adopted;
  }

  /** Whether it consumes no more. What it proves from then on is discarded, not adopted. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Settles when the consumer has let go of the version before the one that it adopted last. */
  get letGo(): Promise<void> {
    return this.#letGo;
  }

  leave(): void {
    this.#hasLeft = true;
  }

  /** Has the consumer prove `entry`. Rejects when it cannot. */
  prove(entry: Entry, signal: AbortSignal): Promise<void> {
    return this.#inTurn(() => this.#consumer.prepare(entry, signal), signal);
  }

  /** Takes back a version that was proven and will not be published. Never rejects. */
  async discard(entry: Entry): Promise<void> {
    try {
      await this.#consumer.discard(entry);
    } catch {
      // A consumer that cannot close what it opened must not hold up the others.
    }
  }

  /** Puts a proven version in service; resolves when the consumer has let go of the one before. */
  adopt(entry: Entry, signal: AbortSignal): Promise<void> {
    if (this.#hasLeft) return this.discard(entry);
    this.#adopted = entry;
    this.#letGo = this.#consumer.adopt(entry, signal);
    this.#letGo.catch(() => {});
    return this.#letGo;
  }

  /**
   * Brings a consumer that came late, or could not prove a version in time, to the one in service. That may
   * change while it proves one: then it takes that back and proves the next, or a watcher would be left behind.
   */
  catchUp(inService: () => Entry, signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      for (let entry = inService(); this.#isBehind(entry); entry = inService()) {
        await this.#consumer.prepare(entry, signal);
        if (!signal.aborted && inService().version === entry.version) void this.adopt(entry, signal);
        else void this.discard(entry);
        signal.throwIfAborted();
      }
    }, signal);
  }

  /** Has the consumer let go of everything. */
  async release(signal: AbortSignal): Promise<void> {
    this.leave();
    await this.#consumer.release(signal);
  }

  #isBehind(entry: Entry): boolean {
    return !this.#hasLeft && this.#adopted?.version !== entry.version;
  }

  /** One step at a time; one that does not heed its signal must not keep the next from its turn for ever. */
  #inTurn(step: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const done = this.#turn.then(() => {
      signal.throwIfAborted();
      return step();
    });
    this.#turn = Promise.race([done, aborted(signal)]).catch(() => {});
    return done;
  }
}
