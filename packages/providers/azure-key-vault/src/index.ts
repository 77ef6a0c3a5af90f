/**
 * Azure Key Vault for Keyturn.
 *
 * @module
 */
export { azureKeyVault } from './azure-key-vault.js';
export type { AzureKeyVaultConfig } from './azure-settings.js';
export type { KeyVaultClient, Moment, ReadSecret, SecretFacts, TokenCredential } from './key-vault-client.js';
