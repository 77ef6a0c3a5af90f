import type { Redactor } from '@keyturn/redact';
import { checkRedactor, redactError } from '@keyturn/redact/http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';

type ErrorHandler = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => unknown;

/**
 * An error handler for `setErrorHandler` that gets a copy of every error in which nothing is secret: message, stack,
 * causes and own fields. The copy is of the same class and keeps `statusCode` and `headers`.
 *
 * @param handler what answers; default the handler of the enclosing scope, in the end Fastify's own
 */
export function redactErrors(
  redactor: Redactor,
  handler: ErrorHandler = (error, _request, reply) => reply.send(error),
): ErrorHandler {
  checkRedactor(redactor);
  return function redacted(this: unknown, error, request, reply) {
    return handler.call(this, redactError(error, redactor) as FastifyError, request, reply);
  };
}
