/**
 * Keeps secrets out of what an Express application logs and answers.
 *
 * @module
 */
export type { RedactResponseOptions } from '@keyturn/redact/http';
export { redactErrors } from './redact-errors.js';
export { redactRequests } from './redact-requests.js';
export { redactResponses } from './redact-responses.js';
