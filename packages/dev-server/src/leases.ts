import type { HostClock, Timer } from '@keyturn/core/provider';
import type { Background } from './background.js';
import { base62 } from './identifiers.js';
import { grantTtl } from './lease-ttl.js';
import type { Mount } from './mounts.js';
import { messageOf, refused } from './refusal.js';
import type { LeaseTerms } from './reply.js';
import { alarmAt } from './time/alarm.js';

/** A failed revocation is tried again after 10 s, doubling, this often; then the lease is given up. */
const MAX_ATTEMPTS = 6;
const RETRY_BASE_MS = 10_000;

/** What a lease can do; the engine that issued it knows how. */
export interface LeaseActions {
  readonly terms: () => LeaseTerms;
  readonly renew: (endMs: number) => Promise<void>;
  readonly revoke: () => Promise<void>;
}

/** A credential that ends. */
export interface Lease {
  readonly id: string;
  readonly path: string;
  readonly issueMs: number;
  expireMs: number;
  lastRenewalMs?: number;
  /** The id of the token that the lease dies with. */
  readonly tokenId: string;
  readonly actions: LeaseActions;
  readonly mount: Mount;
  /** Failed revocations so far. */
  attempts: number;
  revoking?: Promise<void> | undefined;
  timer?: Timer | undefined;
}

/** Every lease, its expiry and its end. */
export interface Leases {
  /** Registers a lease that the caller has just created. */
  issue(path: string, expireMs: number, mount: Mount, tokenId: string, actions: LeaseActions): Lease;
  find(id: string): Lease | undefined;
  under(prefix: string): Lease[];
  /** @throws Refusal 400 for an unknown or expired lease, and when the backend would not renew it */
  renew(
    id: string,
    incrementSeconds: number,
  ): Promise<{ lease: Lease; ttlSeconds: number; warnings: readonly string[] }>;
  /** Revokes now and waits. @throws Refusal 400 with the backend's reason; the lease then lives on */
  revoke(lease: Lease): Promise<void>;
  /** Ends a lease at once and lets the backend follow, repeating until it does. */
  expire(lease: Lease): void;
  /** Forgets a lease without asking the backend. */
  forget(lease: Lease): void;
  expireOfToken(tokenId: string): void;
  /** Revocations that were given up. */
  readonly irrevocable: number;
  /** Stops every timer, for good. */
  close(): void;
}

export function createLeases(clock: HostClock, background: Background): Leases {
  const leases = new Map<string, Lease>();
  let closed = false;

  const watch = (lease: Lease, dueMs: number) => {
    lease.timer?.cancel();
    if (!closed) lease.timer = alarmAt(clock, dueMs, () => background.run(() => end(lease)));
  };

  const forget = (lease: Lease) => {
    lease.timer?.cancel();
    leases.delete(lease.id);
  };

  /** One attempt at a time for a lease, whoever asks. */
  const attempt = (lease: Lease) => {
    lease.revoking ??= lease.actions
      .revoke()
      .then(() => forget(lease))
      .finally(() => {
        lease.revoking = undefined;
      });
    return lease.revoking;
  };

  /** Revokes a lease that is over; on failure tries again later, in longer and longer steps. */
  const end = async (lease: Lease) => {
    if (!leases.has(lease.id)) return;
    try {
      await attempt(lease);
    } catch {
      lease.attempts += 1;
      if (lease.attempts < MAX_ATTEMPTS) {
        watch(lease, clock.wallMs() + RETRY_BASE_MS * 2 ** (lease.attempts - 1));
      }
    }
  };

  /** Grants a new ttl and tells the backend of it. */
  const extended = async (lease: Lease, incrementSeconds: number, nowMs: number) => {
    const granted = grantTtl({
      incrementSeconds,
      ...lease.actions.terms(),
      mountDefaultSeconds: lease.mount.config.defaultLeaseTtlSeconds,
      mountMaxSeconds: lease.mount.config.maxLeaseTtlSeconds,
      nowMs,
      startMs: lease.issueMs,
    });
    await lease.actions.renew(nowMs + granted.ttlSeconds * 1000);
    return granted;
  };

  const expire = (lease: Lease) => {
    lease.expireMs = Math.min(lease.expireMs, clock.wallMs());
    lease.timer?.cancel();
    background.run(() => end(lease));
  };

  return {
    issue(path, expireMs, mount, tokenId, actions) {
      const lease: Lease = {
        id: `${path}/${base62(24)}`,
        path,
        issueMs: clock.wallMs(),
        expireMs,
        tokenId,
        actions,
        mount,
        attempts: 0,
      };
      leases.set(lease.id, lease);
      watch(lease, lease.expireMs);
      return lease;
    },
    find: (id) => leases.get(id),
    under: (prefix) => [...leases.values()].filter((lease) => lease.id.startsWith(prefix)),
    async renew(id, incrementSeconds) {
      const lease = leases.get(id);
      const nowMs = clock.wallMs();
      if (lease === undefined || lease.expireMs <= nowMs) throw refused('lease not found');
      const { ttlSeconds, warnings } = await extended(lease, incrementSeconds, nowMs).catch((error) => {
        throw refused(`failed to renew entry: resp: (*logical.Response)(nil) err: ${messageOf(error)}`);
      });
      const expireMs = nowMs + ttlSeconds * 1000;
      lease.expireMs = expireMs;
      lease.lastRenewalMs = nowMs;
      watch(lease, expireMs);
      return { lease, ttlSeconds, warnings };
    },
    async revoke(lease) {
      try {
        await attempt(lease);
      } catch (error) {
        throw refused(`failed to revoke entry: resp: (*logical.Response)(nil) err: ${messageOf(error)}`);
      }
    },
    expire,
    forget,
    expireOfToken(tokenId) {
      for (const lease of leases.values()) if (lease.tokenId === tokenId) expire(lease);
    },
    get irrevocable() {
      return [...leases.values()].filter(({ attempts }) => attempts >= MAX_ATTEMPTS).length;
    },
    close() {
      closed = true;
      for (const lease of leases.values()) lease.timer?.cancel();
    },
  };
}

/** The whole seconds until `expireMs`, as lookups print them: the clock is rounded to a second first. */
export function remainingSeconds(expireMs: number, nowMs: number): number {
  if (expireMs <= nowMs) return 0;
  return Math.max(0, Math.trunc((expireMs - Math.round(nowMs / 1000) * 1000) / 1000));
}
