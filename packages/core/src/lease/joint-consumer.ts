import type { Asked } from '../asked.js';
import type { Entry } from '../cache/entry.js';
import { sharedAbort } from '../concurrency/shared-abort.js';
import type { Secret } from '../model/secret.js';
import type { Consumer } from './consumer.js';
import type { EntryConsumer } from './consumer-slot.js';

/** A version of each target, by their places. */
type Combination = readonly Entry[];

/** A combination that is on its way out of use. */
interface Leaving {
  readonly entries: Combination;
  readonly gone: Promise<unknown>;
  /** Tells the consumer to cut it short. */
  readonly cut?: AbortController;
}

/**
 * One consumer, as each of its targets sees it.
 *
 * What it consumes may be made from several targets, which rotate each at its time. A new version of one is proven
 * and adopted together with the versions of the others that are in service. When another one has changed between the
 * proof and the adoption, what was proven is let go of and the combination then in service is proven in its place. A
 * version is let go of when every combination with it is.
 */
export class JointConsumer {
  readonly #asked: Asked;
  readonly #consumer: Consumer;
  readonly #latest: (entry: Entry) => Entry;
  /** The versions in service. */
  readonly #entries: (Entry | undefined)[];
  /** What was proven and is neither adopted nor discarded, by the version that it was proven for. */
  readonly #proven = new Map<Entry, { readonly secret: Secret; readonly entries: Combination }>();
  readonly #leaving = new Set<Leaving>();
  #adopted: Secret | undefined;
  #adoptedFrom: Combination = [];
  #turn: Promise<void> = Promise.resolve();
  #released: Promise<void> | undefined;

  /** @param latest the last that the store said of the version of an entry: it is fetched again while it stays */
  constructor(asked: Asked, consumer: Consumer, latest: (entry: Entry) => Entry) {
    this.#latest = latest;
    this.#asked = asked;
    this.#consumer = consumer;
    this.#entries = asked.targets.map(() => undefined);
  }

  /** What it has adopted. */
  get adopted(): Secret | undefined {
    return this.#adopted;
  }

  /** The versions that make up what it has adopted. */
  get adoptedFrom(): Combination {
    return this.#adoptedFrom;
  }

  /** It, as the target at `place` sees it. */
  part(place: number): EntryConsumer {
    return {
      prepare: async (entry, signal) => {
        const entries = this.#complete(place, entry);
        if (entries !== undefined) await this.#until(entries, this.#prove(place, entries, signal));
      },
      discard: async (entry) => {
        const proven = this.#take(entry);
        if (proven !== undefined) await this.#consumer.discard?.(proven.secret);
      },
      adopt: async (entry, signal) => {
        const replaced = this.#entries[place];
        this.#entries[place] = entry;
        const entries = this.#complete(place, entry);
        if (entries === undefined) return;
        const proven = this.#take(entry);
        if (proven !== undefined && this.#areInService(proven.entries)) this.#adopt(proven.secret, entries);
        else {
          if (proven !== undefined) void this.#discard(proven.secret);
          await this.converge(signal);
        }
        if (replaced !== undefined) await this.#letGo(place, replaced, signal);
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
      if (entries === undefined || this.#isAdopted(entries)) return;
      signal.throwIfAborted();
      const next = this.#asked.secret(entries);
      await this.#until(entries, (async () => this.#consumer.prepare?.(next, signal))());
      if (this.#areInService(entries) && !signal.aborted) this.#adopt(next, entries);
      else void this.#discard(next);
    }
  }

  /** Proves `entries` for the one at `place`; in vain when another one has changed meanwhile. */
  async #prove(place: number, entries: Combination, signal: AbortSignal): Promise<void> {
    const secret = this.#asked.secret(entries);
    await this.#consumer.prepare?.(secret, signal);
    const entry = entries[place] as Entry;
    if (this.#areInService(entries, place)) this.#proven.set(entry, { secret, entries });
    else await this.#discard(secret);
  }

  #adopt(next: Secret, entries: Combination): void {
    const cut = sharedAbort();
    const adopted = (async () => this.#consumer.adopt(next, cut.signal))();
    void this.#until(this.#adoptedFrom, adopted, cut).catch(() => {});
    this.#adopted = next;
    this.#adoptedFrom = entries;
  }

  /** Resolves when no combination with `replaced` is in use: adopted, proven for another version, or being proven. */
  async #letGo(place: number, replaced: Entry, signal: AbortSignal): Promise<void> {
    const holds = (entries: Combination) => entries[place]?.version === replaced.version;
    const vain = [...this.#proven].filter(([, { entries }]) => holds(entries));
    const discarded = vain.map(([entry, { secret }]) => {
      this.#proven.delete(entry);
      return this.#discard(secret);
    });
    const leaving = [...this.#leaving].filter(({ entries }) => holds(entries));
    const cutShort = () => {
      for (const { cut } of leaving) cut?.abort(signal.reason);
    };
    if (signal.aborted) cutShort();
    signal.addEventListener('abort', cutShort, { once: true });
    await Promise.allSettled([...discarded, ...leaving.map(({ gone }) => gone)]);
    signal.removeEventListener('abort', cutShort);
  }

  /** Counts `entries` as in use until `gone` settles. */
  async #until(entries: Combination, gone: Promise<unknown>, cut?: AbortController): Promise<void> {
    const leaving = { entries, gone, ...(cut === undefined ? {} : { cut }) };
    this.#leaving.add(leaving);
    try {
      await gone;
    } finally {
      this.#leaving.delete(leaving);
    }
  }

  async #discard(secret: Secret): Promise<void> {
    try {
      await this.#consumer.discard?.(secret);
    } catch {
      // A consumer that cannot close what it opened must not hold up the others.
    }
  }

  #take(entry: Entry): { readonly secret: Secret; readonly entries: Combination } | undefined {
    const proven = this.#proven.get(entry);
    this.#proven.delete(entry);
    return proven;
  }

  #isAdopted(entries: Combination): boolean {
    return entries.every(({ version }, place) => this.#adoptedFrom[place]?.version === version);
  }

  /** Whether all of `entries`, or all but the one at a place, are the versions in service. */
  #areInService(entries: Combination, butAt?: number): boolean {
    return entries.every(
      ({ version }, place) => place === butAt || this.#entries[place]?.version === version,
    );
  }

  /** The versions in service with `entry` at `place`; undefined while one of the others has none. */
  #complete(place: number, entry: Entry | undefined): Combination | undefined {
    const entries = this.#entries.map((held, at) => (at === place ? entry : held && this.#latest(held)));
    return entries.every((each) => each !== undefined) ? (entries as Combination) : undefined;
  }
}
