import { SecretsError } from '@keyturn/core/provider';
import { abortReason } from '../abort-reason.js';

/** Tokens, secret-ids and JWTs are words of printable ASCII. Anything else would break a header, or is another file. */
export const WORD = /^[\x21-\x7e]+$/;

/** Write permission for everybody. */
const WRITABLE_BY_ALL = 0o002;

/**
 * What a file holds, without the space around it: a trailing newline is no part of a credential.
 *
 * A file that everybody may write is refused, for anybody on the host could log this process in as somebody else. One
 * that everybody may read is not: agents and Kubernetes write such files on purpose, for other users of the same pod.
 *
 * @throws SecretsError `unauthenticated` for a file that is missing, empty or open to all
 */
export async function readCredentialFile(
  path: string,
  setting: string,
  signal: AbortSignal,
): Promise<string> {
  const { open } = await import('node:fs/promises');
  let content: string;
  let mode: number;
  try {
    const file = await open(path);
    try {
      ({ mode } = await file.stat());
      content = (await file.readFile({ encoding: 'utf8', signal })).trim();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (signal.aborted) throw abortReason(signal);
    throw unusableFile(path, setting, 'cannot be read', error);
  }
  // Windows has other permissions, and shows these for every file.
  if ((mode & WRITABLE_BY_ALL) !== 0 && process.platform !== 'win32') {
    throw unusableFile(path, setting, 'may be written by everybody (chmod o-w)');
  }
  if (content === '') throw unusableFile(path, setting, 'is empty');
  return content;
}

/** The one word that a file holds. */
export async function readWord(path: string, setting: string, signal: AbortSignal): Promise<string> {
  const content = await readCredentialFile(path, setting, signal);
  if (!WORD.test(content)) throw unusableFile(path, setting, 'does not hold one word of printable ASCII');
  return content;
}

/** `unauthenticated`, not `invalid-config`: an agent may write the file a moment later, and held values stay meanwhile. */
export function unusableFile(path: string, setting: string, problem: string, cause?: unknown): SecretsError {
  return new SecretsError('unauthenticated', {
    problem: `The file ${path} ${problem}.`,
    remedy: `Check the setting ${setting}, and that this process may read the file.`,
    cause,
  });
}
