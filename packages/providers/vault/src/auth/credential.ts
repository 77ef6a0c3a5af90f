import { SecretsError } from '@keyturn/core/provider';
import { abortReason } from '../abort-reason.js';
import { isSafePath } from '../api-path.js';
import { invalidConfig } from '../invalid-config.js';

/** Tokens, secret-ids and JWTs are words of printable ASCII. Anything else would break a header, or is another file. */
const WORD = /^[\x21-\x7e]+$/;

/** A credential: as a text, or in a file that is read anew at each login, so that a replaced one is picked up. */
export interface CredentialSource {
  read(signal: AbortSignal): Promise<string>;
}

/**
 * Where one credential comes from: exactly one of two settings.
 *
 * @throws SecretsError `invalid-config` when none or both are given, or the text cannot be one
 */
export function credentialSource(
  text: { readonly setting: string; readonly given: unknown },
  file: { readonly setting: string; readonly given: unknown },
): CredentialSource {
  const one = `Give ${text.setting} or ${file.setting}.`;
  if (text.given !== undefined && file.given !== undefined) {
    throw invalidConfig(file.setting, `is given beside ${text.setting}`, one);
  }
  if (text.given !== undefined) {
    const word = wordOf(text.given, text.setting);
    return { read: async () => word };
  }
  if (typeof file.given !== 'string' || file.given === '') {
    throw invalidConfig(text.setting, 'is missing', one);
  }
  const path = file.given;
  return { read: (signal) => readCredential(path, file.setting, signal) };
}

/**
 * A setting that must be one word of printable ASCII.
 *
 * @throws SecretsError `invalid-config`, without the word
 */
export function wordOf(given: unknown, setting: string): string {
  if (typeof given === 'string' && WORD.test(given)) return given;
  const problem = given === undefined || given === '' ? 'is missing' : 'is no word of printable ASCII';
  throw invalidConfig(setting, problem);
}

/**
 * The path that an auth method is mounted at.
 *
 * @throws SecretsError `invalid-config`
 */
export function authMount(given: string | undefined, setting: string, standard: string): string {
  const mount = given === undefined ? standard : typeof given === 'string' ? given.replace(/\/$/, '') : '';
  if (!isSafePath(mount)) throw invalidConfig(setting, 'is no path');
  if (/^auth\//.test(mount)) throw invalidConfig(setting, 'begins with auth/', 'Leave out auth/.');
  return mount;
}

async function readCredential(path: string, setting: string, signal: AbortSignal): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  let content: string;
  try {
    content = (await readFile(path, { encoding: 'utf8', signal })).trim();
  } catch (error) {
    if (signal.aborted) throw abortReason(signal);
    throw unusable(path, setting, 'cannot be read', error);
  }
  if (content === '') throw unusable(path, setting, 'is empty');
  if (!WORD.test(content)) throw unusable(path, setting, 'does not hold one word of printable ASCII');
  return content;
}

/** `unauthenticated`, not `invalid-config`: an agent may write the file a moment later, and held values stay meanwhile. */
function unusable(path: string, setting: string, problem: string, cause?: unknown): SecretsError {
  return new SecretsError('unauthenticated', {
    problem: `The file ${path} ${problem}.`,
    remedy: `Check the setting ${setting}, and that this process may read the file.`,
    cause,
  });
}
