import type { CachePolicy } from './cache/freshness.js';
import { checkPattern, policiesOf } from './cache/policies.js';
import { SecretsError } from './errors/secrets-error.js';
import { isAlias } from './model/secret-ref.js';
import type { Provider } from './provider/contract.js';
import { Fallback } from './provider/fallback.js';
import type { ValueSink } from './provider/provider-runtime.js';
import type { Target } from './provider/target.js';
import type { BreakerPolicy } from './resilience/breaker.js';
import type { GuardPolicy } from './resilience/guard.js';
import type { HostClock } from './time/clock.js';
import { type Duration, durationMs } from './time/duration.js';

/** What `createSecrets` takes. Only `providers` is needed. */
export interface SecretsConfig {
  /** The stores, by the alias that references name them with; `fallback(a, b)` for several that stand in for each other. */
  readonly providers: Readonly<Record<string, Provider | Fallback>>;
  /**
   * What keeps secrets up to date between reads. `background`: timers renew leases, refresh what is consumed, and
   * follow hints. `lazy`: none of that; whatever is due is done at the next read, for hosts that are frozen between
   * requests. Reads are right in both. Default `auto`: `lazy` on AWS Lambda, else `background`.
   */
  readonly mode?: 'auto' | 'background' | 'lazy';
  /** How long secrets without a lease are kept. */
  readonly cache?: {
    /** Until a value is refreshed. Default 5 minutes. */
    readonly ttl?: Duration;
    /** How long after that it may still serve while the store is down. Default 1 hour. */
    readonly maxStale?: Duration;
    /** How many secrets without a lease or a consumer are held. Default 10,000. */
    readonly maxEntries?: number;
    /**
     * Other terms for some references, by pattern (`vault:secret/payments/**`): `*` stands for a part of a segment,
     * `**` for any number of them. The first that matches counts; what it leaves out is as for all.
     */
    readonly overrides?: Readonly<Record<string, { readonly ttl?: Duration; readonly maxStale?: Duration }>>;
  };
  /** How calls to stores are protected. */
  readonly resilience?: {
    /** The longest that one call may take. Default 10 seconds. */
    readonly attemptTimeout?: Duration;
    /** Calls at most while a caller waits, the first included. Default 3. */
    readonly attempts?: number;
    /** The bound of the first wait between them; doubles, with jitter. Default 200 ms. */
    readonly firstRetryDelay?: Duration;
    /** The longest wait between them. Default 5 seconds. */
    readonly maxRetryDelay?: Duration;
    /** How long a breaker stays open. Default 5 seconds. */
    readonly breakerReset?: Duration;
    /** Fetches from one store at a time; the others wait for their turn. Default 32. */
    readonly concurrency?: number;
  };
  /** How rotations and shutdown proceed. */
  readonly rotation?: {
    /** How long consumers may take to prove a new version. Default 10 seconds. */
    readonly proofTimeout?: Duration;
    /** How long consumers may take to let go of an old version. Default 30 seconds. */
    readonly drainTimeout?: Duration;
    /** How long `close()` spends on revoking leases. Default 5 seconds. */
    readonly revokeTimeout?: Duration;
  };
  /** Told of every value as it arrives: a redactor. */
  readonly redactor?: ValueSink;
  /**
   * Names of fields that stay readable, since they say where and as whom to connect and let nobody in. The redactor
   * is not told of them. Default `username`, `user`, `host`, `hostname`, `port`, `database`, `dbname`, `engine`,
   * `region`.
   */
  readonly plainFields?: readonly string[];
  /** What tells this instance from its replicas, to spread renewals. Default the host's name. */
  readonly instance?: string;
  /** Default the host's clock. */
  readonly clock?: HostClock;
}

/** The configuration, checked, with every default in place and every duration in milliseconds. */
export interface Settings {
  /** The terms that the cache keeps a target by. */
  readonly policyOf: (target: Target) => CachePolicy;
  readonly maxEntries: number;
  /** Whether nothing is done but at reads. */
  readonly isLazy: boolean;
  readonly guard: GuardPolicy;
  readonly breaker: BreakerPolicy;
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
  checkShape(config);
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
    concurrency: positiveInteger(resilience.concurrency ?? DEFAULTS.concurrency, 'resilience.concurrency'),
    rotation: {
      proofMs: waitMs(rotation.proofTimeout ?? DEFAULTS.proofTimeout, 'rotation.proofTimeout'),
      drainMs: waitMs(rotation.drainTimeout ?? DEFAULTS.drainTimeout, 'rotation.drainTimeout'),
      revokeMs: waitMs(rotation.revokeTimeout ?? DEFAULTS.revokeTimeout, 'rotation.revokeTimeout'),
    },
    plainFields: new Set(config.plainFields ?? DEFAULTS.plainFields),
  };
}

