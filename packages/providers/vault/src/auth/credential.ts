import { isSafePath } from '../api-path.js';
import { invalidConfig } from '../invalid-config.js';
import { readWord, WORD } from './credential-file.js';

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
  return { read: (signal) => readWord(path, file.setting, signal) };
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
