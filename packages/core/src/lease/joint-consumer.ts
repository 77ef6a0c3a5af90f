import type { Asked } from '../asked.js';
import type { Entry } from '../cache/entry.js';
import { sharedAbort } from '../concurrency/shared-abort.js';
import type { Secret } from '../model/secret.js';
import { aborted, withDeadline } from '../resilience/deadline.js';
import type { Clock } from '../time/clock.js';
import type { Consumer } from './consumer.js';
import type { EntryConsumer } from './consumer-slot.js';
import { refetchAfterMs } from './schedule.js';

/** A version of each target, by their places. */
type Combination = readonly Entry[];

/** A combination that is being proven, or was proven and is neither adopted nor discarded. */
interface Proof {
  readonly secret: Secret;
  readonly entries: Combination;
  readonly done: Promise<void>;
  isProven: boolean;
}

/** A combination that is on its way out of use. */
interface Leaving {
  readonly entries: Combination;
  readonly gone: Promise<unknown>;
  /** Tells the consumer to cut it short. */
  readonly cut?: AbortController;
}

/** What a {@link JointConsumer} is wired from. */
export interface JointParts {
  readonly asked: Asked;
  readonly consumer: Consumer;
  /** The version of the target at a place that may be used now. */
  readonly inService: (place: number) => Entry | undefined;
  /** Has the target at a place fetched, since none of its versions may be used now. */
  readonly fetch: (place: number) => void;
  /** Told when it could not be brought to the versions in service; that is tried again. */
  readonly failed: (error: unknown) => void;
  readonly clock: Clock;
  readonly proofMs: number;
}

/**
 * One consumer, as each of its targets sees it.
 *
 * What it consumes may be made from several targets, which rotate each at its time. A new version of one is proven
 * and adopted together with the versions of the others that are in service; while one of them has none, there is
 * nothing to prove. When another one has changed between the proof and the adoption, what was proven is let go of and
 * the combination then in service is proven in its place, again and again until it can be. A version is let go of
 * when every combination with it is.
 */
export class JointConsumer {
  readonly #parts: JointParts;
  /** By the version of the combination. */
  readonly #proofs = new Map<string, Proof>();
  readonly #leaving = new Set<Leaving>();
  readonly #left = sharedAbort();
  /** Versions that the consumer's backend refuses: nothing is proven with them any more. */
  readonly #refused = new WeakSet<Entry>();
  readonly #awaitingAdoption: (() => void)[] = [];
  #adopted: Secret | undefined;
  #adoptedFrom: Combination = [];
  #turn: Promise<void> = Promise.resolve();
  #trying: Promise<void> | undefined;
  #released: Promise<void> | undefined;

  constructor(parts: JointParts) {
    this.#parts = parts;
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
        const entries = this.#combination(place, entry);
        if (entries !== undefined) await this.#prove(entries, signal, place);
      },
      discard: (entry) => this.#dropAll((entries) => entries[place] === entry),
      adopt: async (entry, signal) => {
        const replaced = this.#adoptedFrom[place];
        const entries = this.#combination(place, entry);
        if (this.#left.signal.aborted) return this.#dropAll((proven) => proven[place] === entry);
        const proof = entries && this.#proofs.get(this.#parts.asked.secret(entries).version);
        if (proof?.isProven === true) this.#adopt(proof);
        else if (entries !== undefined) await unlessCut(this.#keepTrying(), signal);
        else if (replaced !== undefined) {
          this.#fetchMissing(place);
          await unlessCut(this.#nextAdoption(), signal);
        }
        if (replaced !== undefined && replaced.version !== entry.version)
          await this.#letGo(place, replaced, signal);
      },
      release: (signal) => {
        this.leave();
        this.#released ??= (async () => this.#parts.consumer.release?.(signal))();
        return this.#released;
      },
    };
  }

  /** What it has adopted is refused by its backend: which of several leases is dead, nobody knows. */
  refuse(): void {
    if (this.#adoptedFrom.length < 2) return;
    for (const entry of this.#adoptedFrom) if (entry.lease !== undefined) this.#refused.add(entry);
  }

  /** Consumes no more: adopts nothing from now on. */
  leave(): void {
    this.#left.abort();
    for (const resolve of this.#awaitingAdoption.splice(0)) resolve();
    void this.#dropAll(() => true);
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
    while (!this.#left.signal.aborted) {
      const entries = this.#combination();
      if (entries === undefined || this.#isAdopted(entries)) return;
      signal.throwIfAborted();
      await this.#prove(entries, signal);
      const proof = this.#proofs.get(this.#parts.asked.secret(entries).version);
      if (proof?.isProven !== true) continue;
      if (this.#areInService(entries) && !signal.aborted) this.#adopt(proof);
      else await this.#drop(proof);
    }
  }

  /** Converges in the background until it has, or the consumer leaves. */
  #keepTrying(): Promise<void> {
    this.#trying ??= this.#try().finally(() => {
      this.#trying = undefined;
    });
    return this.#trying;
  }

  async #try(): Promise<void> {
    const { clock, proofMs, failed } = this.#parts;
    const { signal } = this.#left;
    const bounds = { limitMs: proofMs, setting: 'rotation.proofTimeout', clock, signal, hold: false };
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        return await withDeadline((within) => this.converge(within), bounds);
      } catch (error) {
        if (signal.aborted) return;
        failed(error);
        await clock.sleep(refetchAfterMs(failures, clock.random()), { signal }).catch(() => {});
      }
    }
  }

