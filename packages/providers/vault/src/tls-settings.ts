import { invalidConfig, refuseUnknown } from './invalid-config.js';

/** How the server proves who it is, and the client to the server. Certificates are always verified. */
export interface VaultTls {
  /** The authorities to trust in place of Node's own, as PEM. */
  readonly ca?: string | Uint8Array;
  /** A file with them; read at the first call, and again when a server could not be verified. */
  readonly caFile?: string;
  /** A client certificate and its chain, as PEM. Needs `key`. */
  readonly cert?: string | Uint8Array;
  /** Its private key, as PEM. */
  readonly key?: string | Uint8Array;
  /** The name that the server's certificate must carry, where it is not the host in `address`. */
  readonly serverName?: string;
  /** Default `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
}

const NAMES = ['ca', 'caFile', 'cert', 'key', 'serverName', 'minVersion'] as const;
const PEM = /-----BEGIN [A-Z0-9 ]+-----/;

/**
 * Checks what can be checked without touching a file.
 *
 * @throws SecretsError `invalid-config` that names the setting
 */
export function checkTls(tls: VaultTls, scheme: string): void {
  refuseUnknown(tls, NAMES, 'tls.');
  if (scheme !== 'https:') {
    throw invalidConfig(
      'tls',
      `has no use, because address begins with ${scheme}//`,
      'Write address with https://, or leave out tls.',
    );
  }
  for (const name of ['ca', 'cert', 'key'] as const) {
    const given: unknown = tls[name];
    if (given === undefined) continue;
    const isPem =
      (typeof given === 'string' || given instanceof Uint8Array) &&
      PEM.test(Buffer.from(given).toString('latin1'));
    if (!isPem) {
      const remedy =
        name === 'ca' ? 'Give the PEM text itself, or the path of a file as tls.caFile.' : undefined;
      throw invalidConfig(`tls.${name}`, 'is not PEM', remedy);
    }
  }
  if (tls.ca !== undefined && tls.caFile !== undefined) {
    throw invalidConfig('tls.caFile', 'is given beside tls.ca', 'Give one of them.');
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw invalidConfig(
      tls.cert === undefined ? 'tls.cert' : 'tls.key',
      'is missing beside its counterpart',
      'Give tls.cert and tls.key together.',
    );
  }
  for (const name of ['caFile', 'serverName'] as const) {
    if (tls[name] !== undefined && (typeof tls[name] !== 'string' || tls[name] === '')) {
      throw invalidConfig(`tls.${name}`, 'is not a text');
    }
  }
  if (tls.minVersion !== undefined && tls.minVersion !== 'TLSv1.2' && tls.minVersion !== 'TLSv1.3') {
    throw invalidConfig('tls.minVersion', 'is neither TLSv1.2 nor TLSv1.3');
  }
}
