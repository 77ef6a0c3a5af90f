import { jsonNumber } from '@keyturn/core/provider';
import { type JsonObject, objectOf, textOf } from './json-object.js';
import type { ResponseBody } from './response-body.js';

/** An answer over HTTP, whoever gave it. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: ResponseBody;
  /** How long the server asked to wait (Retry-After in seconds), in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** How far the node that answered had come (X-Vault-Index); opaque. */
  readonly index: string | undefined;
}

/** What every success of the store comes in. */
export interface Envelope {
  /** Empty when there is no lease. */
  readonly leaseId: string;
  /** `lease_duration` in milliseconds; undefined when it is no number. */
  readonly leaseMs: number | undefined;
  readonly renewable: boolean;
  readonly data: JsonObject | undefined;
  /** Present in the answers to logins and renewals of tokens. */
  readonly auth: JsonObject | undefined;
  /** The store put the answer into a wrapping token instead. */
  readonly isWrapped: boolean;
  /** The whole answer, for the few endpoints that have no envelope. */
  readonly content: JsonObject;
}

/** Reads the envelope of a success; an answer without a body (204) is an empty one. */
export function envelopeOf(body: ResponseBody): Envelope {
  const content = body.kind === 'json' ? body.content : {};
  return {
    leaseId: textOf(content.lease_id) ?? '',
    leaseMs: durationMs(content.lease_duration),
    renewable: content.renewable === true,
    data: objectOf(content.data),
    auth: objectOf(content.auth),
    isWrapped: objectOf(content.wrap_info) !== undefined,
    content,
  };
}

/** A field that counts seconds, in milliseconds. */
export function durationMs(seconds: unknown): number | undefined {
  const count = jsonNumber(seconds);
  return count !== undefined && Number.isFinite(count) ? count * 1_000 : undefined;
}

/** Everything that an answer says about itself in words. To be matched only: the texts may quote secrets. */
export function wordsOf(body: ResponseBody): string {
  if (body.kind !== 'json') return '';
  const { errors, warnings } = body.content;
  return [errors, warnings]
    .flatMap((list) => (Array.isArray(list) ? list : []))
    .filter((words) => typeof words === 'string')
    .join('\n');
}
