import type { Asked } from '../asked.js';
import type { SecretCache } from '../cache/secret-cache.js';
import { asSecretsError } from '../errors/as-secrets-error.js';
import { SecretsError } from '../errors/secrets-error.js';
import type { Secret } from '../model/secret.js';
import type { Target } from '../provider/target.js';
import { withDeadline } from '../resilience/deadline.js';
import type { Resolved, Resolver } from '../resolver.js';
import type { Clock } from '../time/clock.js';
import type { Consumer, Consumption } from './consumer.js';
import { ConsumerSlot } from './consumer-slot.js';
import { JointConsumer } from './joint-consumer.js';
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
  readonly #joint: JointConsumer;
  /** One for each target. */
  readonly #slots: readonly ConsumerSlot[];
  readonly #parts: ConsumptionParts;
  readonly #closed: () => void;

  /** Registers `consumer` for what was asked; `closed` is told when it consumes no more. */
  constructor(asked: Asked, consumer: Consumer, parts: ConsumptionParts, closed: () => void) {
    this.#asked = asked;
    this.#closed = closed;
    this.#parts = parts;
    const { cache, clock, proofMs, leases } = parts;
    const joint = new JointConsumer({
      asked,
      consumer,
      inService: (place) => {
        const entry = cache.get((asked.targets[place] as Target).ref);
        return entry?.isLeaseOver(clock.monotonicMs()) === false ? entry : undefined;
      },
      fetch: (place) => leases.replaceNow(asked.targets[place] as Target),
      failed: (error) => {
        const [target] = asked.targets as [Target];
        leases.failedToServe(target, asSecretsError(error, { ref: target.ref, provider: target.alias }));
      },
      clock,
      proofMs,
    });
    this.#joint = joint;
    this.#slots = asked.targets.map((_, place) => new ConsumerSlot(joint.part(place)));
    for (const [place, target] of asked.targets.entries())
      parts.leases.consume(target, this.#slots[place] as ConsumerSlot);
  }

  async current(): Promise<Secret> {
    this.#refuseIfClosed();
    this.#parts.queue.runDue(this.#parts.clock.monotonicMs());
    return this.#serve(await this.#parts.resolver.resolveAll(this.#asked.targets));
  }

  async replace(version: string): Promise<Secret> {
    this.#refuseIfClosed();
    const { adopted, adoptedFrom } = this.#joint;
    if (adopted !== undefined && adopted.version !== version) return this.current();
    this.#joint.refuse();
    const entries = await Promise.all(
      this.#asked.targets.map((target, place) =>
        this.#parts.leases.replaceRefused(target, adoptedFrom[place]?.version ?? version),
      ),
    );
    return this.#serve(entries.map((entry) => ({ entry, staleReason: undefined })));
  }

  close(): void {
    this.#joint.leave();
    for (const slot of this.#slots) slot.leave();
    this.#closed();
    for (const [place, target] of this.#asked.targets.entries())
      this.#parts.leases.leave(target, this.#slots[place] as ConsumerSlot);
  }

  /** What the consumer has adopted then: what was resolved, or what came into service while it proved that. */
  async #serve(resolved: readonly Resolved[]): Promise<Secret> {
    if (!this.#isAt(resolved)) await this.#catchUp(resolved);
    const { adopted } = this.#joint;
    return adopted === undefined || this.#isAt(resolved) ? this.#asked.answer(resolved).secret : adopted;
  }

  #isAt(resolved: readonly Resolved[]): boolean {
    const { adoptedFrom } = this.#joint;
    return resolved.every(({ entry }, place) => adoptedFrom[place]?.version === entry.version);
  }

  async #catchUp(resolved: readonly Resolved[]): Promise<void> {
    const { clock, proofMs, ended } = this.#parts;
    const catchUp = async (signal: AbortSignal): Promise<void> => {
      await Promise.all(
        this.#slots.map((slot, place) => {
          const { entry } = resolved[place] as Resolved;
          return slot.catchUp(() => this.#parts.cache.get(entry.target.ref) ?? entry, signal);
        }),
      );
      await this.#joint.converge(signal);
    };
    await withDeadline(catchUp, { limitMs: proofMs, setting: 'rotation.proofTimeout', clock, signal: ended });
  }

  #refuseIfClosed(): void {
    if (this.#slots[0]?.hasLeft !== true) return;
    throw new SecretsError('closed', {
      ref: this.#asked.ref,
      problem: 'This consumer was closed.',
      remedy: 'Consume the secret again, or close its consumer after everything that uses it.',
    });
  }
}
