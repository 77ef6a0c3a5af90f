import { SecretsError } from '@keyturn/core/provider';
import type { AzureKeyVaultConfig } from './azure-settings.js';
import type { KeyVaultClient, PipelinePolicy } from './key-vault-client.js';

/** Sent with every call, so that the owner of a vault can see in its log who asks. */
const USER_AGENT = { userAgentPrefix: 'keyturn/0.1.0' };

/** No retries of the SDK's own: the core retries, within the budget and the deadlines that it keeps. */
const ONCE = { retryOptions: { maxRetries: 0 } };

/**
 * Makes a client of the SDK, which takes 180 ms and 14 MB to load, and as much again for `@azure/identity` where no
 * credential is given.
 *
 * @throws SecretsError `invalid-config` that names the package to install
 */
export async function sdkClient(settings: AzureKeyVaultConfig): Promise<KeyVaultClient> {
  const { vaultUrl = '', clientOptions } = settings;
  const { SecretClient } = await loaded('@azure/keyvault-secrets', () => import('@azure/keyvault-secrets'));
  const credential = settings.credential ?? (await defaultCredential());
  return new SecretClient(vaultUrl, credential, {
    userAgentOptions: USER_AGENT,
    ...clientOptions,
    ...ONCE,
    additionalPolicies: [...policiesOf(clientOptions), { policy: keepStatus, position: 'perCall' }],
  });
}

/**
 * The SDK's reader of errors fails at a failure without a body, as gateways send them, and its status and Retry-After
 * are lost: such an answer is made an error before it gets there.
 */
const keepStatus: PipelinePolicy = {
  name: 'keepStatusPolicy',
  async sendRequest(request, next) {
    const response = await next(request);
    if (response.status < 400 || response.bodyAsText) return response;
    throw Object.assign(new Error('No body.'), { name: 'RestError', statusCode: response.status, response });
  },
};

function policiesOf(options: Readonly<Record<string, unknown>> = {}): readonly never[] {
  return (options.additionalPolicies ?? []) as never[];
}

async function defaultCredential() {
  const { DefaultAzureCredential } = await loaded('@azure/identity', () => import('@azure/identity'));
  return new DefaultAzureCredential(ONCE);
}

async function loaded<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    throw new SecretsError('invalid-config', {
      problem: `The package ${name} cannot be loaded.`,
      remedy: `Install it beside @keyturn/azure-key-vault: npm install ${name}`,
      cause: error,
    });
  }
}
