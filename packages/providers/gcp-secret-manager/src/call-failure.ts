import { parseJson } from '@keyturn/core/provider';

/** What can be told from an error of the SDK without repeating a word of it. */
export interface CallFailure {
  /** The name of a status of gRPC, whatever the transport; undefined when there was no answer. */
  readonly status: string | undefined;
  /** HTTP or gRPC status, as it came. */
  readonly number: number | undefined;
  /** Google's machine-readable reason, such as `SERVICE_DISABLED`. */
  readonly reason: string | undefined;
  /** Whether the login failed rather than the call. */
  readonly isLogin: boolean;
  readonly retryAfterMs: number | undefined;
}

/** gRPC's statuses, by number. */
const GRPC = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

/** What an HTTP status stands for when the body names no status: google/rpc/code.proto. */
const HTTP: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'UNAVAILABLE',
  409: 'ABORTED',
  412: 'FAILED_PRECONDITION',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** How google-auth-library, OpenSSL (for a mangled private key) and the gRPC channel say that there is no credential. */
const LOGIN_TEXT =
  /Could not load the default credentials|Getting metadata from plugin failed|Could not refresh access token|invalid_grant|DECODER routines|key must be a string/;

/** The path of every call to Secret Manager. Another one belongs to a server of tokens. */
const SECRETS_PATH = /\/secrets(?:$|[/?:])/;

/** No answer at all, as Node's network says it; a login within gRPC says it in its text. */
const NETWORK_TEXT = /\b(?:ECONN[A-Z]+|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)\b/;

/** Reads an error of the SDK: a GoogleError of gRPC, a GaxiosError of REST or of a login, or one of Node. */
export function callFailure(thrown: unknown): CallFailure {
  const error = objectOf(thrown);
  const text = typeof error.message === 'string' ? error.message : '';
  const body = objectOf(objectOf(parsed(text)).error);
  const details = [body.details, error.statusDetails].flatMap((list) =>
    Array.isArray(list) ? list.map(objectOf) : [],
  );
  const number = [error.code, error.status].find((value) => typeof value === 'number');
  const isLogin = LOGIN_TEXT.test(text) || isElsewhere(error);
  const isCut = (isLogin && NETWORK_TEXT.test(text)) || NETWORK_TEXT.test(String(error.code));
  return {
    status: isCut ? 'UNAVAILABLE' : (wordOf(body.status) ?? statusOf(number, error)),
    number,
    reason: wordOf(error.reason) ?? details.map(({ reason }) => wordOf(reason)).find(Boolean),
    isLogin,
    retryAfterMs: headerMs(error) ?? details.map(({ retryDelay }) => delayMs(retryDelay)).find(Boolean),
  };
}

function statusOf(number: number | undefined, { name }: Facts): string | undefined {
  // The SDK parses JSON over REST: a page of a proxy is a SyntaxError.
  if (number === undefined) return name === 'SyntaxError' ? 'MALFORMED' : undefined;
  if (number < 100) return GRPC[number];
  return HTTP[number] ?? (number >= 500 ? 'INTERNAL' : 'OTHER');
}

function isElsewhere(error: Facts): boolean {
  const { url } = objectOf(error.config);
  return url !== undefined && !SECRETS_PATH.test(String(url));
}

/** Retry-After in seconds. Google sends no dates there. */
function headerMs(error: Facts): number | undefined {
  const headers = objectOf(objectOf(error.response).headers) as { get?: (name: string) => unknown };
  const text = headers.get?.('retry-after');
  return typeof text === 'string' && /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : undefined;
}

/** A google.protobuf.Duration: `3.5s` in JSON, `{ seconds, nanos }` of gRPC. */
function delayMs(delay: unknown): number | undefined {
  if (typeof delay === 'string' && /^\d+(?:\.\d+)?s$/.test(delay)) return Number(delay.slice(0, -1)) * 1_000;
  const { seconds, nanos } = objectOf(delay);
  const ms = Number(String(seconds ?? 0)) * 1_000 + Number(nanos ?? 0) / 1e6;
  return ms > 0 ? ms : undefined;
}

function parsed(text: string): unknown {
  if (!text.startsWith('{')) return undefined;
  try {
    return parseJson(text);
  } catch {
    return undefined; // Its message would quote the text.
  }
}

/** A machine's word. Anything else may quote what was sent. */
function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Z][A-Z0-9_]{0,62}$/.test(value) ? value : undefined;
}

/** Members of anything, none of them certain. */
type Facts = Readonly<Record<string, unknown>>;

function objectOf(value: unknown): Facts {
  return typeof value === 'object' && value !== null ? (value as Facts) : {};
}
