import type { Redactor } from '@keyturn/redact';
import { checkRedactor, redactRequest } from '@keyturn/redact/http';
import type { RequestHandler } from 'express';

/**
 * While a request is handled, masks what it brought that is secret in everything that `redactor` is given: credentials
 * in headers, cookies, and parameters and body fields with the name of a secret.
 *
 * Should be the first middleware: what runs before it is not covered. Nothing is looked at before something is logged.
 */
export function redactRequests(redactor: Redactor): RequestHandler {
  checkRedactor(redactor);
  return (request, response, next) => {
    redactRequest(request, response, redactor, () => next());
  };
}
