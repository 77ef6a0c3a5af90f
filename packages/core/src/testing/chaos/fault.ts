import type { ErrorCode } from '../../errors/error-policy.js';
import { SecretsError } from '../../errors/secrets-error.js';
import type { Clock } from '../../time/clock.js';
import type { ProviderCall, ProviderMethod } from '../call-log.js';

/** Which calls a fault meets, and for how long. Default: every call but `close`, until it is healed. */
export interface FaultScope {
  /** Methods, or a question about each call. */
  readonly only?: ProviderMethod | readonly ProviderMethod[] | ((call: ProviderCall) => boolean);
  /** So many calls, then no more. */
  readonly times?: number;
  /** So long, in milliseconds from when it began. */
  readonly forMs?: number;
}

/** A fault in force. */
export interface Fault {
  /** How many calls it has met. */
  readonly met: number;
  /** Ends it; calls that it held up go on. Idempotent. */
  stop(): void;
}

/** One call on its way to the store. */
export interface CallUnderFault {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The rest of the way: further faults, then the store. */
  proceed(): Promise<unknown>;
}

/** What a fault does to a call. `ended` aborts when the fault is over. */
export type Misdeed = (call: CallUnderFault, ended: AbortSignal) => Promise<unknown>;

/** When in a call a fault strikes. */
export interface Moment {
  /**
   * True: the store has acted by then, and only its answer is held up or lost. A lease issued this way exists at
   * the store and nobody knows of it. Default false: the call never reaches the store.
   */
  readonly afterwards?: boolean;
}

/** What a failing call says besides its code. */
export interface FailureFacts extends Moment {
  readonly retryAfterMs?: number;
  readonly status?: number;
}

/** The error of a fault: told apart from the store's own by its words. */
export function injected(code: ErrorCode, { retryAfterMs, status }: FailureFacts = {}): SecretsError {
  return new SecretsError(code, {
    problem: 'The chaos provider was told to fail.',
    remedy: 'Call heal() of the chaos provider.',
    retryAfterMs,
    status,
  });
}

/** Rejects with `code`. */
export function failing(code: ErrorCode, facts: FailureFacts): Misdeed {
  return async ({ proceed }) => {
    if (facts.afterwards === true) await proceed();
    throw injected(code, facts);
  };
}

/** Holds the call up until the fault ends or its caller leaves; `deaf` does not notice that either. */
export function hanging({ afterwards = false, deaf = false }: Moment & { readonly deaf?: boolean }): Misdeed {
  return async ({ signal, proceed }, ended) => {
    const answer = afterwards ? await proceed() : undefined;
    await either(deaf ? [ended] : [ended, signal]);
    if (!deaf) signal.throwIfAborted();
    return afterwards ? answer : proceed();
  };
}

/** Takes `latencyMs` longer, on the caller's clock. */
export function slow(latencyMs: number, { afterwards = false }: Moment): Misdeed {
  return async ({ signal, clock, proceed }) => {
    const answer = afterwards ? await proceed() : undefined;
    await clock.sleep(latencyMs, { signal, hold: true });
    return afterwards ? answer : proceed();
  };
}

/** Resolves when one of `signals` has aborted. */
function either(signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });
}
