import { refuseUnknown } from '../invalid-config.js';
import type { Auth } from './auth.js';
import { authMount, credentialSource, wordOf } from './credential.js';

/** A role of the jwt auth method. Give `jwt` or `jwtFile`. */
export interface JwtConfig {
  readonly role: string;
  readonly jwt?: string;
  /** Read again at each login: such tokens are short-lived. */
  readonly jwtFile?: string;
  /** Where the auth method is mounted. Default `jwt`. */
  readonly mount?: string;
}

/**
 * Logs in with a signed token of an identity provider: a CI job, SPIFFE, a cloud workload.
 *
 * @throws SecretsError `invalid-config`
 */
export function jwt(config: JwtConfig): Auth {
  refuseUnknown(config, ['role', 'jwt', 'jwtFile', 'mount'], 'auth: jwt.');
  const role = wordOf(config.role, 'auth: jwt.role');
  const assertion = credentialSource(
    { setting: 'auth: jwt.jwt', given: config.jwt },
    { setting: 'auth: jwt.jwtFile', given: config.jwtFile },
  );
  const mount = authMount(config.mount, 'auth: jwt.mount', 'jwt');
  return {
    method: 'jwt',
    advice: `Check that the role ${role} exists at auth/${mount} and that issuer, audience and expiry of the JWT (jwt or jwtFile) satisfy it.`,
    read: async ({ signal }) => ({
      path: `auth/${mount}/login`,
      body: { role, jwt: await assertion.read(signal) },
    }),
  };
}
