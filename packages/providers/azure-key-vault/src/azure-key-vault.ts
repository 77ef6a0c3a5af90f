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
import { ClientInUse } from './client-in-use.js';
import { namesBelow } from './listing.js';
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
  const client = new ClientInUse(settings);

  /** Rejects with nothing but SecretsError, and as soon as `signal` aborts. */
  async function called<Result>(signal: AbortSignal, call: () => Promise<Result>): Promise<Result> {
    try {
      return await untilAborted(signal, call);
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
      const answer = await called(signal, () => client.use((one) => one.getSecret(name, options)));
      return secretVersion(answer, { name, version: ref.version });
    },

    async *list(prefix: string, { signal }: CallOptions): AsyncIterable<ProviderRef> {
      const one = await called(signal, () => client.get());
      const listing = one.listPropertiesOfSecrets({ abortSignal: signal });
      yield* namesBelow(prefix, separator, listing, (call) => called(signal, call));
    },
  };
}
