import {
  createSecrets,
  fallback,
  type Secrets,
  type SecretsConfig,
  type SecretsEvent,
  type SecretsEvents,
} from '@keyturn/core';
import { type FakeClock, fakeClock } from '@keyturn/core/testing';
// The core imports it at its first call, which must not take time of its own here.
import 'opossum';
import { afterEach, expect } from 'vitest';
import { Store, type StoreOptions } from './store.js';

/** An event that was heard, and when. */
export interface Heard {
  readonly event: SecretsEvent;
  readonly payload: SecretsEvents[SecretsEvent];
  readonly atMs: number;
}

/** A store, a clock that only the test moves, and the secrets made from both. */
export interface World {
  readonly clock: FakeClock;
  readonly store: Store;
  /** The store that stands in for it, where the test wants one. */
  readonly standby: Store;
  readonly secrets: Secrets;
  /** Everything that the secrets told about themselves, in order. */
  readonly heard: readonly Heard[];
  /** The payloads of one event. */
  of<Event extends SecretsEvent>(event: Event): SecretsEvents[Event][];
  /** Closes the secrets, letting as much time pass as that takes. Resolves with how much. */
  close(): Promise<number>;
}

export interface WorldOptions extends StoreOptions {
  readonly config?: Omit<SecretsConfig, 'providers' | 'clock'>;
  readonly seed?: number;
  /** False: nobody listens, so that warnings are given. */
  readonly listens?: boolean;
  /** Has a second store stand in for the first. */
  readonly standby?: StoreOptions;
}

export const EVENTS: readonly SecretsEvent[] = [
  'secret-loaded',
  'secret-rotated',
  'secret-drained',
  'lease-renewed',
  'lease-expired',
  'lease-revoked',
  'refresh-failed',
  'stale-served',
  'breaker-changed',
  'session-started',
  'session-renewed',
  'session-lost',
];

const worlds = new Set<World>();

/**
 * Makes a world. When the test is over it is closed and checked: whatever a test was about, no timer may be left
 * and, unless its store is down, no lease and no login.
 */
export function world({
  config,
  seed = 1,
  listens = true,
  standby: standbyOptions,
  ...storeOptions
}: WorldOptions = {}): World {
  const clock = fakeClock({ seed });
  const store = new Store(clock, storeOptions);
  const standby = new Store(clock, standbyOptions);
  const secrets = createSecrets({
    providers: {
      s: standbyOptions === undefined ? store.provider : fallback(store.provider, standby.provider),
    },
    clock,
    instance: 'test-instance',
    ...config,
  });
  const heard: Heard[] = [];
  for (const event of listens ? EVENTS : []) {
    secrets.on(event, (payload) => heard.push({ event, payload, atMs: clock.monotonicMs() }));
  }
  const made: World = {
    clock,
    store,
    standby,
    secrets,
    heard,
    of: (event) =>
      heard.flatMap((each) => (each.event === event ? [each.payload as SecretsEvents[typeof event]] : [])),
    async close() {
      const startMs = clock.monotonicMs();
      await until(clock, secrets.close());
      return clock.monotonicMs() - startMs;
    },
  };
  worlds.add(made);
  return made;
}

/** Lets time pass, a little at a time and at most for `limitMs`, until `promise` settles. */
export async function until<Result>(
  clock: FakeClock,
  promise: Promise<Result>,
  limitMs = 120_000,
): Promise<Result> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  promise.then(settle, settle);
  await clock.settle();
  for (let passedMs = 0; !isSettled && passedMs < limitMs; passedMs += 50) await clock.advance(50);
  if (!isSettled) throw new Error(`not settled after ${limitMs} ms`);
  return promise;
}

/** What a promise was rejected with, as far as a test looks at it. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: { code?: string }) => String(error.code),
  );
}

afterEach(async () => {
  const left = [...worlds];
  worlds.clear();
  for (const { clock, store, standby, secrets } of left) {
    await until(clock, secrets.close());
    expect(clock.pending, 'timers after close').toBe(0);
    for (const each of [store, standby].filter(({ isDown }) => !isDown)) {
      expect(each.live(), 'leases after close').toEqual([]);
      expect(each.liveSessions(), 'logins after close').toEqual([]);
    }
  }
});
