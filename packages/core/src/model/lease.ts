/**
 * What a backend promises about a value: durations, never dates, because only the core reads a clock.
 * It counts from when the request was sent.
 */
export interface Lease {
  /** How long the promise holds, in milliseconds from when the request was sent. */
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
