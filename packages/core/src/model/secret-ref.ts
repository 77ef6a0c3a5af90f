import { SecretsError } from '../errors/secrets-error.js';

/** A parsed reference: `alias:path[?version=…|stage=…][#field]`. */
export interface SecretRef {
  /** The key under `providers`. */
  readonly alias: string;
  /** Slash-separated, decoded. */
  readonly path: string;
  readonly version?: string;
  readonly stage?: string;
  /** One field of the secret. Never reaches the provider. */
  readonly field?: string;
}

/** No store takes longer paths, and nested escapes are unfolded one after the other. */
const LONGEST = 2_048;
const ALIAS = /^[A-Za-z][\w-]*$/;
/** Control characters, and halves of surrogate pairs, which cannot be encoded. */
const CONTROL = /[\p{Cc}\p{Cs}]/u;

/** Whether `alias` can stand before the colon of a reference. */
export function isAlias(alias: string): boolean {
  return ALIAS.test(alias);
}

/**
 * Reads a reference. `parseRef(formatRef(ref))` is `ref`.
 *
 * `%` escapes are decoded in the path, so that `%23` and `%3F` stand for `#` and `?`.
 *
 * @throws SecretsError `invalid-ref` for an alias that is not a word, an unknown or doubled qualifier, and a path
 * with an empty, `.` or `..` segment, a backslash or a control character, plain or escaped any number of times
 * (path traversal to other parts of a backend's API)
 */
export function parseRef(text: string): SecretRef {
  if (typeof text !== 'string') throw invalid(typeof text, 'It is not a string.');
  if (text.length > LONGEST) throw invalid(text, `It is longer than ${LONGEST} characters.`);
  const colon = text.indexOf(':');
  const alias = text.slice(0, Math.max(colon, 0));
  if (!isAlias(alias)) throw invalid(text, 'It does not begin with a provider alias and a colon.');

  const hash = text.indexOf('#', colon);
  const field = hash === -1 ? undefined : text.slice(hash + 1);
  if (field === '' || (field !== undefined && CONTROL.test(field))) {
    throw invalid(text, 'The field after # is empty or has a control character.');
  }
  const beforeField = hash === -1 ? text.slice(colon + 1) : text.slice(colon + 1, hash);
  const mark = beforeField.indexOf('?');
  const path = decodePath(mark === -1 ? beforeField : beforeField.slice(0, mark), text);
  const qualifier = mark === -1 ? {} : parseQualifier(beforeField.slice(mark + 1), text);
  return { alias, path, ...qualifier, ...(field === undefined ? {} : { field }) };
}

/** Writes a reference in its canonical form. */
export function formatRef(ref: SecretRef): string {
  const qualifier =
    ref.version !== undefined
      ? `?version=${encodeURIComponent(ref.version)}`
      : ref.stage !== undefined
        ? `?stage=${encodeURIComponent(ref.stage)}`
        : '';
  const path = ref.path.replace(/[%?#]/g, encodeURIComponent);
  return `${ref.alias}:${path}${qualifier}${ref.field === undefined ? '' : `#${ref.field}`}`;
}

/** The reference of the whole secret that `ref` is a field of: what is fetched, cached and leased. */
export function wholeRef(ref: SecretRef): SecretRef {
  const { field: _, ...whole } = ref;
  return whole;
}

function decodePath(raw: string, text: string): string {
  let decoded = raw;
  for (let previous: string | undefined; previous !== decoded; ) {
    refuseTraversal(decoded, text);
    previous = decoded;
    if (!decoded.includes('%')) break;
    try {
      decoded = decodeURIComponent(decoded);
    } catch {
      if (previous === raw) throw invalid(text, 'The path has a malformed percent-escape.');
      break;
    }
  }
  return raw.includes('%') ? decodeURIComponent(raw) : raw;
}

function refuseTraversal(path: string, text: string): void {
  if (CONTROL.test(path)) throw invalid(text, 'The path has a control character.');
  if (path.includes('\\')) throw invalid(text, 'The path has a backslash.');
  if (path.startsWith('/')) throw invalid(text, 'The path begins with a slash, which is left out here.');
  for (const segment of path.split('/')) {
    if (segment === '') throw invalid(text, 'The path has an empty segment.');
    if (segment === '.' || segment === '..') throw invalid(text, `The path has a segment "${segment}".`);
  }
}

function parseQualifier(query: string, text: string): { version: string } | { stage: string } {
  const [, name, raw] = /^(version|stage)=([^&]+)$/.exec(query) ?? [];
  if (name === undefined || raw === undefined) {
    throw invalid(text, 'After ? it takes version=… or stage=…, one of them, not empty.');
  }
  let value: string;
  try {
    value = decodeURIComponent(raw);
  } catch {
    throw invalid(text, `The ${name} has a malformed percent-escape.`);
  }
  if (CONTROL.test(value)) throw invalid(text, `The ${name} has a control character.`);
  return name === 'version' ? { version: value } : { stage: value };
}

function invalid(text: string, problem: string): SecretsError {
  return new SecretsError('invalid-ref', {
    ref: printable(text),
    problem,
    remedy: 'Write it as alias:path, alias:path#field or alias:path?version=…#field.',
  });
}

/** A malformed reference may be a pasted secret or break a log line: shown escaped, and past the alias only if harmless. */
function printable(text: string): string {
  const colon = text.indexOf(':');
  if (!isAlias(text.slice(0, Math.max(colon, 0)))) return `a text of ${text.length} characters`;
  if (text.includes('@') || text.includes('//')) return `${text.slice(0, colon + 1)}…`;
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text).slice(1, -1);
}
