import { refuseUnknown } from '../invalid-config.js';
import type { Auth } from './auth.js';
import { credentialSource } from './credential.js';

/** Where the token comes from: exactly one of the two. */
export type TokenConfig =
  | { readonly token: string; readonly file?: never }
  /** The file of an agent, say. Read again at each login. */
  | { readonly file: string; readonly token?: never };

/**
 * A token that somebody else obtained. It is renewed where it can be, and never revoked: it is not ours.
 *
 * @throws SecretsError `invalid-config`
 */
export function token(config: TokenConfig): Auth {
  refuseUnknown(config, ['token', 'file'], 'auth: token.');
  const source = credentialSource(
    { setting: 'auth: token.token', given: config.token },
    { setting: 'auth: token.file', given: config.file },
  );
  return {
    method: 'token',
    advice: 'Check the token in the setting auth: token.',
    read: async (signal) => ({ token: await source.read(signal) }),
  };
}
