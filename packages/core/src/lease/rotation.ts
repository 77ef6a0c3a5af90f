import type { Entry } from '../cache/entry.js';
import type { SecretCache } from '../cache/secret-cache.js';
import type { Diagnostics } from '../diagnostics.js';
import { isSecretsError, SecretsError } from '../errors/secrets-error.js';
import type { Router } from '../provider/router.js';
import { withDeadline } from '../resilience/deadline.js';
import type { Admission } from '../resolver.js';
import type { Clock } from '../time/clock.js';
import type { ConsumerSlot } from './consumers.js';
import type { Revocations } from './revocations.js';
import type { Tracked, TrackedTargets } from './tracked.js';

/** How long the steps of a rotation may take, in milliseconds. */
export interface RotationLimits {
  readonly proofMs: number;
  readonly drainMs: number;
}

/**
 * The two phases of a rotation: every consumer proves the new version while the old one serves; then it is
 * published at once, the consumers let go of the old one, and only then is its lease revoked.
 */
export class Rotation implements Admission {
  readonly #cache: SecretCache;
  readonly #router: Router;
  readonly #targets: TrackedTargets;
  readonly #revocations: Revocations;
  readonly #clock: Clock;
  readonly #diagnostics: Diagnostics;
  readonly #limits: RotationLimits;
  readonly #published: (tracked: Tracked, held: Entry | undefined) => void;
  readonly #draining = new Set<Promise<void>>();
  readonly #cut = new AbortController();
  #closed: SecretsError | undefined;

  constructor(parts: {
    readonly cache: SecretCache;
    readonly router: Router;
    readonly targets: TrackedTargets;
    readonly revocations: Revocations;
    readonly clock: Clock;
    readonly diagnostics: Diagnostics;
    readonly limits: RotationLimits;
    /** Called when a version has come into service in the place of `held`. */
    readonly published: (tracked: Tracked, held: Entry | undefined) => void;
  }) {
    this.#cache = parts.cache;
    this.#router = parts.router;
    this.#targets = parts.targets;
    this.#revocations = parts.revocations;
    this.#clock = parts.clock;
    this.#diagnostics = parts.diagnostics;
    this.#limits = parts.limits;
    this.#published = parts.published;
  }

  /** Proves and publishes a fetched version. Rejects, keeping the one in service, when a consumer cannot use it. */
  async admit(next: Entry, held: Entry | undefined, signal: AbortSignal): Promise<Entry> {
    const tracked = this.#targets.track(next.target);
    const isNew = held?.version !== next.version;
    const proven = isNew ? await this.#prove(next, held, [...tracked.consumers], signal) : [];
    if (this.#closed !== undefined) {
      this.giveUp(next);
      throw this.#closed;
    }
    tracked.entry = next;
    this.#cache.put(next, tracked.consumers.size > 0 || next.handle !== undefined);
    this.#published(tracked, held);
    const drainMs = this.#drainMs(held);
    held?.end();
    this.#targets.dropIfIdle(tracked);
    if (isNew) {
      this.#announce(next, held);
      this.#startDrain(next, held, proven, drainMs);
    }
    return next;
  }

  /** Takes back a version that nobody will use. */
  giveUp(next: Entry): void {
    void this.#revocations.revoke(next);
    this.#retire(next);
  }

