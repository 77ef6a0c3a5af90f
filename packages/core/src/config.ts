import type { CachePolicy } from './cache/freshness.js';
import { policiesOf } from './cache/policies.js';
import { checkConfig, invalid } from './check-config.js';
import type { Target } from './provider/target.js';
import type { BreakerPolicy } from './resilience/breaker.js';
import type { GuardPolicy } from './resilience/guard.js';
import type { SecretsConfig } from './secrets-config.js';
import { type Duration, durationMs } from './time/duration.js';

/** The configuration, checked, with every default in place and every duration in milliseconds. */
export interface Settings {
  /** The terms that the cache keeps a target by. */
  readonly policyOf: (target: Target) => CachePolicy;
  readonly maxEntries: number;
  /** Whether nothing is done but at reads. */
  readonly isLazy: boolean;
  readonly guard: GuardPolicy;
  readonly breaker: BreakerPolicy;
  /** How long the breaker of one of several addresses stays open, in milliseconds. */
  readonly resetOfSeveralMs: number;
  /** Fetches from one store at a time. */
  readonly concurrency: number;
  readonly rotation: { readonly proofMs: number; readonly drainMs: number; readonly revokeMs: number };
  readonly plainFields: ReadonlySet<string>;
}

/** The longest that a host timer can wait: past it, setTimeout fires at once. */
const MOST_WAIT_MS = 2 ** 31 - 1;

/** What AWS Lambda sets in every function; it freezes the process between invocations. */
const LAMBDA = 'AWS_LAMBDA_FUNCTION_NAME';

/** Every default of the core. */
const DEFAULTS = {
  ttl: '5m',
  maxStale: '1h',
  maxEntries: 10_000,
  attemptTimeout: '10s',
  attempts: 3,
  firstRetryDelay: '200ms',
  maxRetryDelay: '5s',
  breakerMinCalls: 5,
  breakerFailurePercent: 50,
  breakerWindow: '10s',
  breakerReset: '5s',
  breakerResetOfSeveral: '1s',
  concurrency: 32,
  proofTimeout: '10s',
  drainTimeout: '30s',
  revokeTimeout: '5s',
  plainFields: ['username', 'user', 'host', 'hostname', 'port', 'database', 'dbname', 'engine', 'region'],
} as const;

/**
 * Checks a configuration and fills in the defaults.
 *
 * @throws SecretsError `invalid-config` that names the setting
 */
export function settingsOf(config: SecretsConfig): Settings {
  checkConfig(config);
  const { cache = {}, resilience = {}, rotation = {}, mode = 'auto' } = config;
  const base: CachePolicy = {
    ttlMs: durationMs(cache.ttl ?? DEFAULTS.ttl, 'cache.ttl'),
    maxStaleMs: durationMs(cache.maxStale ?? DEFAULTS.maxStale, 'cache.maxStale'),
  };
  const rules = Object.entries(cache.overrides ?? {}).map(([pattern, { ttl, maxStale }]) => ({
    pattern,
    policy: {
      ttlMs: ttl === undefined ? base.ttlMs : durationMs(ttl, `cache.overrides of ${pattern}: ttl`),
      maxStaleMs:
        maxStale === undefined
          ? base.maxStaleMs
          : durationMs(maxStale, `cache.overrides of ${pattern}: maxStale`),
    },
  }));
  return {
    policyOf: policiesOf(base, rules),
    maxEntries: entries(cache.maxEntries ?? DEFAULTS.maxEntries),
    isLazy: mode === 'lazy' || (mode === 'auto' && process.env[LAMBDA] !== undefined),
    guard: {
      attemptTimeoutMs: waitMs(
        resilience.attemptTimeout ?? DEFAULTS.attemptTimeout,
        'resilience.attemptTimeout',
      ),
      retry: {
        attempts: positiveInteger(resilience.attempts ?? DEFAULTS.attempts, 'resilience.attempts'),
        firstDelayMs: waitMs(
          resilience.firstRetryDelay ?? DEFAULTS.firstRetryDelay,
          'resilience.firstRetryDelay',
        ),
        maxDelayMs: waitMs(resilience.maxRetryDelay ?? DEFAULTS.maxRetryDelay, 'resilience.maxRetryDelay'),
      },
    },
    breaker: {
      minCalls: DEFAULTS.breakerMinCalls,
      failurePercent: DEFAULTS.breakerFailurePercent,
      windowMs: durationMs(DEFAULTS.breakerWindow, 'breaker window'),
      resetAfterMs: durationMs(resilience.breakerReset ?? DEFAULTS.breakerReset, 'resilience.breakerReset'),
    },
    resetOfSeveralMs: durationMs(
      resilience.breakerReset ?? DEFAULTS.breakerResetOfSeveral,
      'resilience.breakerReset',
    ),
    concurrency: positiveInteger(resilience.concurrency ?? DEFAULTS.concurrency, 'resilience.concurrency'),
    rotation: {
      proofMs: waitMs(rotation.proofTimeout ?? DEFAULTS.proofTimeout, 'rotation.proofTimeout'),
      drainMs: waitMs(rotation.drainTimeout ?? DEFAULTS.drainTimeout, 'rotation.drainTimeout'),
      revokeMs: waitMs(rotation.revokeTimeout ?? DEFAULTS.revokeTimeout, 'rotation.revokeTimeout'),
    },
    plainFields: new Set(config.plainFields ?? DEFAULTS.plainFields),
  };
}

function positiveInteger(value: number, setting: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw invalid(setting, 'is not a positive whole number');
}

/** lru-cache keeps a place for each at once. */
function entries(value: number): number {
  if (value <= 10_000_000) return positiveInteger(value, 'cache.maxEntries');
  throw invalid('cache.maxEntries', 'is no number up to ten million');
}

/** A time that is waited for: zero would give nobody a chance, or repeat without a pause. */
function waitMs(duration: Duration, setting: string): number {
  const limitMs = durationMs(duration, setting);
  if (limitMs > 0 && limitMs <= MOST_WAIT_MS) return limitMs;
  throw invalid(setting, limitMs > 0 ? 'is longer than a timer can wait (24 days)' : 'is zero');
}
