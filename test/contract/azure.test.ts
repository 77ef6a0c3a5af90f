import { azureKeyVault } from '@keyturn/azure-key-vault';
import { afterAll, beforeAll, describe } from 'vitest';
import { clientOptions } from '../../packages/providers/azure-key-vault/test/calls.js';
import {
  type KeyVaultServer,
  startKeyVault,
} from '../../packages/providers/azure-key-vault/test/key-vault-server.js';
import { testDocumentedProvider } from './documented-provider.js';

describe('against a Key Vault on TLS, by Managed Identity', () => {
  let vault: KeyVaultServer;
  beforeAll(() => {
    process.env.AZURE_TOKEN_CREDENTIALS = 'prod';
  });
  afterAll(() => {
    for (const name of ['AZURE_TOKEN_CREDENTIALS', ...Object.keys(vault.environment)]) {
      Reflect.deleteProperty(process.env, name);
    }
  });

  testDocumentedProvider(
    { folder: 'azure-key-vault', backend: 'a server written from its documentation' },
    async () => {
      vault = await startKeyVault();
      Object.assign(process.env, vault.environment);
      return {
        provider: azureKeyVault({
          vaultUrl: vault.vaultUrl,
          clientOptions: clientOptions(vault),
          separator: '--',
        }),
        capabilities: ['list'],
        credentials: [vault.token, vault.environment.IDENTITY_HEADER ?? ''],
        put(path, fields) {
          vault.set(path.replaceAll('/', '--'), JSON.stringify(fields));
          return { path };
        },
        remove: ({ path }) => void vault.secrets.delete(path.replaceAll('/', '--')),
        disconnect: () => vault.disconnect(),
        freeze() {
          vault.isFrozen = true;
        },
        stop: () => vault.stop(),
      };
    },
  );
});
