import { SecretsError } from '@keyturn/core/provider';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\\]/;

/**
 * Whether `path` names something below where it stands: it has no empty, `.` or `..` segment, backslash or
 * control character, plain or percent-escaped any number of times.
 *
 * The core refuses these in references already. It is asked again here because node-vault joins paths unchecked,
 * and `secret/data/../../sys/raw` would leave the mount that a policy was written for.
 */
export function isSafePath(path: string): boolean {
  for (let text = path; ; ) {
    if (FORBIDDEN.test(text)) return false;
    if (text.split('/').some((segment) => segment === '' || segment === '.' || segment === '..'))
      return false;
    const decoded = decode(text);
    if (decoded === undefined || decoded === text) return isEncodable(path);
    text = decoded;
  }
}

/**
 * A path as it stands in a URL: every segment percent-encoded, so that node-vault's unescaping finds nothing.
 *
 * @throws SecretsError `invalid-ref` for a path that is not safe
 */
export function encodePath(path: string): string {
  if (!isSafePath(path)) {
    throw new SecretsError('invalid-ref', {
      problem: 'The path has a segment that leads elsewhere, or a character that no path has.',
      remedy: 'Write it as mount/path/of/the/secret.',
    });
  }
  return path.split('/').map(encodeURIComponent).join('/');
}

/** Whether `path` is `prefix` or lies below it. */
export function isBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function isEncodable(text: string): boolean {
  try {
    encodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