  /** Proves `entries`, once for all who want it; in vain when one but that at a place has changed meanwhile. */
  async #prove(entries: Combination, signal: AbortSignal, butAt?: number): Promise<void> {
    const secret = this.#parts.asked.secret(entries);
    const known = this.#proofs.get(secret.version);
    if (known !== undefined || this.#isAdopted(entries)) return known?.done;
    const done = (async () => this.#parts.consumer.prepare?.(secret, signal))();
    const proof: Proof = { secret, entries, done, isProven: false };
    this.#proofs.set(secret.version, proof);
    try {
      await this.#until(entries, done);
    } catch (error) {
      this.#proofs.delete(secret.version);
      throw error;
    }
    proof.isProven = true;
    if (this.#left.signal.aborted || !this.#areInService(entries, butAt)) await this.#drop(proof);
  }

  #adopt({ secret, entries }: Proof): void {
    this.#proofs.delete(secret.version);
    const cut = sharedAbort();
    const adopted = (async () => this.#parts.consumer.adopt(secret, cut.signal))();
    void this.#until(this.#adoptedFrom, adopted, cut).catch(() => {});
    this.#adopted = secret;
    this.#adoptedFrom = entries;
    for (const resolve of this.#awaitingAdoption.splice(0)) resolve();
  }

  /** While a target has no version in service, what there is stays: the next combination is waited for. */
  #nextAdoption(): Promise<void> {
    return new Promise((resolve) => {
      this.#awaitingAdoption.push(resolve);
    });
  }

  /** Resolves when no combination with `replaced` is in use: adopted, proven for another version, or being proven. */
  async #letGo(place: number, replaced: Entry, signal: AbortSignal): Promise<void> {
    const holds = (entries: Combination) => entries[place]?.version === replaced.version;
    const dropped = this.#dropAll(holds);
    const leaving = [...this.#leaving].filter(({ entries }) => holds(entries));
    const cutShort = () => {
      for (const { cut } of leaving) cut?.abort(signal.reason);
    };
    if (signal.aborted) cutShort();
    signal.addEventListener('abort', cutShort, { once: true });
    await Promise.allSettled([dropped, ...leaving.map(({ gone }) => gone)]);
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

  /** Discards what was proven of a kind. Never rejects. */
  async #dropAll(which: (entries: Combination) => boolean): Promise<void> {
    const proofs = [...this.#proofs.values()].filter(({ entries, isProven }) => isProven && which(entries));
    await Promise.all(proofs.map((proof) => this.#drop(proof)));
  }

  async #drop({ secret }: Proof): Promise<void> {
    this.#proofs.delete(secret.version);
    try {
      await this.#parts.consumer.discard?.(secret);
    } catch {
      // A consumer that cannot close what it opened must not hold up the others.
    }
  }

  #isAdopted(entries: Combination): boolean {
    return entries.every(({ version }, place) => this.#adoptedFrom[place]?.version === version);
  }

  /** Whether all of `entries`, or all but the one at a place, are the versions in service. */
  #areInService(entries: Combination, butAt?: number): boolean {
    return entries.every(
      ({ version }, place) => place === butAt || this.#inService(place)?.version === version,
    );
  }

  /** A lease may be over before its own turn comes, when a clock has jumped. */
  #fetchMissing(butAt: number): void {
    const { asked, fetch } = this.#parts;
    for (const place of asked.targets.keys())
      if (place !== butAt && this.#inService(place) === undefined) fetch(place);
  }

  #inService(place: number): Entry | undefined {
    const entry = this.#parts.inService(place);
    return entry !== undefined && this.#refused.has(entry) ? undefined : entry;
  }

  /** The versions in service, with `entry` at a place where one is given; undefined while one has none. */
  #combination(place?: number, entry?: Entry): Combination | undefined {
    const { targets } = this.#parts.asked;
    const entries = targets.map((_, at) => (at === place ? entry : this.#inService(at)));
    return entries.every((each) => each !== undefined) ? (entries as Combination) : undefined;
  }
}

/** Settles with `work`, or when `signal` aborts. */
function unlessCut(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return Promise.race([work, aborted(signal).catch(() => {})]);
}
