import { invalidConfig } from './invalid-config.js';
import type { KeyVaultClient, TokenCredential } from './key-vault-client.js';

/** What `azureKeyVault` takes. */
export interface AzureKeyVaultConfig {
  /** The vault: `https://orders.vault.azure.net`. Needed unless `client` is given. */
  readonly vaultUrl?: string;
  /** How to log in. Default: a `DefaultAzureCredential`, which finds Managed and Workload Identity. */
  readonly credential?: TokenCredential;
  /** Your own `SecretClient`. */
  readonly client?: KeyVaultClient;
  /** For the constructor of `SecretClient`: `serviceVersion`, `proxyOptions`, `tlsOptions`, … */
  readonly clientOptions?: Readonly<Record<string, unknown>>;
  /**
   * What stands for `/` in the names of the vault, which have none: with `'--'`, `azure:orders/stripe-key` is the secret
   * `orders--stripe-key`. Default: paths have no `/`.
   */
  readonly separator?: string;
}

const NAMES = ['vaultUrl', 'credential', 'client', 'clientOptions', 'separator'] as const;

/**
 * Checks a configuration without any I/O.
 *
 * @throws SecretsError `invalid-config` that names the setting
 */
export function azureSettings(config: AzureKeyVaultConfig): AzureKeyVaultConfig {
  if (!isObject(config)) {
    throw invalidConfig('of azureKeyVault()', 'is not an object', 'Give an object with vaultUrl.');
  }
  const unknown = Object.keys(config).find((name) => !(NAMES as readonly string[]).includes(name));
  if (unknown !== undefined) throw invalidConfig(unknown, 'is not known', `There are ${NAMES.join(', ')}.`);
  const { vaultUrl, credential, client, clientOptions, separator } = config;
  if (client === undefined) checkVaultUrl(vaultUrl);
  else checkOwnClient(config);
  if (credential !== undefined && typeof credential?.getToken !== 'function') {
    throw invalidConfig(
      'credential',
      'cannot get tokens',
      'Give a credential of @azure/identity, or leave it out.',
    );
  }
  if (clientOptions !== undefined && !isObject(clientOptions)) {
    throw invalidConfig(
      'clientOptions',
      'is not an object',
      'Give what the constructor of SecretClient takes.',
    );
  }
  if (separator !== undefined && !(typeof separator === 'string' && /^[0-9A-Za-z-]{1,8}$/.test(separator))) {
    throw invalidConfig('separator', 'cannot stand in the name of a secret', "Give '--', or leave it out.");
  }
  return config;
}

function checkVaultUrl(given: unknown): void {
  const remedy = 'Write vaultUrl like https://orders.vault.azure.net.';
  if (given === undefined) throw invalidConfig('vaultUrl', 'is not set', remedy);
  let url: URL;
  try {
    url = new URL(typeof given === 'string' ? given : '');
  } catch {
    throw invalidConfig('vaultUrl', 'is not a URL', remedy);
  }
  if (url.protocol !== 'https:') throw invalidConfig('vaultUrl', 'is not https://', remedy);
  if (url.username !== '' || url.password !== '') {
    throw invalidConfig('vaultUrl', 'holds a user or password', 'Log in by the setting credential.');
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw invalidConfig('vaultUrl', 'has more than a host', `Leave out the name of the secret. ${remedy}`);
  }
}

function checkOwnClient({ client, ...others }: AzureKeyVaultConfig): void {
  if (typeof client?.getSecret !== 'function') {
    throw invalidConfig('client', 'cannot read secrets', 'Give a SecretClient, or leave client out.');
  }
  const beside = (['vaultUrl', 'credential', 'clientOptions'] as const).find(
    (name) => others[name] !== undefined,
  );
  if (beside === undefined) return;
  throw invalidConfig(beside, 'is set beside client', 'Give it to the constructor of your own client.');
}

function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}
