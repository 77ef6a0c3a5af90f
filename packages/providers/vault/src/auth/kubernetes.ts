import { refuseUnknown } from '../invalid-config.js';
import type { Auth } from './auth.js';
import { authMount, credentialSource, wordOf } from './credential.js';

/** A role of the kubernetes auth method. */
export interface KubernetesConfig {
  readonly role: string;
  /** The service account's token. Read again at each login. Default where Kubernetes mounts it. */
  readonly jwtFile?: string;
  /** Where the auth method is mounted. Default `kubernetes`. */
  readonly mount?: string;
}

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/**
 * Logs in as the pod's service account.
 *
 * @throws SecretsError `invalid-config`
 */
export function kubernetes(config: KubernetesConfig): Auth {
  refuseUnknown(config, ['role', 'jwtFile', 'mount'], 'auth: kubernetes.');
  const role = wordOf(config.role, 'auth: kubernetes.role');
  const jwt = credentialSource(
    { setting: 'auth: kubernetes.jwtFile', given: undefined },
    { setting: 'auth: kubernetes.jwtFile', given: config.jwtFile ?? SERVICE_ACCOUNT_TOKEN },
  );
  const mount = authMount(config.mount, 'auth: kubernetes.mount', 'kubernetes');
  return {
    method: 'kubernetes',
    advice: `Check that the role ${role} exists at auth/${mount} and is bound to this service account and namespace, and the token in jwtFile.`,
    read: async ({ signal }) => ({
      path: `auth/${mount}/login`,
      body: { role, jwt: await jwt.read(signal) },
    }),
  };
}
