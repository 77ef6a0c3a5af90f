/** Media types whose bodies are text. */
export const TEXT_TYPES =
  /^(?:text\/.+|application\/(?:json|xml|javascript|ecmascript|x-javascript|x-www-form-urlencoded|x-ndjson|ndjson|graphql|yaml|x-yaml)|[^/]+\/[^/]+\+(?:json|xml|yaml))$/;

/** What of an answer decides whether its body can be masked. */
export interface AnswerHead {
  readonly method: string | undefined;
  readonly status: number;
  header(name: string): unknown;
}

/** Headers that are wrong once the body is another; `etag` is treated apart. */
const DIGESTS = ['content-md5', 'digest', 'content-digest', 'repr-digest'];

/**
 * Whether there is a body of text that a mask may change.
 *
 * Not one that is compressed, nor a part of something: a mask would break both. Without a type it counts as text.
 */
export function hasTextBody({ method, status, header }: AnswerHead, textTypes: RegExp): boolean {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 206 || status === 304) return false;
  if (header('content-range') !== undefined) return false;
  if (String(header('content-encoding') ?? 'identity').toLowerCase() !== 'identity') return false;
  const [type = ''] = String(header('content-type') ?? '').split(';', 1);
  return type.trim() === '' || textTypes.test(type.trim().toLowerCase());
}

/** Where the headers of an answer are. */
export interface AnswerHeaders {
  getHeader(name: string): unknown;
  setHeader(name: string, value: string | number): void;
  removeHeader(name: string): void;
}

/** Makes the headers right for a body that was masked as a whole. */
export function declareMasked(headers: AnswerHeaders, length: number): void {
  if (headers.getHeader('content-length') !== undefined) headers.setHeader('content-length', length);
  for (const name of [...DIGESTS, 'etag']) removeHeader(headers, name);
}

/** Makes the headers right for a body whose length will be known when it has been sent. */
export function declareStreamed(headers: AnswerHeaders): void {
  for (const name of [...DIGESTS, 'content-length']) removeHeader(headers, name);
  const etag = headers.getHeader('etag');
  // Equal in meaning, perhaps not in bytes.
  if (typeof etag === 'string' && etag.startsWith('"')) headers.setHeader('etag', `W/${etag}`);
}

function removeHeader(headers: AnswerHeaders, name: string): void {
  if (headers.getHeader(name) !== undefined) headers.removeHeader(name);
}