const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  '': [
    'providers',
    'mode',
    'cache',
    'resilience',
    'rotation',
    'redactor',
    'plainFields',
    'instance',
    'clock',
  ],
  cache: ['ttl', 'maxStale', 'maxEntries', 'overrides'],
  resilience: [
    'attemptTimeout',
    'attempts',
    'firstRetryDelay',
    'maxRetryDelay',
    'breakerReset',
    'concurrency',
  ],
  rotation: ['proofTimeout', 'drainTimeout', 'revokeTimeout'],
};

const MODES: readonly unknown[] = [undefined, 'auto', 'background', 'lazy'];

function checkShape(config: SecretsConfig): void {
  for (const [section, known] of Object.entries(SECTIONS)) {
    const given: unknown = section === '' ? config : config?.[section as keyof SecretsConfig];
    if (given === undefined && section !== '') continue;
    checkNames(given, known, section);
  }
  const providers = Object.entries(config.providers ?? {});
  if (providers.length === 0) throw invalid('providers', 'is empty');
  for (const [alias, provider] of providers) {
    if (!isAlias(alias)) throw invalid(`providers.${alias}`, 'is not a word of letters, digits, - and _');
    const all = provider instanceof Fallback ? provider.providers : [provider];
    if (!all.every(isProvider)) throw invalid(`providers.${alias}`, 'is not a provider');
  }
  if (!MODES.includes(config.mode)) throw invalid('mode', 'is none of auto, background, lazy');
  checkOverrides(config.cache?.overrides, Object.keys(config.providers));
  const { redactor, plainFields = [], clock, instance } = config;
  if (!Array.isArray(plainFields) || plainFields.some((name) => typeof name !== 'string' || name === ''))
    throw invalid('plainFields', 'is not a list of names');
  if (redactor !== undefined && !hasMethods(redactor, ['add', 'retire']))
    throw invalid('redactor', 'lacks add or retire');
  if (clock !== undefined && !hasMethods(clock, ['wallMs', 'monotonicMs', 'random', 'sleep', 'arm']))
    throw invalid('clock', 'is not a clock');
  if (instance !== undefined && typeof instance !== 'string') throw invalid('instance', 'is not a string');
}

function checkOverrides(overrides: unknown, aliases: readonly string[]): void {
  if (overrides === undefined) return;
  if (typeof overrides !== 'object' || overrides === null || Array.isArray(overrides))
    throw invalid('cache.overrides', 'is not an object');
  for (const [pattern, terms] of Object.entries(overrides)) {
    checkPattern(pattern, aliases, 'cache.overrides');
    checkNames(terms, ['ttl', 'maxStale'], `cache.overrides of ${pattern}`);
  }
}

function checkNames(given: unknown, known: readonly string[], section: string): void {
  if (typeof given !== 'object' || given === null)
    throw invalid(section || 'The argument', 'is not an object');
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw invalid(
    section === '' ? unknown : `${section}.${unknown}`,
    `is not known; there are ${known.join(', ')}`,
  );
}

function isProvider(provider: Provider | undefined): boolean {
  if (!hasMethods(provider, ['fetch'])) return false;
  const methods = ['fetchMany', 'renew', 'revoke', 'watch', 'list', 'close'] as const;
  const { session, addresses } = provider as Provider;
  const isAble = methods.every((name) => ['undefined', 'function'].includes(typeof provider?.[name]));
  const isPlaced =
    addresses === undefined ||
    (Array.isArray(addresses) && new Set(addresses).size > 0 && addresses.every(isText));
  return isAble && isPlaced && (session === undefined || hasMethods(session, ['login']));
}

function isText(thing: unknown): boolean {
  return typeof thing === 'string' && thing !== '';
}

function hasMethods(thing: unknown, names: readonly string[]): boolean {
  return names.every((name) => typeof (thing as Record<string, unknown> | null)?.[name] === 'function');
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

function invalid(setting: string, problem: string): SecretsError {
  return new SecretsError('invalid-config', {
    problem: `The setting ${setting} ${problem}.`,
    remedy: 'Correct it in the call of createSecrets.',
  });
}
