import { SecretsError } from '@keyturn/core/provider';
import type { Envelope } from '../answer.js';
import { invalidConfig, refuseUnknown } from '../invalid-config.js';
import { textOf } from '../json-object.js';
import type { Auth, LoginReading } from './auth.js';
import { authMount, credentialSource, wordOf } from './credential.js';
import { Unwrapped } from './unwrapped.js';

/** An AppRole. Give `secretId` or `secretIdFile`. */
export interface ApproleConfig {
  readonly roleId: string;
  readonly secretId?: string;
  /** Read again at each login, so that a secret-id replaced on disk is picked up. */
  readonly secretIdFile?: string;
  /**
   * Whether what is given is a wrapping token with the secret-id in it. It is unwrapped at the first login and kept in
   * memory; a new token in the file is unwrapped in its turn.
   */
  readonly secretIdWrapped?: boolean;
  /** Where the auth method is mounted. Default `approle`. */
  readonly mount?: string;
}

const NAMES = ['roleId', 'secretId', 'secretIdFile', 'secretIdWrapped', 'mount'];

/**
 * Logs in with a role-id and a secret-id.
 *
 * @throws SecretsError `invalid-config`
 */
export function approle(config: ApproleConfig): Auth {
  refuseUnknown(config, NAMES, 'auth: approle.');
  const roleId = wordOf(config.roleId, 'auth: approle.roleId');
  const secretId = credentialSource(
    { setting: 'auth: approle.secretId', given: config.secretId },
    { setting: 'auth: approle.secretIdFile', given: config.secretIdFile },
  );
  const mount = authMount(config.mount, 'auth: approle.mount', 'approle');
  const { secretIdWrapped = false } = config;
  if (typeof secretIdWrapped !== 'boolean') {
    throw invalidConfig('auth: approle.secretIdWrapped', 'is neither true nor false');
  }
  const unwrapped = new Unwrapped();
  const madeAt = new RegExp(`^auth/${escapedForRegExp(mount)}/role/[^/]+/(?:custom-)?secret-id$`);
  const advice = `It came by auth: approle.${config.secretIdFile === undefined ? 'secretId' : 'secretIdFile'}.`;

  const secretIdOf = async (reading: LoginReading): Promise<string> => {
    const given = await secretId.read(reading.signal);
    return secretIdWrapped ? unwrapped.open({ token: given, madeAt, advice }, reading, secretIdIn) : given;
  };
  return {
    method: 'approle',
    advice: `Check that AppRole is mounted at auth/${mount}, and roleId and the secret-id (secretId or secretIdFile) in auth: approle; a secret-id may have expired or be used up.`,
    read: async (reading) => ({
      path: `auth/${mount}/login`,
      body: { role_id: roleId, secret_id: await secretIdOf(reading) },
    }),
  };
}

function secretIdIn({ data }: Envelope): string {
  const found = textOf(data?.secret_id);
  if (found !== undefined) return found;
  throw new SecretsError('bad-response', {
    problem: 'The wrapping token was opened, and held no secret-id.',
    remedy: 'Wrap the answer of auth/approle/role/…/secret-id, and deliver a new token.',
  });
}

function escapedForRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
