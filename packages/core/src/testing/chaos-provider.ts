import type { ErrorCode } from '../errors/error-policy.js';
import { SecretsError } from '../errors/secrets-error.js';
import type { CallOptions, Provider } from '../provider/contract.js';

/** What a disturbed call does. */
export type Disturbance =
  | { readonly fail: ErrorCode; readonly retryAfterMs?: number }
  /** Answers nothing until the caller gives up. */
  | 'hang'
  /** Waits for so many milliseconds on the caller's clock, then goes on. */
  | { readonly latencyMs: number };

type Method = 'fetch' | 'renew' | 'revoke' | 'login';

/** A provider that fails on demand. */
export interface ChaosProvider extends Provider {
  /** Disturbs every call from here on, or only those of `methods`. */
  disturb(disturbance: Disturbance, methods?: readonly Method[]): void;
  /** Disturbs the next `count` calls, then no more. */
  disturbNext(count: number, disturbance: Disturbance, methods?: readonly Method[]): void;
  /** The store is unreachable until `heal()`. */
  outage(): void;
  /** Disturbs no more. Calls that hang go on hanging, as they do. */
  heal(): void;
  /** How many calls were disturbed. */
  readonly disturbed: number;
}

/**
 * Wraps a provider so that a test can make its store fail, hang or slow down, and heal again.
 *
 * ```ts
 * const chaos = chaosProvider(memoryProvider({ clock }));
 * chaos.outage();
 * await clock.advance(10_000);
 * chaos.heal();
 * ```
 */
export function chaosProvider(inner: Provider): ChaosProvider {
  let current: { disturbance: Disturbance; methods: readonly Method[] | undefined; left: number } | undefined;
  let disturbed = 0;

  async function meet(method: Method, { signal, clock }: Omit<CallOptions, 'session'>): Promise<void> {
    if (current === undefined || current.methods?.includes(method) === false) return;
    const { disturbance } = current;
    disturbed++;
    if (--current.left <= 0) current = undefined;
    if (disturbance === 'hang') await untilAborted(signal);
    else if ('latencyMs' in disturbance) await clock.sleep(disturbance.latencyMs, { signal, hold: true });
    else throw failure(disturbance.fail, disturbance.retryAfterMs);
  }

  const { renew, revoke, session, watch, list, close } = inner;
  return {
    name: inner.name,
    disturb(disturbance, methods) {
      current = { disturbance, methods, left: Number.POSITIVE_INFINITY };
    },
    disturbNext(count, disturbance, methods) {
      current = { disturbance, methods, left: count };
    },
    outage() {
      this.disturb({ fail: 'unavailable' });
    },
    heal() {
      current = undefined;
    },
    get disturbed() {
      return disturbed;
    },

    async fetch(ref, options) {
      await meet('fetch', options);
      return inner.fetch(ref, options);
    },
    ...(renew && {
      renew: async (leaseId, options) => {
        await meet('renew', options);
        return renew.call(inner, leaseId, options);
      },
    }),
    ...(revoke && {
      revoke: async (leaseId, options) => {
        await meet('revoke', options);
        return revoke.call(inner, leaseId, options);
      },
    }),
    ...(session && {
      session: {
        ...session,
        login: async (options) => {
          await meet('login', options);
          return session.login(options);
        },
      },
    }),
    ...(watch && { watch: watch.bind(inner) }),
    ...(list && { list: list.bind(inner) }),
    ...(close && { close: close.bind(inner) }),
  };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function failure(code: ErrorCode, retryAfterMs: number | undefined): SecretsError {
  return new SecretsError(code, {
    problem: 'The store was told to fail.',
    remedy: 'Call heal() of the chaos provider.',
    retryAfterMs,
  });
}
