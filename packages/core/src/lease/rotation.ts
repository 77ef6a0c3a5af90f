import type { Entry } from '../cache/entry.js';
import type { SecretCache } from '../cache/secret-cache.js';
import { sharedAbort } from '../concurrency/shared-abort.js';
import type { Diagnostics } from '../diagnostics.js';
import { SecretsError } from '../errors/secrets-error.js';
import { withDeadline } from '../resilience/deadline.js';
import type { Admission } from '../resolver.js';
import type { Clock } from '../time/clock.js';
import type { ConsumerSlot } from './consumer-slot.js';
import { type Proof, prove } from './proof.js';
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
  readonly #targets: TrackedTargets;
  readonly #revocations: Revocations;
  readonly #clock: Clock;
  readonly #diagnostics: Diagnostics;
  readonly #limits: RotationLimits;
  readonly #published: (tracked: Tracked, held: Entry | undefined) => void;
  /** What goes on after a publication or a refusal: drains, and the taking back of what was refused. */
  readonly #aftermath = new Set<Promise<void>>();
  readonly #stopped = sharedAbort();
  readonly #cut = sharedAbort();

  constructor(parts: {
    readonly cache: SecretCache;
    readonly targets: TrackedTargets;
    readonly revocations: Revocations;
    readonly clock: Clock;
    readonly diagnostics: Diagnostics;
    readonly limits: RotationLimits;
    /** Called when a version has come into service in the place of `held`. */
    readonly published: (tracked: Tracked, held: Entry | undefined) => void;
  }) {
    this.#cache = parts.cache;
    this.#targets = parts.targets;
    this.#revocations = parts.revocations;
    this.#clock = parts.clock;
    this.#diagnostics = parts.diagnostics;
    this.#limits = parts.limits;
    this.#published = parts.published;
  }

  /** Proves and publishes a fetched version. Rejects, keeping the one in service, when a consumer cannot use it. */
  async admit(next: Entry, held: Entry | undefined, signal: AbortSignal): Promise<Entry> {
    const isNew = held?.version !== next.version;
    const asked = isNew ? behind(this.#targets.get(next.target), next) : [];
    const { proven, refusal } = await this.#prove(next, held, asked, signal);
    // Once aborted, it is no longer the only load of its target: another may have published meanwhile.
    const obstacle = signal.aborted ? signal.reason : (refusal ?? this.#tooLate(next));
    if (obstacle !== undefined) {
      this.#afterwards(this.#takeBack(next, proven));
      throw obstacle;
    }

    if (held !== undefined && !isNew) next.inherit(held);
    const tracked = this.#targets.track(next.target);
    tracked.entry = next;
    this.#cache.put(next, tracked.consumers.size > 0 || next.handle !== undefined);
    this.#published(tracked, held);
    const drainMs = this.#drainMs(held);
    held?.end();
    this.#targets.dropIfIdle(tracked);
    if (isNew) this.#announce(next, held);

    const cut = sharedAbort();
    const late = behind(tracked, next).filter((slot) => !asked.includes(slot));
    const lettingGo = [
      ...proven.map((slot) => slot.adopt(next, cut.signal)),
      ...late.map((slot) => this.#catchUp(slot, next)),
    ];
    if (held !== undefined && isNew) this.#afterwards(this.#drain(held, lettingGo, drainMs, cut));
    return next;
  }

  /** Takes back a version that nobody will use. */
  giveUp(next: Entry): void {
    this.#afterwards(this.#takeBack(next, []));
  }

  /** Brings no consumer to another version any more; drains go on. */
  stop(reason: SecretsError): void {
    this.#stopped.abort(reason);
  }

  /** Ends every drain under way now, and those that begin later. */
  cutDrains(reason: unknown): void {
    this.#cut.abort(reason);
  }

  /** Resolves when every drain under way has ended and its lease is revoked. */
  async settled(): Promise<void> {
    while (this.#aftermath.size > 0) await Promise.all(this.#aftermath);
  }

  /**
   * Has each consumer prove `next`. One refusal holds the version back, but only while the held one may still
   * be used: with nothing else to serve, those that could prove it go on with it, and the others may catch up.
   */
  async #prove(
    next: Entry,
    held: Entry | undefined,
    consumers: readonly ConsumerSlot[],
    signal: AbortSignal,
  ): Promise<Proof> {
    if (consumers.length === 0) return { proven: [], refusal: undefined };
    const heldForMs = (held?.usableUntilMs ?? Number.NEGATIVE_INFINITY) - this.#clock.monotonicMs();
    const isLast = heldForMs <= 0;
    const limitMs = isLast ? this.#limits.proofMs : Math.min(this.#limits.proofMs, heldForMs);
    const proof = await prove(next, consumers, { limitMs, clock: this.#clock, signal });
    return isLast ? { ...proof, refusal: undefined } : proof;
  }

  /** Store and proof may take longer than a short lease lasts: a value is never handed out past its end. */
  #tooLate(next: Entry): SecretsError | undefined {
    const expires = next.lease !== undefined && next.lease.end !== 'rotates';
    return expires && this.#clock.monotonicMs() >= next.usableUntilMs
      ? overBefore(next.target.ref)
      : undefined;
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

  /**
   * The time that consumers have to let go of `held`: its lease, while it lasts, allows no more than what is left.
   * To its very end, not to that of its safe life: what is open already needs no margin.
   */
  #drainMs(held: Entry | undefined): number {
    const isLeased = held?.lease !== undefined && held.lease.end !== 'rotates';
    const isOver = held === undefined || held.usableUntilMs <= this.#clock.monotonicMs();
    if (!isLeased || isOver) return this.#limits.drainMs;
    const endMs = Math.min(
      held.term.sentMs + (held.ttlMs ?? 0),
      held.grant?.untilMs ?? Number.POSITIVE_INFINITY,
    );
    return Math.min(this.#limits.drainMs, endMs - this.#clock.monotonicMs());
  }

  /** Waits for the consumers to let go of `held`, tells those that take too long to cut it short, and revokes it. */
  async #drain(
    held: Entry,
    lettingGo: readonly Promise<void>[],
    limitMs: number,
    cut: AbortController,
  ): Promise<void> {
    const { ref } = held.target;
    this.#targets.leaving.add(held);
    const inTime = await this.#within(limitMs, lettingGo);
    if (!inTime) cut.abort(drainOver(ref));
    this.#diagnostics.emit('secret-drained', { ref, version: held.version, inTime });
    await this.#revocations.revoke(held);
    this.#targets.leaving.delete(held);
    this.#retire(held);
  }

  /** Has those that proved `next` let go of it, and revokes it. */
  async #takeBack(next: Entry, proven: readonly ConsumerSlot[]): Promise<void> {
    next.end();
    const lettingGo = proven.map((slot) => slot.discard(next));
    if (lettingGo.length > 0) await this.#within(this.#limits.drainMs, lettingGo);
    await this.#revocations.revoke(next);
    this.#retire(next);
  }

  /** Brings a consumer that came too late to be asked for a proof to `next`; resolves when it let go of the old. */
  async #catchUp(slot: ConsumerSlot, next: Entry): Promise<void> {
    const inService = () => this.#cache.get(next.target.ref) ?? next;
    const caughtUp = withDeadline((signal) => slot.catchUp(inService, signal), {
      limitMs: this.#limits.proofMs,
      clock: this.#clock,
      signal: this.#stopped.signal,
      hold: false,
    });
    await caughtUp.then(() => slot.letGo).catch(() => {});
  }

  /** Whether all settle within `limitMs`, and before the drains are cut. */
  async #within(limitMs: number, parts: readonly Promise<void>[]): Promise<boolean> {
    const bounds = { limitMs, clock: this.#clock, signal: this.#cut.signal, hold: false };
    return withDeadline(() => Promise.allSettled(parts), bounds).then(
      () => true,
      () => false,
    );
  }

  #afterwards(work: Promise<void>): void {
    const settled = work.finally(() => this.#aftermath.delete(settled));
    this.#aftermath.add(settled);
  }

  /** A version is out of service and its lease has ended: its value is history. */
  #retire(entry: Entry): void {
    const { ref } = entry.target;
    entry.route.runtime.retire(ref, entry, this.#cache.get(ref));
  }
}

/** The consumers that have another version than `next`, or none. */
function behind(tracked: Tracked | undefined, next: Entry): ConsumerSlot[] {
  return [...(tracked?.consumers ?? [])].filter((slot) => slot.adopted?.version !== next.version);
}

function overBefore(ref: string): SecretsError {
  return new SecretsError('timeout', {
    ref,
    problem:
      'Its lease, or the login that it was obtained under, was over before it could come into service.',
    remedy: 'Give it a longer ttl at the store, or lower rotation.proofTimeout.',
  });
}

function drainOver(ref: string): SecretsError {
  return new SecretsError('timeout', {
    ref,
    problem: 'The old version is still in use at the end of the drain.',
    remedy: 'It is cut off now; raise rotation.drainTimeout, or hold connections for less time.',
  });
}
