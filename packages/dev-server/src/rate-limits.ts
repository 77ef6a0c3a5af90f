import type { Clock } from '@keyturn/core/provider';

/** A rate-limit quota: at most `rate` requests in each `intervalSeconds`. */
export interface RateLimit {
  readonly name: string;
  /** Which requests count: those below this mount; empty for all. */
  readonly path: string;
  readonly rate: number;
  readonly intervalSeconds: number;
  /** A client over the limit is refused for this long; 0: until the interval is over. */
  readonly blockSeconds: number;
}

/** Whether a request may pass, and what to tell the client about its allowance. */
export interface RateVerdict {
  readonly allowed: boolean;
  /** `x-ratelimit-*` and `retry-after`, where the server was told to send them. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The quotas. The server counts per client address; here there is one, the loopback. */
export interface RateLimits {
  readonly quotas: Map<string, RateLimit>;
  sendHeaders: boolean;
  /** Counts a request to `path`. */
  take(path: string): RateVerdict;
}

export const UNLIMITED: RateVerdict = { allowed: true, headers: {} };

interface Window {
  startMs: number;
  used: number;
  blockedUntilMs: number;
}

/** Paths that no quota may shut off, so that a probe or an unseal always gets through. */
const EXEMPT = new Set([
  'sys/generate-recovery-token/attempt',
  'sys/generate-recovery-token/update',
  'sys/generate-root/attempt',
  'sys/generate-root/update',
  'sys/health',
  'sys/seal-status',
  'sys/unseal',
]);

export const EXEMPT_PATHS: readonly string[] = [...EXEMPT];

export function createRateLimits(clock: Clock): RateLimits {
  const quotas = new Map<string, RateLimit>();
  const windows = new WeakMap<RateLimit, Window>();
  return {
    quotas,
    sendHeaders: false,
    take(path) {
      const quota = EXEMPT.has(path) ? undefined : mostSpecific(quotas.values(), path);
      if (quota === undefined) return UNLIMITED;
      const nowMs = clock.wallMs();
      const window = windows.get(quota) ?? { startMs: nowMs, used: 0, blockedUntilMs: 0 };
      windows.set(quota, window);

      const blockedMs = window.blockedUntilMs - nowMs;
      if (blockedMs > 0) {
        const headers = this.sendHeaders ? { 'retry-after': wholeSeconds(blockedMs) } : {};
        return { allowed: false, headers };
      }
      if (nowMs - window.startMs >= quota.intervalSeconds * 1000) {
        window.startMs = nowMs;
        window.used = 0;
      }
      const allowed = window.used < quota.rate;
      if (allowed) window.used += 1;
      else if (quota.blockSeconds > 0) window.blockedUntilMs = nowMs + quota.blockSeconds * 1000;

      if (!this.sendHeaders) return { allowed, headers: {} };
      const resetMs = window.startMs + quota.intervalSeconds * 1000 - nowMs;
      const retryMs = quota.blockSeconds > 0 ? window.blockedUntilMs - nowMs : resetMs;
      return {
        allowed,
        headers: {
          'x-ratelimit-limit': String(quota.rate),
          'x-ratelimit-remaining': String(quota.rate - window.used),
          'x-ratelimit-reset': wholeSeconds(resetMs),
          ...(allowed ? {} : { 'retry-after': wholeSeconds(retryMs) }),
        },
      };
    },
  };
}

function mostSpecific(quotas: Iterable<RateLimit>, path: string): RateLimit | undefined {
  return [...quotas]
    .filter((quota) => path.startsWith(quota.path))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

/** Cut, not rounded up: a wait of less than a second is announced as 0, as the server does. */
function wholeSeconds(milliseconds: number): string {
  return String(Math.max(0, Math.floor((milliseconds - 1) / 1000)));
}
