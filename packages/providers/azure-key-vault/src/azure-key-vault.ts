import {
  type CallOptions,
  type FetchOptions,
  isSecretsError,
  type Provider,
  type ProviderRef,
  type SecretVersion,
} from '@keyturn/core/provider';
import { abortReason } from './abort-reason.js';
import { type AzureKeyVaultConfig, azureSettings } from './azure-settings.js';
import { callError } from './call-error.js';
import type { KeyVaultClient } from './key-vault-client.js';
import { namesBelow } from './listing.js';
import { sdkClient } from './sdk-client.js';
import { checkQualifiers, secretName } from './secret-name.js';
import { secretVersion } from './secret-version.js';
import { untilAborted } from './until-aborted.js';

/**
 * Azure Key Vault as a provider: its secrets, and its certificates with their keys.
 *
 * ```ts
 * const secrets = createSecrets({
 *   providers: { azure: azureKeyVault({ vaultUrl: 'https://orders.vault.azure.net' }) },
 * });
 * await secrets.getSecret('azure:stripe-key');
 * ```
 *
 * @throws SecretsError `invalid-config` that names the setting, before any I/O
 */
export function azureKeyVault(config: AzureKeyVaultConfig): Provider {
  const settings = azureSettings(config);
  const { separator } = settings;
  let client: Promise<KeyVaultClient> | undefined;

  /** Rejects with nothing but SecretsError, and as soon as `signal` aborts. */
  async function called<Result>(
    signal: AbortSignal,
    call: (client: KeyVaultClient) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await untilAborted(signal, async () => {
        client ??= settings.client === undefined ? sdkClient(settings) : Promise.resolve(settings.client);
        return call(await client);
      });
    } catch (error) {
      if (signal.aborted) throw abortReason(signal);
      throw isSecretsError(error) ? error : callError(error);
    }
  }

  return {
    name: 'azure-key-vault',

    async fetch(ref: ProviderRef, { signal }: FetchOptions): Promise<SecretVersion> {
      const name = secretName(ref.path, separator);
      checkQualifiers(ref);
      const options = {
        abortSignal: signal,
        ...(ref.version === undefined ? {} : { version: ref.version }),
      };
      return secretVersion(await called(signal, (made) => made.getSecret(name, options)));
    },

    list(prefix: string, { signal }: CallOptions): AsyncIterable<ProviderRef> {
      return namesBelow(prefix, separator, signal, (call) => called(signal, call));
    },
  };
}
