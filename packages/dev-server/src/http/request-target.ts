/** Where a request goes: its decoded path below `/v1/`, and its query. */
export interface RequestPath {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** What the request's target turns out to be, before anything looks at tokens or engines. */
export type Target =
  | { readonly kind: 'api'; readonly at: RequestPath }
  /** Not below `/v1/`: 404. */
  | { readonly kind: 'outside' }
  /** A doubled slash, a `.` or `..`: the client is sent to the clean path. */
  | { readonly kind: 'redirect'; readonly location: string }
  /** A control character or an unprintable one: 400 without a body. */
  | { readonly kind: 'unprintable' }
  /** A percent sign that starts no escape: 400 in plain text. */
  | { readonly kind: 'malformed' };

const PREFIX = '/v1/';
/** Go's `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols, and the ASCII space. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u;

/** Reads a request's target as the server's HTTP layer does, in the same order. */
export function readTarget(target: string): Target {
  const cut = target.indexOf('?');
  const rawPath = cut === -1 ? target : target.slice(0, cut);
  const rawQuery = cut === -1 ? '' : target.slice(cut + 1);

  const decoded = percentDecode(rawPath);
  if (decoded === undefined) return { kind: 'malformed' };
  if (!PRINTABLE.test(decoded)) return { kind: 'unprintable' };
  if (!decoded.startsWith(PREFIX)) return { kind: 'outside' };
  const clean = rawPath === `${PREFIX}sys` ? `${PREFIX}sys/` : cleanPath(rawPath);
  if (clean !== rawPath) {
    return { kind: 'redirect', location: rawQuery === '' ? clean : `${clean}?${rawQuery}` };
  }
  return { kind: 'api', at: { path: decoded.slice(PREFIX.length), query: new URLSearchParams(rawQuery) } };
}

/** Whether a decoded path would climb or stand still; such a path got here as `%2e%2e` and is refused. */
export function isRelative(path: string): boolean {
  return path.split('/').some((segment) => segment === '..' || segment === '.');
}

/** Resolves `.`, `..` and doubled slashes, keeping one slash at the end where there was one. */
function cleanPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const clean = `/${kept.join('/')}`;
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

/** Bytes that are not UTF-8 become the replacement character, where `decodeURIComponent` would throw. */
function percentDecode(text: string): string | undefined {
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return undefined;
  const bytes: number[] = [];
  for (const part of text.split(/(%[0-9a-fA-F]{2})/)) {
    if (part.startsWith('%')) bytes.push(Number.parseInt(part.slice(1), 16));
    else bytes.push(...Buffer.from(part));
  }
  return Buffer.from(bytes).toString('utf8');
}
