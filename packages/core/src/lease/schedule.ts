import type { ErrorCode } from '../errors/error-policy.js';
import type { Lease } from '../model/lease.js';

/*
 * When to act on a lease. Pure: all times in milliseconds, counted from when the request was sent, all
 * randomness given as a number in [0, 1): `phase` is the instance's own and stays the same over restarts, so
 * that a fleet spreads out; `random` is drawn for each retry.
 */

/** What to do next about a held version. */
export interface Plan {
  readonly action: 'renew' | 'rotate' | 'poll';
  readonly afterMs: number;
}

/** What a plan is made from. */
export interface PlanFacts {
  readonly lease: Lease | undefined;
  /** The ttl of the current term: shorter than the lease's own once a renewal met the maximum. */
  readonly ttlMs: number | undefined;
  readonly renewable: boolean;
  /** How long the cache keeps what no lease governs. */
  readonly cacheTtlMs: number;
  /** Whether anybody holds on to the secret. Without, only leases are acted on. */
  readonly consumed: boolean;
}

/** The shortest pause between two polls of a value without a lease, whatever the cache ttl, in milliseconds. */
const SHORTEST_POLL_MS = 1_000;

/**
 * The next action on a version, or undefined when reads alone decide.
 *
 * - A renewable lease is renewed at U(0.60, 0.70) of its ttl.
 * - One that is not, and a certificate, is replaced at U(0.75, 0.85).
 * - A value that its backend replaces (a static role) is asked for just after: ttl + U(0.5 s, 1 s).
 * - A consumed value without a lease is polled within the last tenth of the cache ttl.
 */
export function plan(facts: PlanFacts, phase: number): Plan | undefined {
  const { lease, ttlMs, consumed, cacheTtlMs } = facts;
  if (lease === undefined || ttlMs === undefined) {
    const afterMs = Math.max(SHORTEST_POLL_MS, cacheTtlMs * (1 - 0.1 * phase));
    return consumed ? { action: 'poll', afterMs } : undefined;
  }
  if (lease.end === 'rotates') {
    return consumed ? { action: 'poll', afterMs: ttlMs + 1_000 - 500 * phase } : undefined;
  }
  return facts.renewable
    ? { action: 'renew', afterMs: ttlMs * (0.7 - 0.1 * phase) }
    : { action: 'rotate', afterMs: ttlMs * (0.85 - 0.1 * phase) };
}

/**
 * The wait before a failed renewal or rotation is tried again: by the time that remains, at most a quarter of
 * it, between 1 s and 60 s, full jitter; at the latest when the lease ends. Never zero while time remains, so
 * that a store in trouble is not hammered.
 */
export function retryAfterMs(remainingMs: number, random: number, askedMs = 0): number {
  const ceilingMs = Math.min(60_000, Math.max(1_000, remainingMs / 4));
  const delayMs = 1_000 + random * (ceilingMs - 1_000);
  return Math.min(Math.max(delayMs, askedMs), remainingMs);
}

/** The wait before a secret without a usable value is asked for again: 1 s doubling to 60 s, full jitter above 1 s. */
export function refetchAfterMs(failures: number, random: number, askedMs = 0): number {
  const ceilingMs = Math.min(60_000, 1_000 * 2 ** Math.min(failures, 6));
  return Math.max(askedMs, 1_000 + random * (ceilingMs - 1_000));
}

/**
 * Whether a renewal met the lease's maximum: it returned less than was asked for. A second and a hundredth are
 * allowed for backends that count in whole seconds.
 */
export function isNearMaximum(askedMs: number, grantedMs: number): boolean {
  return grantedMs < askedMs - Math.max(1_000, askedMs / 100);
}

/** Whether a renewal that keeps failing should give way to a new lease: the last fifth of the life has begun. */
export function shouldReplace(ttlMs: number, remainingMs: number): boolean {
  return remainingMs < ttlMs / 5;
}

/** Whether a failed renewal says that this lease cannot be renewed again: it is replaced, once. */
export function isOver(code: ErrorCode): boolean {
  return (
    code === 'lease-lost' || code === 'permission-denied' || code === 'not-found' || code === 'unsupported'
  );
}

/** A number in [0, 1) that is the same for the same instance and reference, and spreads over a fleet (FNV-1a). */
export function phaseOf(instance: string, ref: string): number {
  let hash = 0x811c9dc5;
  for (const unit of `${instance}\n${ref}`) {
    hash = Math.imul(hash ^ (unit.codePointAt(0) as number), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
