import type { Asked } from '../asked.js';
import type { Entry } from '../cache/entry.js';
import type { SecretCache } from '../cache/secret-cache.js';
import { SecretsError } from '../errors/secrets-error.js';
import type { Secret } from '../model/secret.js';
import { withDeadline } from '../resilience/deadline.js';
import type { Resolved, Resolver } from '../resolver.js';
import type { Clock } from '../time/clock.js';
import type { Consumer, Consumption } from './consumer.js';
import { ConsumerSlot } from './consumers.js';
import type { LeaseManager } from './lease-manager.js';
import type { TimerQueue } from './timer-queue.js';

/** What a consumer is served from. */
export interface ConsumptionParts {
  readonly resolver: Resolver;
  readonly leases: LeaseManager;
  readonly cache: SecretCache;
  readonly queue: TimerQueue;
  readonly clock: Clock;
  readonly proofMs: number;
  /** Aborts when everything ends. */
  readonly ended: AbortSignal;
}

/** A consumer's end of the bargain: asks on its behalf, and brings it to what comes of that. */
export class LiveConsumption implements Consumption {
  readonly #asked: Asked;
  readonly #slot: ConsumerSlot;
  readonly #parts: ConsumptionParts;
  readonly #closed: () => void;

  /** Registers `consumer` for what was asked; `closed` is told when it consumes no more. */
  constructor(asked: Asked, consumer: Consumer, parts: ConsumptionParts, closed: () => void) {
    this.#asked = asked;
    this.#closed = closed;
    this.#slot = new ConsumerSlot(consumer, (entry) => asked.secret(entry, undefined));
    this.#parts = parts;
    parts.leases.consume(asked.target, this.#slot);
  }

  async current(): Promise<Secret> {
    this.#refuseIfClosed();
    this.#parts.queue.runDue(this.#parts.clock.monotonicMs());
    return this.#serve(await this.#parts.resolver.resolve(this.#asked.target));
  }

  async replace(version: string): Promise<Secret> {
    this.#refuseIfClosed();
    const entry = await this.#parts.leases.replaceRefused(this.#asked.target, version);
    return this.#serve({ entry, staleReason: undefined });
  }

  close(): void {
    this.#slot.leave();
    this.#closed();
    this.#parts.leases.leave(this.#asked.target, this.#slot);
  }

  /** What the consumer has adopted then: `entry`, or what came into service while it proved that. */
  async #serve({ entry, staleReason }: Resolved): Promise<Secret> {
    const slot = this.#slot;
    if (slot.adopted?.version !== entry.version) await this.#catchUp(entry);
    const { adopted = entry } = slot;
    return adopted.version === entry.version
      ? this.#asked.answer(entry, staleReason).secret
      : this.#asked.secret(adopted, undefined);
  }

  async #catchUp(entry: Entry): Promise<void> {
    const { cache, clock, proofMs, ended } = this.#parts;
    const inService = (): Entry => cache.get(entry.target.ref) ?? entry;
    await withDeadline((signal) => this.#slot.catchUp(inService, signal), {
      limitMs: proofMs,
      setting: 'rotation.proofTimeout',
      clock,
      signal: ended,
    });
  }

  #refuseIfClosed(): void {
    if (!this.#slot.hasLeft) return;
    throw new SecretsError('closed', {
      ref: this.#asked.target.ref,
      problem: 'This consumer was closed.',
      remedy: 'Consume the secret again, or close its consumer after everything that uses it.',
    });
  }
}
