import type { Provider } from './provider/contract.js';
import type { Fallback } from './provider/fallback.js';
import type { ValueSink } from './provider/provider-runtime.js';
import type { HostClock } from './time/clock.js';
import type { Duration } from './time/duration.js';

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
    /** How long a breaker stays open. Default 5 seconds; 1 second where a provider has several addresses. */
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
