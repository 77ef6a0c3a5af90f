/**
 * Keeps secrets out of what a Fastify application logs and answers.
 *
 * @module
 */
export type { RedactResponseOptions } from '@keyturn/redact/http';
export { type LoggerOptions, loggerOptions } from './logger-options.js';
export { redactErrors } from './redact-errors.js';
export { type RedactionOptions, redaction } from './redaction.js';
