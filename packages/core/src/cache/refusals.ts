import { LRUCache } from 'lru-cache';
import type { ErrorCode } from '../errors/error-policy.js';
import type { SecretsError } from '../errors/secrets-error.js';

/** A failure that answers for its reference until `untilMs` on the steady clock. */
export interface Refusal {
  readonly error: SecretsError;
  readonly untilMs: number;
  /** How many failures came in a row. */
  readonly count: number;
}

/**
 * How long a failure answers for its reference before the store is asked again, in milliseconds.
 *
 * `not-found` 30 s; `permission-denied` 30 s doubling to 5 min; anything else 1 s doubling to 10 s, or as long
 * as the backend asked for, up to 5 min: one absurd Retry-After must not shut a service out for a day. `jitter` in
 * [0, 1) takes up to a quarter off, so that a fleet does not return as one.
 */
export function refusalMs(error: SecretsError, count: number, jitter: number): number {
  const [firstMs, mostMs] = LASTING[error.code] ?? [1_000, 10_000];
  const doubledMs = Math.min(mostMs, firstMs * 2 ** Math.min(count - 1, 16));
  return Math.max(Math.min(error.retryAfterMs ?? 0, MOST_ASKED_MS), doubledMs * (1 - jitter / 4));
}

const MOST_ASKED_MS = 300_000;

const LASTING: Partial<Record<ErrorCode, readonly [firstMs: number, mostMs: number]>> = {
  'not-found': [30_000, 30_000],
  'permission-denied': [30_000, 300_000],
};

/** The recent failures, by canonical reference: what keeps a broken reference from becoming a load on the store. */
export class Refusals {
  readonly #held: LRUCache<string, Refusal>;

  constructor(maxEntries: number) {
    this.#held = new LRUCache({ max: maxEntries });
  }

  /** The failure that answers for `ref` now. */
  get(ref: string, nowMs: number): Refusal | undefined {
    const refusal = this.#held.get(ref);
    return refusal !== undefined && nowMs < refusal.untilMs ? refusal : undefined;
  }

  /** The last failure of `ref`, until a load of it succeeds. */
  last(ref: string): SecretsError | undefined {
    return this.#held.peek(ref)?.error;
  }

  remember(ref: string, error: SecretsError, nowMs: number, jitter: number): void {
    const count = (this.#held.get(ref)?.count ?? 0) + 1;
    this.#held.set(ref, { error, count, untilMs: nowMs + refusalMs(error, count, jitter) });
  }

  forget(ref: string): void {
    this.#held.delete(ref);
  }
}
