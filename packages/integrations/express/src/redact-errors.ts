import type { Redactor } from '@keyturn/redact';
import { checkRedactor, redactError } from '@keyturn/redact/http';
import type { ErrorRequestHandler } from 'express';

/**
 * Hands on a copy of every error in which nothing is secret, so that neither the next error handler nor Express's own
 * shows any: message, stack, causes and own fields.
 *
 * Must be the first error handler. The copy is of the same class and keeps `status`, `expose` and `headers`.
 */
export function redactErrors(redactor: Redactor): ErrorRequestHandler {
  checkRedactor(redactor);
  // Express knows an error handler by its four parameters.
  return (error, _request, _response, next) => {
    next(redactError(error, redactor));
  };
}
