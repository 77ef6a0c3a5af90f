/**
 * Live secrets in a Nest application, and what keeps them out of its logs and answers.
 *
 * @module
 */
export { InjectSecret, InjectSecrets, type SecretToken, secretToken } from './inject-secret.js';
export { KEYTURN_REDACTOR, KEYTURN_RESPONSE_REDACTOR, KeyturnModule } from './keyturn-module.js';
export type {
  KeyturnAsyncOptions,
  KeyturnOptions,
  ResponseRedactor,
  TextRedactor,
} from './keyturn-options.js';
export { LiveSecret } from './live-secret.js';
export { RedactingExceptionFilter } from './redacting-exception-filter.js';
export { RedactingInterceptor } from './redacting-interceptor.js';
export { RedactingLogger } from './redacting-logger.js';
export { type SecretsHealth, SecretsHealthIndicator } from './secrets-health-indicator.js';
