import type { Secret } from '../model/secret.js';
import type { SecretInput } from '../model/template.js';

/**
 * Somebody that holds on to a secret for longer than a call: a pool, a TLS context, a listener.
 *
 * A rotation goes `prepare` (all consumers) → publication → `adopt` (all consumers) → revocation of the old
 * lease, once every `adopt` has resolved or the drain deadline has passed. A consumer that throws, hangs or
 * rejects in `adopt` holds up nothing but that revocation.
 */
export interface Consumer {
  /** Proves `next` before anybody sees it: connects, shakes hands. Rejecting keeps the version in service. */
  prepare?(next: Secret, signal: AbortSignal): Promise<void>;
  /** `next` was proven but will not be published: let go of what `prepare` opened. */
  discard?(next: Secret): void | Promise<void>;
  /** `next` is in service. Resolve once the previous version is used no more. Cut short when `signal` aborts. */
  adopt(next: Secret, signal: AbortSignal): void | Promise<void>;
  /** The source closes: let go of the version in service. Cut short when `signal` aborts. */
  release?(signal: AbortSignal): void | Promise<void>;
}

/** A consumer's end of the bargain with its source. */
export interface Consumption {
  /**
   * The secret in service: at once while it is fresh, else after the refresh that every caller shares. By then
   * `prepare` and `adopt` have been called with it.
   */
  current(): Promise<Secret>;
  /**
   * Says that the backend refuses `version`. Fetches a new one, once for all that say so, and resolves when it
   * is adopted; at once when a newer one already is in service.
   */
  replace(version: string): Promise<Secret>;
  /** Consumes no more. */
  close(): void;
}

/** Where integrations get their secrets from; `createSecrets` makes one. */
export interface SecretSource {
  /**
   * Registers a consumer; nothing is fetched until `current()` is called.
   *
   * @throws SecretsError `invalid-ref` for a malformed reference or an unknown alias
   */
  consume(input: SecretInput, consumer: Consumer): Consumption;
}
