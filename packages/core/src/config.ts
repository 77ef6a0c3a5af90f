import type { CachePolicy } from './cache/freshness.js';
import { SecretsError } from './errors/secrets-error.js';
import { isAlias } from './model/secret-ref.js';
import type { Provider } from './provider/contract.js';
import type { ValueSink } from './provider/provider-runtime.js';
import type { BreakerPolicy } from './resilience/breaker.js';
import type { GuardPolicy } from './resilience/guard.js';
import type { HostClock } from './time/clock.js';
import { type Duration, durationMs } from './time/duration.js';

/** What `createSecrets` takes. Only `providers` is needed. */
export interface SecretsConfig {
  /** The stores, by the alias that references name them with. */
  readonly providers: Readonly<Record<string, Provider>>;
  /** How long secrets without a lease are kept. */
  readonly cache?: {
    /** Until a value is refreshed. Default 5 minutes. */
    readonly ttl?: Duration;
    /** How long after that it may still serve while the store is down. Default 1 hour. */
    readonly maxStale?: Duration;
    /** How many secrets without a lease or a consumer are held. Default 10,000. */
    readonly maxEntries?: number;
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
  readonly cache: CachePolicy & { readonly maxEntries: number };
  readonly guard: GuardPolicy;
  readonly breaker: BreakerPolicy;
  /** Fetches from one store at a time. */
  readonly concurrency: number;
  readonly rotation: { readonly proofMs: number; readonly drainMs: number; readonly revokeMs: number };
  readonly plainFields: ReadonlySet<string>;
}

/** The longest that a host timer can wait: past it, setTimeout fires at once. */
const MOST_WAIT_MS = 2 ** 31 - 1;

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
  const { cache = {}, resilience = {}, rotation = {} } = config;
  return {
    cache: {
      ttlMs: durationMs(cache.ttl ?? DEFAULTS.ttl, 'cache.ttl'),
      maxStaleMs: durationMs(cache.maxStale ?? DEFAULTS.maxStale, 'cache.maxStale'),
      maxEntries: entries(cache.maxEntries ?? DEFAULTS.maxEntries),
    },
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
  '': ['providers', 'cache', 'resilience', 'rotation', 'redactor', 'plainFields', 'instance', 'clock'],
  cache: ['ttl', 'maxStale', 'maxEntries'],
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

function checkShape(config: SecretsConfig): void {
  for (const [section, known] of Object.entries(SECTIONS)) {
    const given: unknown = section === '' ? config : config?.[section as keyof SecretsConfig];
    if (given === undefined && section !== '') continue;
    if (typeof given !== 'object' || given === null)
      throw invalid(section || 'The argument', 'is not an object');
    const unknown = Object.keys(given).find((name) => !known.includes(name));
    if (unknown !== undefined) {
      throw invalid(
        section === '' ? unknown : `${section}.${unknown}`,
        `is not known; there are ${known.join(', ')}`,
      );
    }
  }
  const providers = Object.entries(config.providers ?? {});
  if (providers.length === 0) throw invalid('providers', 'is empty');
  for (const [alias, provider] of providers) {
    if (!isAlias(alias)) throw invalid(`providers.${alias}`, 'is not a word of letters, digits, - and _');
    if (!isProvider(provider)) throw invalid(`providers.${alias}`, 'is not a provider');
  }
  const { redactor, plainFields = [], clock, instance } = config;
  if (!Array.isArray(plainFields) || plainFields.some((name) => typeof name !== 'string' || name === ''))
    throw invalid('plainFields', 'is not a list of names');
  if (redactor !== undefined && !hasMethods(redactor, ['add', 'retire']))
    throw invalid('redactor', 'lacks add or retire');
  if (clock !== undefined && !hasMethods(clock, ['wallMs', 'monotonicMs', 'random', 'sleep', 'arm']))
    throw invalid('clock', 'is not a clock');
  if (instance !== undefined && typeof instance !== 'string') throw invalid('instance', 'is not a string');
}

function isProvider(provider: Provider | undefined): boolean {
  if (!hasMethods(provider, ['fetch'])) return false;
  const methods = ['fetchMany', 'renew', 'revoke', 'watch', 'list', 'close'] as const;
  const { session } = provider as Provider;
  const isAble = methods.every((name) => ['undefined', 'function'].includes(typeof provider?.[name]));
  return isAble && (session === undefined || hasMethods(session, ['login']));
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
