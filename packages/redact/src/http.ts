/**
 * What the adapters for web frameworks share: secrets kept out of what a server logs of a request, and answers.
 *
 * @module
 */
export { checkRedactor } from './http/check-redactor.js';
export { redactError } from './http/redact-error.js';
export { redactRequest } from './http/redact-request.js';
export {
  type Answer,
  type RedactResponseOptions,
  type ResponseGuard,
  redactResponse,
} from './http/redact-response.js';
