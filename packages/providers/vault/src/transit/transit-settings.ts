import { type Duration, durationMs } from '@keyturn/core/provider';
import { isSafePath } from '../api-path.js';
import { invalidConfig, refuseUnknown } from '../invalid-config.js';
import { type VaultConfig, type VaultSettings, vaultSettings } from '../vault-settings.js';

/** What `transit` takes: what `vault` takes to reach the store, and which key. */
export interface TransitConfig extends Omit<VaultConfig, 'mounts' | 'parameters'> {
  /** The name of the key. */
  readonly key: string;
  /** Where the transit engine is mounted. Default `transit`. */
  readonly mount?: string;
  /** How long one address may take for one call, the login included. Default 10 s. */
  readonly timeout?: Duration;
}

/** The configuration, checked, with its defaults in place. */
export interface TransitSettings {
  readonly vault: VaultSettings;
  readonly key: string;
  readonly mount: string;
  readonly timeoutMs: number;
}

const NAMES = ['address', 'auth', 'key', 'mount', 'namespace', 'nodes', 'tls', 'maxResponseBytes', 'timeout'];

/**
 * Checks a configuration without any I/O.
 *
 * @throws SecretsError `invalid-config` that names the setting
 */
export function transitSettings(config: TransitConfig): TransitSettings {
  refuseUnknown(config, NAMES);
  const { key, mount = 'transit', timeout = '10s', ...reach } = config;
  if (typeof key !== 'string' || key.includes('/') || !isSafePath(key)) {
    throw invalidConfig('key', 'is not the name of a key', 'Give the name as in transit/keys/name.');
  }
  const path = typeof mount === 'string' ? mount.replace(/^\/|\/$/g, '') : '';
  if (!isSafePath(path)) throw invalidConfig('mount', 'is no path', 'Give the mount, such as transit.');
  const timeoutMs = durationMs(timeout, 'timeout');
  if (timeoutMs <= 0) throw invalidConfig('timeout', 'is 0', 'Give the time that one call may take.');
  return { vault: vaultSettings(reach), key, mount: path, timeoutMs };
}
