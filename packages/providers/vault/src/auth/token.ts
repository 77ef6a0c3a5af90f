import { refuseUnknown } from '../invalid-config.js';
import type { Auth } from './auth.js';
import { wordOf } from './credential.js';

/** A token as a text; for one in a file there is `tokenFile`. */
export interface TokenConfig {
  readonly token: string;
}

/**
 * A token that somebody else obtained. It is renewed where it can be, and never revoked: it is not ours.
 *
 * @throws SecretsError `invalid-config`
 */
export function token(config: TokenConfig): Auth {
  refuseUnknown(config, ['token'], 'auth: token.');
  const word = wordOf(config.token, 'auth: token.token');
  return {
    method: 'token',
    advice: 'Check the token in the setting auth: token.',
    read: async () => ({ token: word }),
  };
}
