import { refuseUnknown } from '../invalid-config.js';
import type { Auth } from './auth.js';
import { authMount, wordOf } from './credential.js';

/** The cert auth method. The certificate itself is that of the setting `tls`. */
export interface CertificateConfig {
  /** The role to log in to. Left out, the store tries every role that the certificate fits. */
  readonly role?: string;
  /** Where the auth method is mounted. Default `cert`. */
  readonly mount?: string;
}

/**
 * Logs in with the TLS client certificate of `tls.cert` and `tls.key`.
 *
 * @throws SecretsError `invalid-config`
 */
export function certificate(config: CertificateConfig = {}): Auth {
  refuseUnknown(config, ['role', 'mount'], 'auth: certificate.');
  const role = config.role === undefined ? undefined : wordOf(config.role, 'auth: certificate.role');
  const mount = authMount(config.mount, 'auth: certificate.mount', 'cert');
  return {
    method: 'certificate',
    advice: `Check that ${role === undefined ? 'a role' : `the role ${role}`} at auth/${mount} trusts the authority and names of tls.cert, that it has not expired, and that nothing before the store ends TLS.`,
    needsClientCertificate: true,
    read: async () => ({ path: `auth/${mount}/login`, body: role === undefined ? {} : { name: role } }),
  };
}
