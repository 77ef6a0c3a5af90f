import { sharedAbort } from '../concurrency/shared-abort.js';
import type { ErrorCode } from '../errors/error-policy.js';
import type { CallOptions, Provider, SessionContract } from '../provider/contract.js';
import type { Clock } from '../time/clock.js';
import { systemClock } from '../time/system-clock.js';
import { CallLog, type CallRecord, type ProviderCall, type ProviderMethod } from './call-log.js';
import { type BadAnswer, spoiling } from './chaos/bad-answer.js';
import {
  type FailureFacts,
  type Fault,
  type FaultScope,
  failing,
  hanging,
  injected,
  type Moment,
  slow,
} from './chaos/fault.js';
import { Faults } from './chaos/faults.js';

/**
 * A provider whose store fails on command. Faults add up: a call meets every one in force that its scope names, in
 * the order in which they began.
 */
export interface ChaosProvider extends Provider, CallRecord {
  /** The store is unreachable: every call is `unavailable`, and open watches break. */
  outage(scope?: FaultScope): Fault;
  /** Calls fail with `code`. */
  fail(code: ErrorCode, scope?: FaultScope & FailureFacts): Fault;
  /** The next `times` calls fail with `code`, one if not said. */
  failNext(code: ErrorCode, times?: number, scope?: Omit<FaultScope, 'times'> & FailureFacts): Fault;
  /** The store is throttling: `rate-limited`, with the Retry-After that it asks for. */
  throttle(retryAfterMs: number, scope?: FaultScope): Fault;
  /**
   * Calls get no answer until the fault ends (then they go on, as when a stopped process is continued) or their
   * caller leaves. With `deaf` not even then: a client that ignores its signal.
   */
  hang(scope?: FaultScope & Moment & { readonly deaf?: boolean }): Fault;
  /** Calls take `latencyMs` longer, on the caller's clock. */
  slow(latencyMs: number, scope?: FaultScope & Moment): Fault;
  /** The store acts and answers nonsense. */
  answerBadly(kind: BadAnswer, scope?: FaultScope): Fault;
  /** Breaks every open watch; the next one begins as if nothing had been. */
  cutWatches(code?: ErrorCode): void;
  /** Hints of open watches are lost. */
  loseHints(scope?: Omit<FaultScope, 'only'>): Fault;
  /** Ends every fault. Calls that hung go on. */
  heal(): void;
}

type Meet = <Result>(
  method: ProviderMethod,
  subject: string,
  options: Pick<CallOptions, 'signal' | 'clock'>,
  act: () => Promise<Result>,
) => Promise<Result>;

/**
 * Wraps a provider so that a test can make its store fail, hang, slow down, talk nonsense, and heal again.
 *
 * Has the optional methods that `inner` has. `calls` are all that came, whether or not they reached the store.
 *
 * ```ts
 * const clock = fakeClock();
 * const chaos = chaosProvider(memoryProvider({ clock }), { clock });
 * const secrets = createSecrets({ providers: { store: chaos }, clock });
 * chaos.outage({ forMs: 600_000 });
 * chaos.failNext('rate-limited', 3, { only: 'renew', retryAfterMs: 5_000 });
 * chaos.heal();
 * ```
 *
 * @param options.clock by which faults end; default the host's
 */
export function chaosProvider(
  inner: Provider,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): ChaosProvider {
  const log = new CallLog(clock);
  const faults = new Faults(clock);
  const lostHints = new Faults(clock);
  let watches = sharedAbort();

  const call: Meet = (method, subject, options, act) =>
    log.run(method, subject, (made) =>
      faults.meet(made, { signal: options.signal, clock: options.clock }, act),
    );

  const cutWatches = (code: ErrorCode = 'unavailable') => {
    watches.abort(injected(code));
    watches = sharedAbort();
  };

  async function* watch(...[ref, options]: Parameters<NonNullable<Provider['watch']>>): AsyncIterable<void> {
    await call('watch', ref.path, options, async () => {});
    const cut = watches.signal;
    const signal = AbortSignal.any([options.signal, cut]);
    const hint: ProviderCall = { method: 'watch', subject: ref.path, atMs: clock.monotonicMs() };
    for await (const _ of inner.watch?.(ref, { ...options, signal }) ?? []) {
      if (cut.aborted) break;
      if (!lostHints.meets(hint)) yield;
    }
    if (!options.signal.aborted) cut.throwIfAborted();
  }

  async function* list(...[prefix, options]: Parameters<NonNullable<Provider['list']>>) {
    await call('list', prefix, options, async () => {});
    yield* inner.list?.(prefix, options) ?? [];
  }

  const { fetchMany, renew, revoke, session, close } = inner;
  const here = { signal: sharedAbort().signal, clock };
  return {
    name: inner.name,
    ...(inner.addresses && { addresses: inner.addresses }),
    fetch: (ref, options) => call('fetch', ref.path, options, () => inner.fetch(ref, options)),
    ...(fetchMany && {
      fetchMany: (refs, options) =>
        call('fetchMany', refs.map(({ path }) => path).join(), options, () =>
          fetchMany.call(inner, refs, options),
        ),
    }),
    ...(renew && {
      renew: (id, options) => call('renew', id, options, () => renew.call(inner, id, options)),
    }),
    ...(revoke && {
      revoke: (id, options) => call('revoke', id, options, () => revoke.call(inner, id, options)),
    }),
    ...(inner.watch && { watch }),
    ...(inner.list && { list }),
    ...(session && { session: wrapped(session, call) }),
    ...(close && { close: () => call('close', '', here, () => close.call(inner)) }),

    outage(scope = {}) {
      const fault = faults.begin(failing('unavailable', {}), scope);
      cutWatches();
      return fault;
    },
    fail: (code, scope = {}) => faults.begin(failing(code, scope), scope),
    failNext: (code, times = 1, scope = {}) => faults.begin(failing(code, scope), { ...scope, times }),
    throttle: (retryAfterMs, scope = {}) =>
      faults.begin(failing('rate-limited', { retryAfterMs, status: 429 }), scope),
    hang: (scope = {}) => faults.begin(hanging(scope), scope),
    slow: (latencyMs, scope = {}) => faults.begin(slow(latencyMs, scope), scope),
    answerBadly: (kind, scope = {}) => faults.begin(spoiling(kind), scope),
    cutWatches,
    loseHints: (scope = {}) => lostHints.begin(({ proceed }) => proceed(), scope),
    heal() {
      faults.heal();
      lostHints.heal();
    },
    calls: log.calls,
    count: (method, subject) => log.count(method, subject),
    peak: (method, subject) => log.peak(method, subject),
  };
}

function wrapped(session: SessionContract, call: Meet): SessionContract {
  const { renew, revoke, isAlive } = session;
  return {
    login: (options) => call('login', '', options, () => session.login(options)),
    ...(renew && {
      renew: (credential, options) =>
        call('renewLogin', '', options, () => renew.call(session, credential, options)),
    }),
    ...(revoke && {
      revoke: (credential, options) =>
        call('revokeLogin', '', options, () => revoke.call(session, credential, options)),
    }),
    ...(isAlive && {
      isAlive: (credential, options) =>
        call('isAlive', '', options, () => isAlive.call(session, credential, options)),
    }),
  };
}
