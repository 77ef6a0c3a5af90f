export type { Consumer, Consumption, SecretSource } from './lease/consumer.js';
export { Secret } from './model/secret.js';
export type { SecretInput, Template } from './model/template.js';
export { type ErrorCode, isSecretsError, SecretsError } from './provider.js';
export { type Rotating, type RotatingOptions, rotating } from './rotating.js';
