import type { Auth } from './auth.js';
import { type PasswordConfig, passwordLogin } from './password-login.js';

/**
 * Logs in with a name and password of a directory.
 *
 * @throws SecretsError `invalid-config`
 */
export function ldap(config: PasswordConfig): Auth {
  return passwordLogin('ldap', config);
}
