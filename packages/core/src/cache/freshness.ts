import type { Lease } from '../model/lease.js';
import type { Entry, Term } from './entry.js';

/**
 * What may be done with a held value at a moment.
 *
 * - `fresh`: hand it out.
 * - `stale`: hand it out, marked, and refresh it meanwhile.
 * - `due`: its backend replaces it about now: wait for the refresh; hand it out, marked, if that fails in a way
 *   that allows it.
 * - `expired`: wait for the refresh; it must not be handed out.
 */
export type Freshness = 'fresh' | 'stale' | 'due' | 'expired';

/** The freshness of a held value at `nowMs`. No grace crosses the end of a lease that expires. */
export function freshness(
  held: Pick<Entry, 'lease' | 'freshUntilMs' | 'usableUntilMs'>,
  nowMs: number,
): Freshness {
  if (nowMs < held.freshUntilMs) return 'fresh';
  if (nowMs >= held.usableUntilMs) return 'expired';
  return held.lease?.end === 'rotates' ? 'due' : 'stale';
}

/** How long the cache keeps what no lease governs, in milliseconds. */
export interface CachePolicy {
  readonly ttlMs: number;
  readonly maxStaleMs: number;
}

/**
 * The time a lease leaves for safe use, counted from when its request was sent: its ttl less the smaller of 2 s
 * and a tenth, so that clock skew and a slow answer cannot carry a value past its end.
 */
export function safeLifeMs(ttlMs: number): number {
  return ttlMs - Math.min(2_000, ttlMs / 10);
}

/**
 * The term of a value.
 *
 * With a lease that expires, fresh and usable end together at its safe life: the cache ttl does not shorten it,
 * because asking again for a leased secret makes a new one. With a lease that rotates, fresh ends with its ttl
 * and `maxStale` is left for a store that is down. Without a lease, the policy decides.
 */
export function termOf(
  sent: { readonly sentMs: number; readonly sentWallMs: number },
  lease: Lease | undefined,
  policy: CachePolicy,
): Term {
  if (lease !== undefined && lease.end !== 'rotates') {
    const untilMs = sent.sentMs + safeLifeMs(lease.ttlMs);
    return termUntil(sent, untilMs, untilMs);
  }
  const freshUntilMs = sent.sentMs + (lease?.ttlMs ?? policy.ttlMs);
  return termUntil(sent, freshUntilMs, freshUntilMs + policy.maxStaleMs);
}

/** Field by field: a spread would give each term a hidden class of its own, of 200 bytes, and slow every read. */
function termUntil(
  { sentMs, sentWallMs }: { readonly sentMs: number; readonly sentWallMs: number },
  freshUntilMs: number,
  usableUntilMs: number,
): Term {
  return { sentMs, sentWallMs, freshUntilMs, usableUntilMs };
}
