import { channel } from 'node:diagnostics_channel';
import type { ErrorCode } from './errors/error-policy.js';
import { foreignCause } from './errors/foreign-cause.js';
import type { SecretsError } from './errors/secrets-error.js';
import type { StaleReason } from './model/secret.js';
import type { BreakerState } from './resilience/breaker.js';

/**
 * What Keyturn tells about itself, by event. Payloads hold references, versions, ages and reasons; never a value.
 *
 * Each is published on the `node:diagnostics_channel` named `keyturn.<event>` and to the listeners of
 * `secrets.on(event, …)`.
 */
export interface SecretsEvents {
  /** The first version of a secret was fetched. */
  'secret-loaded': { readonly ref: string; readonly version: string; readonly tookMs: number };
  /** Another version is in service. */
  'secret-rotated': {
    readonly ref: string;
    readonly version: string;
    readonly previousVersion: string;
    readonly tookMs: number;
  };
  /** All consumers have let go of a replaced version, or were cut off at the drain deadline. */
  'secret-drained': { readonly ref: string; readonly version: string; readonly inTime: boolean };
  'lease-renewed': { readonly ref: string; readonly version: string; readonly ttlMs: number };
  /** A lease ended before it could be renewed or replaced. */
  'lease-expired': { readonly ref: string; readonly version: string };
  /** A lease was ended at the backend; `error` says why it could not be. */
  'lease-revoked': { readonly ref: string; readonly version: string; readonly error?: ErrorCode };
  /** A refresh, renewal or rotation in the background failed. Unheard, it becomes one process warning per reference. */
  'refresh-failed': {
    readonly ref: string;
    readonly code: ErrorCode;
    readonly error: SecretsError;
    /** When it is tried again; undefined when the next read decides. */
    readonly retryInMs: number | undefined;
  };
  'stale-served': {
    readonly ref: string;
    readonly version: string;
    readonly ageMs: number;
    readonly reason: StaleReason;
  };
  /** `address` says where, when the provider has several. */
  'breaker-changed': {
    readonly provider: string;
    readonly address: string | undefined;
    readonly state: BreakerState;
  };
  'session-started': { readonly provider: string; readonly ttlMs: number | undefined };
  'session-renewed': { readonly provider: string; readonly ttlMs: number };
  /** The backend no longer knows the login; its leases are replaced. */
  'session-lost': { readonly provider: string };
}

export type SecretsEvent = keyof SecretsEvents;

/** Every event by its name. */
export const EVENT_NAMES = Object.keys({
  'secret-loaded': true,
  'secret-rotated': true,
  'secret-drained': true,
  'lease-renewed': true,
  'lease-expired': true,
  'lease-revoked': true,
  'refresh-failed': true,
  'stale-served': true,
  'breaker-changed': true,
  'session-started': true,
  'session-renewed': true,
  'session-lost': true,
} satisfies Record<SecretsEvent, true>) as readonly SecretsEvent[];

type Listener = (payload: never) => void;

/** Tells listeners and channels; a listener that throws disturbs nobody. */
export class Diagnostics {
  readonly #listeners = new Map<SecretsEvent, Set<Listener>>();
  readonly #warned = new Set<string>();

  /** Calls `listener` with every `event` until the returned function is called. */
  on<Event extends SecretsEvent>(
    event: Event,
    listener: (payload: SecretsEvents[Event]) => void,
  ): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  emit<Event extends SecretsEvent>(event: Event, payload: SecretsEvents[Event]): void {
    const channelOf = channel(`keyturn.${event}`);
    const listeners = this.#listeners.get(event);
    if (event === 'refresh-failed' && !channelOf.hasSubscribers && !listeners?.size) {
      this.#warnOnce(payload as SecretsEvents['refresh-failed']);
    }
    channelOf.publish(payload);
    for (const listener of listeners ?? []) {
      const threw = (error: unknown) => this.listenerThrew(`a listener of ${event}`, error);
      try {
        const outcome = (listener as (payload: SecretsEvents[Event]) => unknown)(payload);
        // Of any kind and realm: unhandled, its rejection would end the process.
        if (typeof (outcome as PromiseLike<unknown> | undefined)?.then === 'function')
          Promise.resolve(outcome).catch(threw);
      } catch (error) {
        threw(error);
      }
    }
  }

  /** A listener's fault is the application's to see, and must not stop a renewal. Its message may hold a secret. */
  listenerThrew(who: string, error: unknown): void {
    process.emitWarning(`Keyturn called ${who}, which threw ${foreignCause(error).name}.`, {
      code: 'KEYTURN_LISTENER',
    });
  }

  #warnOnce({ ref, error }: SecretsEvents['refresh-failed']): void {
    if (this.#warned.has(ref)) return;
    this.#warned.add(ref);
    process.emitWarning(error.message, {
      code: 'KEYTURN_REFRESH_FAILED',
      detail: "Shown once for each reference. Listen with secrets.on('refresh-failed', …) to see them all.",
    });
  }
}
