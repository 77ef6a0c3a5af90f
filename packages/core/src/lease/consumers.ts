import type { Entry } from '../cache/entry.js';
import type { Secret } from '../model/secret.js';
import type { Consumer } from './consumer.js';

/** Makes what a consumer asked for (the whole, a field, a template) from a version. Throws when it can't. */
export type Project = (entry: Entry) => Secret;

/** One consumer and the version that it has adopted. */
export class ConsumerSlot {
  readonly #consumer: Consumer;
  readonly #project: Project;
  #adopted: Entry | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(consumer: Consumer, project: Project) {
    this.#consumer = consumer;
    this.#project = project;
  }

  get adopted(): Entry | undefined {
    return this.#adopted;
  }

  /** Has the consumer prove `entry`. Rejects when it cannot. */
  prove(entry: Entry, signal: AbortSignal): Promise<void> {
    return this.#inTurn(() => this.#prepare(entry, signal));
  }

  /** Takes back a version that was proven and will not be published. */
  async discard(entry: Entry): Promise<void> {
    await this.#consumer.discard?.(this.#project(entry));
  }

  /** Puts a proven version in service; resolves when the consumer has let go of the one before. */
  async adopt(entry: Entry, signal: AbortSignal): Promise<void> {
    this.#adopted = entry;
    await this.#consumer.adopt(this.#project(entry), signal);
  }

  /** Brings a consumer that came late, or could not prove a version in time, to `entry`. */
  catchUp(entry: Entry, signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#adopted === entry || this.#adopted?.version === entry.version) return;
      await this.#prepare(entry, signal);
      this.adopt(entry, signal).catch(() => {});
    });
  }

  /** Has the consumer let go of everything. */
  async release(signal: AbortSignal): Promise<void> {
    await this.#consumer.release?.(signal);
  }

  /** A version that lacks what the consumer asked for fails here, whether or not there is anything to prove. */
  async #prepare(entry: Entry, signal: AbortSignal): Promise<void> {
    const secret = this.#project(entry);
    await this.#consumer.prepare?.(secret, signal);
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(step);
    this.#turn = done.catch(() => {});
    return done;
  }
}
