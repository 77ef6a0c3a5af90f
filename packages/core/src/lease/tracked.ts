import type { Entry } from '../cache/entry.js';
import type { SecretCache } from '../cache/secret-cache.js';
import type { ErrorCode } from '../errors/error-policy.js';
import type { Target } from '../provider/target.js';
import type { ConsumerSlot } from './consumer-slot.js';
import { phaseOf } from './schedule.js';
import type { Task, TimerQueue } from './timer-queue.js';

/** Does what is due for a target. */
export type Act = (tracked: Tracked) => void;

/** What is known of one target: the version in service, who holds on to it, and what happens next and when. */
export class Tracked implements Task {
  readonly target: Target;
  /** Where in the jitter window this instance acts on this target, in [0, 1). */
  readonly phase: number;
  readonly consumers = new Set<ConsumerSlot>();
  /** The version in service; undefined before the first and after its lease ended. */
  entry: Entry | undefined;
  /** The next action, and its place on the queue. */
  action: 'renew' | 'replace' = 'replace';
  atMs = 0;
  place = -1;
  /** Failures in a row of that action. */
  failures = 0;
  /** Why it failed last; undefined once it succeeds. */
  failing: ErrorCode | undefined;
  /** How often in a row another version was fetched because a backend refused the one in service, and since when. */
  refused: { readonly count: number; readonly sinceMs: number } = NEVER_REFUSED;
  /** Ends the provider's watch. */
  watching: AbortController | undefined;
  readonly #act: Act;

  constructor(target: Target, entry: Entry | undefined, phase: number, act: Act) {
    this.target = target;
    this.entry = entry;
    this.phase = phase;
    this.#act = act;
  }

  run(): void {
    this.#act(this);
  }
}

const NEVER_REFUSED = { count: 0, sinceMs: 0 };

/** The targets under the lease manager's care: those with a lease to keep or a consumer to serve. */
export class TrackedTargets {
  readonly #cache: SecretCache;
  readonly #queue: TimerQueue;
  readonly #instance: string;
  readonly #act: Act;
  readonly #byRef = new Map<string, Tracked>();
  /** Versions that were replaced and are not yet let go of by all. */
  readonly leaving = new Set<Entry>();

  constructor(cache: SecretCache, queue: TimerQueue, instance: string, act: Act) {
    this.#cache = cache;
    this.#queue = queue;
    this.#instance = instance;
    this.#act = act;
  }

  get(target: Target): Tracked | undefined {
    return this.#byRef.get(target.ref);
  }

  all(): Tracked[] {
    return [...this.#byRef.values()];
  }

  /** Takes `target` into care. */
  track(target: Target): Tracked {
    const known = this.#byRef.get(target.ref);
    if (known !== undefined) return known;
    const phase = phaseOf(this.#instance, target.ref);
    const tracked = new Tracked(target, this.#cache.get(target.ref), phase, this.#act);
    this.#byRef.set(target.ref, tracked);
    return tracked;
  }

  /** Whether it is still in care: work that was begun for one that was dropped has nothing to say any more. */
  isCurrent(tracked: Tracked): boolean {
    return this.#byRef.get(tracked.target.ref) === tracked;
  }

  /** Leaves a target to the cache when nobody holds on to it and there is no lease to keep. */
  dropIfIdle(tracked: Tracked): void {
    if (tracked.consumers.size > 0 || tracked.entry?.handle !== undefined || !this.isCurrent(tracked)) return;
    this.#queue.cancel(tracked);
    this.#byRef.delete(tracked.target.ref);
    this.#cache.keep(tracked.target.ref, false);
  }
}
