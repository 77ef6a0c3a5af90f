import { freshness } from './cache/freshness.js';
import type { SecretCache } from './cache/secret-cache.js';
import type { InventoryItem } from './health.js';
import type { LeaseManager } from './lease/lease-manager.js';
import type { Resolver } from './resolver.js';
import type { Clock } from './time/clock.js';
import { dateOf } from './time/system-clock.js';

/** Every secret held, as it stands now. Never a value. */
export function inventoryOf(parts: {
  readonly cache: SecretCache;
  readonly leases: LeaseManager;
  readonly resolver: Resolver;
  readonly clock: Clock;
}): InventoryItem[] {
  const { cache, leases, resolver } = parts;
  const nowMs = parts.clock.monotonicMs();
  return Array.from(cache.entries(), (entry): InventoryItem => {
    const { target, term, lease } = entry;
    const expires = lease !== undefined && lease.end !== 'rotates';
    const untilMs = Math.max(term.sentMs, expires ? entry.usableUntilMs : entry.freshUntilMs);
    return {
      ref: target.ref,
      provider: entry.route.runtime.alias,
      version: entry.version,
      state: freshness(entry, nowMs),
      ageMs: nowMs - entry.sentMs,
      expiresAt: dateOf(term.sentWallMs + untilMs - term.sentMs),
      lease: lease && { remainingMs: untilMs - nowMs, renewable: entry.handle?.renewable === true },
      consumers: leases.consumersOf(target),
      failing: leases.failureOf(target) ?? resolver.failureOf(target)?.code,
    };
  });
}
