import type { Auth } from './auth.js';
import { type PasswordConfig, passwordLogin } from './password-login.js';

/**
 * Logs in with a name and password that the store itself keeps.
 *
 * @throws SecretsError `invalid-config`
 */
export function userpass(config: PasswordConfig): Auth {
  return passwordLogin('userpass', config);
}
