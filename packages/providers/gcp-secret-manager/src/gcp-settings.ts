import { invalidConfig } from './invalid-config.js';
import type { SecretManagerClient } from './secret-manager-client.js';
import { isLocation, isProject } from './secret-name.js';

/** What `gcpSecretManager` takes. */
export interface GcpSecretManagerConfig {
  /** The project (id or number) of references that name none: `gcp:stripe-key`. */
  readonly project?: string;
  /** The location of references that name no project, for regional secrets: `europe-west3`. Default: global secrets. */
  readonly location?: string;
  /** Your own `SecretManagerServiceClient`. It serves all references, and is yours to close. */
  readonly client?: SecretManagerClient;
  /** For the constructor of `SecretManagerServiceClient`: `keyFilename`, `authClient`, `apiEndpoint`, `fallback`, … */
  readonly clientOptions?: Readonly<Record<string, unknown>>;
}

const NAMES = ['project', 'location', 'client', 'clientOptions'] as const;

/**
 * Checks a configuration without any I/O.
 *
 * @throws SecretsError `invalid-config` that names the setting
 */
export function gcpSettings(config: GcpSecretManagerConfig): GcpSecretManagerConfig {
  if (!isObject(config)) {
    throw invalidConfig(
      'of gcpSecretManager()',
      'is not an object',
      'Give an object of settings, or nothing.',
    );
  }
  const unknown = Object.keys(config).find((name) => !(NAMES as readonly string[]).includes(name));
  if (unknown !== undefined) throw invalidConfig(unknown, 'is not known', `There are ${NAMES.join(', ')}.`);
  const { project, location, client, clientOptions } = config;
  if (project !== undefined && !isProject(project)) {
    throw invalidConfig('project', 'is no project id or number', 'Write project like my-project-123.');
  }
  if (location !== undefined && !isLocation(location)) {
    throw invalidConfig('location', 'is no location', 'Write location like europe-west3.');
  }
  if (client !== undefined && typeof client?.accessSecretVersion !== 'function') {
    throw invalidConfig(
      'client',
      'cannot access secrets',
      'Give a SecretManagerServiceClient, or leave client out.',
    );
  }
  if (clientOptions !== undefined && !isObject(clientOptions)) {
    throw invalidConfig(
      'clientOptions',
      'is not an object',
      'Give what the constructor of SecretManagerServiceClient takes.',
    );
  }
  if (client !== undefined && clientOptions !== undefined) {
    throw invalidConfig(
      'clientOptions',
      'is set beside client',
      'Give the options to the constructor of your own client.',
    );
  }
  return config;
}

function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}
