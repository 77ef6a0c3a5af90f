import type { ServerResponse } from 'node:http';
import type { Redactor } from '@keyturn/redact';
import {
  type Answer,
  checkRedactor,
  type RedactResponseOptions,
  type ResponseGuard,
  redactRequest,
  redactResponse,
} from '@keyturn/redact/http';
import type { FastifyPluginCallback, FastifyReply } from 'fastify';

/** What of the traffic is masked. */
export interface RedactionOptions {
  /** Knows the values. */
  readonly redactor: Redactor;
  /** While a request is handled, mask what it brought that is secret in all that is logged. Default true. */
  readonly requests?: boolean;
  /** Mask registered values in answers, and how. Default true. */
  readonly responses?: boolean | RedactResponseOptions;
}

/**
 * A plugin that keeps secrets out of logs and answers, for the whole application that registers it.
 *
 * Must be registered before plugins that compress or hash payloads: it must see them first.
 */
export const redaction: FastifyPluginCallback<RedactionOptions> = (fastify, options, registered) => {
  const { redactor, requests = true, responses = true } = options;
  checkRedactor(redactor);
  if (requests) {
    fastify.addHook('onRequest', (request, reply, done) => {
      redactRequest(request.raw, reply.raw, redactor, done, () => request.body);
    });
  }
  if (responses !== false) {
    const how = responses === true ? {} : responses;
    const guards = new WeakMap<ServerResponse, ResponseGuard>();
    fastify.addHook('onRequest', (_request, reply, done) => {
      guards.set(reply.raw, redactResponse(reply.raw, redactor, how));
      done();
    });
    fastify.addHook('onSend', (request, reply, payload, done) => {
      // Before others compress it. What is not sent by Fastify is masked as it is written.
      const guard = guards.get(reply.raw);
      done(null, guard?.redactPayload(payload, answerOf(request.method, reply)) ?? payload);
    });
  }
  registered();
};

function answerOf(method: string, reply: FastifyReply): Answer {
  return {
    method,
    status: reply.statusCode,
    header: (name: string) => reply.getHeader(name),
    getHeader: (name: string) => reply.getHeader(name),
    setHeader: (name: string, value: string | number) => void reply.header(name, value),
    removeHeader: (name: string) => void reply.removeHeader(name),
  };
}

// Fastify reads these from the function: no scope of its own, since hooks in one would see no other route.
Object.assign(redaction, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@keyturn/fastify',
  [Symbol.for('plugin-meta')]: { name: '@keyturn/fastify', fastify: '4.x || 5.x' },
});
