import { refuseUnknown } from '../invalid-config.js';
import type { Auth } from './auth.js';
import { authMount, credentialSource, wordOf } from './credential.js';

/** An AppRole. Give `secretId` or `secretIdFile`. */
export interface ApproleConfig {
  readonly roleId: string;
  readonly secretId?: string;
  /** Read again at each login, so that a secret-id replaced on disk is picked up. */
  readonly secretIdFile?: string;
  /** Where the auth method is mounted. Default `approle`. */
  readonly mount?: string;
}

/**
 * Logs in with a role-id and a secret-id.
 *
 * @throws SecretsError `invalid-config`
 */
export function approle(config: ApproleConfig): Auth {
  refuseUnknown(config, ['roleId', 'secretId', 'secretIdFile', 'mount'], 'auth: approle.');
  const roleId = wordOf(config.roleId, 'auth: approle.roleId');
  const secretId = credentialSource(
    { setting: 'auth: approle.secretId', given: config.secretId },
    { setting: 'auth: approle.secretIdFile', given: config.secretIdFile },
  );
  const mount = authMount(config.mount, 'auth: approle.mount', 'approle');
  return {
    method: 'approle',
    advice: `Check that AppRole is mounted at auth/${mount}, and roleId and the secret-id (secretId or secretIdFile) in auth: approle; a secret-id may have expired or be used up.`,
    read: async (signal) => ({
      path: `auth/${mount}/login`,
      body: { role_id: roleId, secret_id: await secretId.read(signal) },
    }),
  };
}
