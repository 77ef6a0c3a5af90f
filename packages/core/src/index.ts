/**
 * Live secrets: references in, values that change under the application out.
 *
 * @module
 */

export { createSecrets } from './create-secrets.js';
export {
  type DefinedSecrets,
  defineSecrets,
  type LoadedSecrets,
  type SecretNeed,
  type SecretNeeds,
} from './define-secrets.js';
export type { SecretsEvent, SecretsEvents } from './diagnostics.js';
export type { ErrorCode } from './errors/error-policy.js';
export { isSecretsError, SecretsError } from './errors/secrets-error.js';
export type { Health, InventoryItem, ProviderHealth } from './health.js';
export type { Consumer, Consumption, SecretSource } from './lease/consumer.js';
export type { ValueOf } from './model/schema.js';
export { Secret, type StaleReason } from './model/secret.js';
export { type SecretInput, Template, template } from './model/template.js';
export { Fallback, fallback } from './provider/fallback.js';
export type { ValueSink } from './provider/provider-runtime.js';
export { type Rotating, type RotatingOptions, rotating } from './rotating.js';
export { Secrets } from './secrets.js';
export type { SecretsConfig } from './secrets-config.js';
export type { Duration } from './time/duration.js';