  /** A version is out of service and its lease has ended: its value is history. */
  #retire(entry: Entry): void {
    this.#router.route(entry.target).runtime.retire(entry.target.ref, entry.values());
  }

  /** Admits nothing any more, and resolves when every drain under way has ended. */
  async close(reason: SecretsError): Promise<void> {
    this.#closed = reason;
    await Promise.all(this.#draining);
  }

  /** Ends every drain under way now. */
  cutDrains(reason: unknown): void {
    this.#cut.abort(reason);
  }

  /**
   * Has each consumer prove `next`. One refusal holds the version back, but only while the held one may still
   * be used: with nothing else to serve, those that could prove it go on with it, and the others may catch up.
   *
   * @returns the consumers that proved it
   */
  async #prove(
    next: Entry,
    held: Entry | undefined,
    consumers: readonly ConsumerSlot[],
    signal: AbortSignal,
  ): Promise<ConsumerSlot[]> {
    const remainingMs = (held?.term.usableUntilMs ?? Number.NEGATIVE_INFINITY) - this.#clock.monotonicMs();
    const isLast = remainingMs <= 0;
    const limitMs = isLast ? this.#limits.proofMs : Math.min(this.#limits.proofMs, remainingMs);
    const proofs = await Promise.allSettled(
      consumers.map((consumer) =>
        withDeadline((proof) => consumer.prove(next, proof), {
          limitMs,
          clock: this.#clock,
          signal,
          onLate: () => void consumer.discard(next),
        }),
      ),
    );
    const proven = consumers.filter((_, place) => proofs[place]?.status === 'fulfilled');
    const refusal = proofs.find((proof) => proof.status === 'rejected');
    if (refusal === undefined || (isLast && !signal.aborted)) return proven;
    await Promise.allSettled(proven.map((consumer) => consumer.discard(next)));
    this.giveUp(next);
    throw refused(refusal.reason, next);
  }

  #announce(next: Entry, held: Entry | undefined): void {
    const { ref } = next.target;
    const tookMs = this.#clock.monotonicMs() - next.sentMs;
    if (held === undefined) this.#diagnostics.emit('secret-loaded', { ref, version: next.version, tookMs });
    else {
      const previousVersion = held.version;
      this.#diagnostics.emit('secret-rotated', { ref, version: next.version, previousVersion, tookMs });
    }
  }

  /** The time that consumers have to let go of `held`: its lease, while it lasts, allows no more than what is left. */
  #drainMs(held: Entry | undefined): number {
    const leftMs = (held?.term.usableUntilMs ?? 0) - this.#clock.monotonicMs();
    const isLeased = held?.lease !== undefined && held.lease.end !== 'rotates';
    return isLeased && leftMs > 0 ? Math.min(this.#limits.drainMs, leftMs) : this.#limits.drainMs;
  }

  #startDrain(next: Entry, held: Entry | undefined, proven: readonly ConsumerSlot[], limitMs: number): void {
    const drained = this.#drain(next, held, proven, limitMs).finally(() => this.#draining.delete(drained));
    this.#draining.add(drained);
  }

  /** Puts `next` in service with all that proved it, before anything else can run; then waits for the old to go. */
  async #drain(
    next: Entry,
    held: Entry | undefined,
    proven: readonly ConsumerSlot[],
    limitMs: number,
  ): Promise<void> {
    const cut = new AbortController();
    const letGo = Promise.allSettled(proven.map((consumer) => consumer.adopt(next, cut.signal)));
    if (held === undefined) return;
    const { ref } = held.target;
    this.#targets.leaving.add(held);
    const bounds = { limitMs, clock: this.#clock, signal: this.#cut.signal };
    const inTime = await withDeadline(() => letGo, bounds).then(
      () => true,
      () => false,
    );
    if (!inTime) cut.abort(drainOver(ref));
    this.#diagnostics.emit('secret-drained', { ref, version: held.version, inTime });
    await this.#revocations.revoke(held);
    this.#targets.leaving.delete(held);
    this.#retire(held);
  }
}

function refused(reason: unknown, next: Entry): SecretsError {
  if (isSecretsError(reason)) return reason;
  return new SecretsError('invalid-value', {
    ref: next.target.ref,
    problem: 'The new version does not work where it is used, so the one before stays in service.',
    remedy: 'Check that what it opens (the database, the server) accepts what the store hands out.',
    cause: reason,
  });
}

function drainOver(ref: string): SecretsError {
  return new SecretsError('timeout', {
    ref,
    problem: 'The old version is still in use at the end of the drain.',
    remedy: 'It is cut off now; raise rotation.drainTimeout, or hold connections for less time.',
  });
}
