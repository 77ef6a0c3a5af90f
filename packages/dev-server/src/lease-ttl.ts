import { failed } from './refusal.js';
import { shortDuration } from './time/go-duration.js';

/** The server's own default and maximum: 768 h. */
export const SYSTEM_TTL_SECONDS = 2_764_800;

/** What decides how long a lease or token may live. All in seconds; 0 or absent: not set. */
export interface TtlRequest {
  /** What the caller asks for. */
  readonly incrementSeconds?: number;
  /** What the role gives when nothing is asked for. */
  readonly defaultSeconds?: number;
  /** A periodic token: each renewal gives this, and `maxSeconds` does not end it. */
  readonly periodSeconds?: number;
  /** The role's maximum, counted from `startMs`. */
  readonly maxSeconds?: number;
  /** The token's own maximum, which holds for periodic tokens too. */
  readonly explicitMaxSeconds?: number;
  /** The mount's limits; the system's where it has none. */
  readonly mountDefaultSeconds?: number;
  readonly mountMaxSeconds?: number;
  readonly nowMs: number;
  /** When the lease was issued; absent for a new one. */
  readonly startMs?: number;
}

/** The granted ttl, and what to tell the caller when it is shorter than asked. */
export interface GrantedTtl {
  readonly ttlSeconds: number;
  readonly warnings: readonly string[];
}

/**
 * The ttl of a new or renewed lease: what was asked, capped by what is left until its maximum.
 *
 * Both moments are cut to whole seconds first, as the server does; so a lease with a maximum of 12 s, renewed after
 * 3.1 s, gets 9 s and a warning.
 *
 * @throws Refusal 500 once the maximum has passed
 */
export function grantTtl(request: TtlRequest): GrantedTtl {
  const nowSeconds = Math.floor(request.nowMs / 1000);
  const startSeconds = request.startMs === undefined ? nowSeconds : Math.floor(request.startMs / 1000);
  const maxSeconds = Math.min(
    ...[
      request.mountMaxSeconds || SYSTEM_TTL_SECONDS,
      request.maxSeconds ?? 0,
      request.explicitMaxSeconds ?? 0,
    ].filter((limit) => limit > 0),
  );
  const warnings: string[] = [];
  let ttlSeconds: number;
  let endSeconds: number | undefined;

  if ((request.periodSeconds ?? 0) > 0) {
    ttlSeconds = request.periodSeconds as number;
    if (ttlSeconds > maxSeconds) {
      warnings.push(
        `period of "${shortDuration(ttlSeconds)}" exceeded the effective max_ttl of "${shortDuration(maxSeconds)}"; period value is capped accordingly`,
      );
      ttlSeconds = maxSeconds;
    }
    if ((request.explicitMaxSeconds ?? 0) > 0) {
      endSeconds = startSeconds + (request.explicitMaxSeconds as number);
    }
  } else {
    ttlSeconds =
      request.incrementSeconds || request.defaultSeconds || request.mountDefaultSeconds || SYSTEM_TTL_SECONDS;
    endSeconds = startSeconds + maxSeconds;
  }

  if (endSeconds !== undefined) {
    const leftSeconds = endSeconds - nowSeconds;
    if (leftSeconds <= 0) throw failed('past the max TTL, cannot renew');
    if (ttlSeconds > leftSeconds) {
      warnings.push(
        `TTL of "${shortDuration(ttlSeconds)}" exceeded the effective max_ttl of "${shortDuration(leftSeconds)}"; TTL value is capped accordingly`,
      );
      ttlSeconds = leftSeconds;
    }
  }
  return { ttlSeconds, warnings };
}
