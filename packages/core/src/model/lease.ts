import { SecretsError } from '../errors/secrets-error.js';

/**
 * What a backend promises about a value: durations, never dates, because only the core reads a clock.
 * It counts from when the request was sent.
 */
export interface Lease {
  /** How long the promise holds, in milliseconds from when the request was sent. Zero only where `end` is `rotates`. */
  readonly ttlMs: number;
  /** Absent: nothing to renew or revoke (a static role, a certificate). */
  readonly handle?: LeaseHandle;
  /**
   * What happens at the end of the ttl. `expires` (default): the value dies, so it is replaced before.
   * `rotates`: the backend replaces the value at that moment and not earlier, so the core asks just after.
   */
  readonly end?: 'expires' | 'rotates';
}

/** What a backend calls a lease. The id is not a secret, but it is not printed either. */
export interface LeaseHandle {
  readonly id: string;
  readonly renewable: boolean;
}

/** A hundred years: what is longer is a mistake, and no date. */
const LONGEST_MS = 100 * 366 * 86_400_000;

/**
 * Refuses a lease without a length. One of NaN or zero would be renewed without end, or stop every timer.
 *
 * A ttl of zero is right only for a value that `rotates`: its backend is about to replace it.
 *
 * @throws SecretsError `bad-response`
 */
export function checkLease(lease: Lease | undefined): asserts lease is Lease {
  const ttlMs = lease?.ttlMs;
  checkHandle(lease?.handle);
  if (
    typeof ttlMs === 'number' &&
    ttlMs <= LONGEST_MS &&
    (ttlMs > 0 || (ttlMs === 0 && lease?.end === 'rotates'))
  ) {
    return;
  }
  throw new SecretsError('bad-response', {
    problem:
      'The lease has no length: its ttl is missing, zero, negative, no number, or longer than a hundred years.',
    remedy: 'Check what answers at the provider’s address; the value held before stays.',
  });
}

function checkHandle(handle: LeaseHandle | undefined): void {
  if (handle === undefined) return;
  if (typeof handle === 'object' && handle !== null && typeof handle.id === 'string') return;
  throw new SecretsError('bad-response', {
    problem: 'The lease has a handle without an id.',
    remedy: 'A provider leaves the handle out where there is nothing to renew or revoke.',
  });
}
