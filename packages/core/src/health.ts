import type { Freshness } from './cache/freshness.js';
import type { ErrorCode } from './errors/error-policy.js';
import type { Route } from './provider/router.js';
import type { BreakerState } from './resilience/breaker.js';
import type { dateOf } from './time/system-clock.js';

/** One secret that is held. */
export interface InventoryItem {
  readonly ref: string;
  /** Its alias; `alias/2` where it came from the second store of a `fallback`. */
  readonly provider: string;
  readonly version: string;
  readonly state: Freshness;
  /** Since the request that brought it was sent. */
  readonly ageMs: number;
  /** When its lease or cache ttl ends. */
  readonly expiresAt: ReturnType<typeof dateOf>;
  readonly lease: { readonly remainingMs: number; readonly renewable: boolean } | undefined;
  /** How many pools, watchers and the like hold on to it, and how many of them are at this version. */
  readonly consumers: { readonly total: number; readonly adopted: number };
  /** Why the last attempt to renew or refresh it failed; undefined once one succeeds. */
  readonly failing: ErrorCode | undefined;
}

/** How a provider stands, or one of its addresses. */
export interface ProviderHealth {
  readonly provider: string;
  /** Where it has several. */
  readonly address?: string;
  readonly breaker: BreakerState;
  /** Whether that address failed a moment ago, and comes after the provider's other addresses for a while. */
  readonly resting?: boolean;
}

/** How a service stands with its secrets. */
export interface Health {
  /** `ok`; `degraded`: everything is at hand but something fails; `failing`: something needed is not at hand. */
  readonly status: 'ok' | 'degraded' | 'failing';
  /** References that a pool, a watcher or another consumer needs, and that have no usable version. */
  readonly missing: readonly string[];
  /** References that are held, and whose last refresh or renewal failed. */
  readonly failing: readonly string[];
  readonly providers: readonly ProviderHealth[];
}

/** Judges: pure. */
export function healthOf(
  items: readonly InventoryItem[],
  missing: readonly string[],
  routes: readonly Route[],
  nowMs: number,
): Health {
  const failing = items.filter((item) => item.failing !== undefined).map((item) => item.ref);
  const providers = routes.flatMap(({ runtime, failover }) =>
    failover.places.map((place) => ({
      provider: runtime.alias,
      ...(place.address === undefined
        ? {}
        : { address: place.address, resting: failover.isResting(place, nowMs) }),
      breaker: place.breaker.state,
    })),
  );
  const isWell =
    failing.length === 0 &&
    providers.every(({ breaker, resting }) => breaker === 'closed' && resting !== true);
  return { status: missing.length > 0 ? 'failing' : isWell ? 'ok' : 'degraded', missing, failing, providers };
}
