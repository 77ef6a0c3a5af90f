import type { Asked } from '../asked.js';
import type { Entry } from '../cache/entry.js';
import type { Secret } from '../model/secret.js';
import type { Consumer } from './consumer.js';
import type { EntryConsumer } from './consumer-slot.js';

/**
 * One consumer, as each of its targets sees it.
 *
 * What it consumes may be made from several targets, which rotate each at its time. A new version of one is proven
 * and adopted together with the versions of the others that are in service. When another one has changed between the
 * proof and the adoption, what was proven is let go of and the combination then in service is proven in its place.
 */
export class JointConsumer {
  readonly #asked: Asked;
  readonly #consumer: Consumer;
  readonly #latest: (entry: Entry) => Entry;
  /** The versions in service, by the places of their targets. */
  readonly #entries: (Entry | undefined)[];
  /** What was proven and is neither adopted nor discarded, by the version that it was proven for. */
  readonly #proven = new Map<Entry, Secret>();
  #adopted: Secret | undefined;
  #adoptedFrom: readonly Entry[] = [];
  #turn: Promise<void> = Promise.resolve();
  #letGo: Promise<void> = Promise.resolve();
  #released: Promise<void> | undefined;

  /** @param latest the last that the store said of the version of an entry: it is fetched again while it stays */
  constructor(asked: Asked, consumer: Consumer, latest: (entry: Entry) => Entry) {
    this.#latest = latest;
    this.#asked = asked;
    this.#consumer = consumer;
    this.#entries = asked.targets.map(() => undefined);
  }

  /** The versions that make up what it has adopted. */
  get adoptedFrom(): readonly Entry[] {
    return this.#adoptedFrom;
  }

  /** What it has adopted. */
  get adopted(): Secret | undefined {
    return this.#adopted;
  }

  /** It, as the target at `place` sees it. */
  part(place: number): EntryConsumer {
    return {
      prepare: async (entry, signal) => {
        const entries = this.#complete(place, entry);
        if (entries === undefined) return;
        const secret = this.#asked.secret(entries);
        await this.#consumer.prepare?.(secret, signal);
        this.#proven.set(entry, secret);
      },
      discard: async (entry) => {
        const secret = this.#take(entry);
        if (secret !== undefined) await this.#consumer.discard?.(secret);
      },
      adopt: async (entry, signal) => {
        this.#entries[place] = entry;
        const entries = this.#complete(place, entry);
        const proven = this.#take(entry);
        if (entries === undefined) return;
        if (proven?.version === this.#asked.secret(entries).version)
          return this.#adopt(proven, entries, signal);
        if (proven !== undefined) void this.#discard(proven);
        await this.converge(signal);
        await this.#letGo;
      },
      release: (signal) => {
        this.#released ??= (async () => this.#consumer.release?.(signal))();
        return this.#released;
      },
    };
  }

  /**
   * Brings it to the combination in service, unless it is there. One step at a time.
   *
   * @throws what its proof throws
   */
  converge(signal: AbortSignal): Promise<void> {
    const converged = this.#turn.then(() => this.#converge(signal));
    this.#turn = converged.catch(() => {});
    return converged;
  }

  async #converge(signal: AbortSignal): Promise<void> {
    for (;;) {
      const entries = this.#complete(0, this.#entries[0]);
      if (entries === undefined) return;
      const next = this.#asked.secret(entries);
      if (next.version === this.#adopted?.version) return;
      signal.throwIfAborted();
      await this.#consumer.prepare?.(next, signal);
      const isInService = entries.every(({ version }, place) => this.#entries[place]?.version === version);
      if (!isInService || signal.aborted) void this.#discard(next);
      else this.#adopt(next, entries, signal);
    }
  }

  /** Resolves when the consumer has let go of what it had before. */
  #adopt(next: Secret, entries: readonly Entry[], signal: AbortSignal): Promise<void> {
    this.#adopted = next;
    this.#adoptedFrom = entries;
    this.#letGo = (async () => this.#consumer.adopt(next, signal))();
    this.#letGo.catch(() => {});
    return this.#letGo;
  }

  async #discard(secret: Secret): Promise<void> {
    try {
      await this.#consumer.discard?.(secret);
    } catch {
      // A consumer that cannot close what it opened must not hold up the others.
    }
  }

  #take(entry: Entry): Secret | undefined {
    const secret = this.#proven.get(entry);
    this.#proven.delete(entry);
    return secret;
  }

  /** The versions in service with `entry` at `place`; undefined while one of the others has none. */
  #complete(place: number, entry: Entry | undefined): readonly Entry[] | undefined {
    const entries = this.#entries.map((held, at) => (at === place ? entry : held && this.#latest(held)));
    return entries.every((each) => each !== undefined) ? (entries as readonly Entry[]) : undefined;
  }
}
