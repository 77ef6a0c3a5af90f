import { bodyData, queryData, type RequestData } from './http/request-data.js';
import type { RequestPath } from './http/request-target.js';
import { Refusal, refused } from './refusal.js';
import type { Operation } from './routing/route.js';
import { DurationError, durationSeconds } from './time/go-duration.js';

/** A request as it came off the wire. */
export interface ApiRequest {
  readonly method: string;
  /** Path and query, not decoded. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** What a request asks for, before anybody has looked whether it may. */
export interface ReadCall {
  readonly operation: Operation;
  /** Below `/v1/`; a LIST ends with a slash. */
  readonly path: string;
  readonly data: RequestData;
  readonly callerId?: string;
  readonly wrapTtlSeconds?: number;
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  GET: 'read',
  LIST: 'list',
  SCAN: 'scan',
  POST: 'write',
  PUT: 'write',
  PATCH: 'patch',
  DELETE: 'delete',
  HEAD: 'header',
};

/** Reads method, query, headers and body. @throws Refusal 400, 405 or 415 in the words of the server */
export function readCall({ method, headers, body }: ApiRequest, at: RequestPath): ReadCall {
  if (method === 'OPTIONS') throw refused('cannot handle internal-only request operation');
  const listing = asksForList(method, at.query);
  const operation = listing ?? OPERATIONS[method];
  if (operation === undefined) throw new Refusal(405, []);
  if (headers['x-vault-index'] !== undefined) throw refused('failed to decode "X-Vault-Index"');

  const hasBody = operation === 'write' || operation === 'patch';
  const isListing = operation === 'list' || operation === 'scan';
  const callerId = tokenIdOf(headers);
  const wrapTtlSeconds = wrapTtl(headers['x-vault-wrap-ttl']);
  return {
    operation,
    path: isListing && !at.path.endsWith('/') ? `${at.path}/` : at.path,
    data: hasBody ? bodyData(method, headers['content-type'] ?? '', body) : queryOf(at.query, listing),
    ...(callerId === undefined ? {} : { callerId }),
    ...(wrapTtlSeconds === undefined ? {} : { wrapTtlSeconds }),
  };
}

/** The token of a request, from its own header or as a bearer. */
export function tokenIdOf(headers: ApiRequest['headers']): string | undefined {
  const own = headers['x-vault-token'];
  if (own !== undefined) return own;
  return /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
}

/** `?list=true` and `?scan=true` make a LIST or SCAN of a GET, for clients that have no other methods. */
function asksForList(method: string, query: URLSearchParams): 'list' | 'scan' | undefined {
  if (method !== 'GET') return undefined;
  const [list, scan] = ['list', 'scan'].map((name) => flag(query.get(name) ?? ''));
  if (list && scan) throw new Refusal(400, []);
  return list ? 'list' : scan ? 'scan' : undefined;
}

function flag(text: string): boolean {
  if (text === '' || /^(0|f|false)$/i.test(text)) return false;
  if (/^(1|t|true)$/i.test(text)) return true;
  throw new Refusal(400, []);
}

function queryOf(query: URLSearchParams, listing: 'list' | 'scan' | undefined): RequestData {
  const rest = new URLSearchParams(query);
  if (listing !== undefined) rest.delete(listing);
  return queryData(rest);
}

/** @throws Refusal 400 for a header that is not a duration, or a negative one */
function wrapTtl(header: string | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  try {
    const seconds = durationSeconds(header);
    if (seconds < 0) throw new DurationError('requested wrap ttl cannot be negative');
    return seconds === 0 ? undefined : seconds;
  } catch (error) {
    throw error instanceof DurationError
      ? refused(`error parsing X-Vault-Wrap-TTL header: ${error.message}`)
      : error;
  }
}
