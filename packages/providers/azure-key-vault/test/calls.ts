import { type AzureKeyVaultConfig, azureKeyVault } from '@keyturn/azure-key-vault';
import { isSecretsError, type Provider, type SecretsError, systemClock } from '@keyturn/core/provider';
import type { KeyVaultServer } from './key-vault-server.js';

/** The options of a call that nobody gives up. */
export const unhurried = { signal: new AbortController().signal, clock: systemClock };

/** The error that `promise` rejects with, which must be a SecretsError. */
export async function failureOf(promise: Promise<unknown>): Promise<SecretsError> {
  try {
    await promise;
  } catch (error) {
    if (isSecretsError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** What leads the SDK to a vault that is not Microsoft's. */
export function clientOptions({ ca }: KeyVaultServer) {
  return { disableChallengeResourceVerification: true, tlsOptions: { ca } };
}

/** A provider of the vault, with a token that is at hand. */
export function providerOf(vault: KeyVaultServer, config: AzureKeyVaultConfig = {}): Provider {
  const credential = {
    getToken: async () => ({ token: vault.token, expiresOnTimestamp: Date.now() + 3_600_000 }),
  };
  return azureKeyVault({
    vaultUrl: vault.vaultUrl,
    credential,
    clientOptions: clientOptions(vault),
    ...config,
  });
}
