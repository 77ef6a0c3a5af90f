import type { Redactor } from '@keyturn/redact';
import { checkRedactor, type RedactResponseOptions, redactResponse } from '@keyturn/redact/http';
import type { RequestHandler } from 'express';

/**
 * Masks registered values in every answer: headers, and bodies of text while they stream.
 *
 * Must come after `compression()`: what reaches it compressed passes untouched.
 */
export function redactResponses(redactor: Redactor, options: RedactResponseOptions = {}): RequestHandler {
  checkRedactor(redactor);
  return (_request, response, next) => {
    redactResponse(response, redactor, options);
    next();
  };
}
