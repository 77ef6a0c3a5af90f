import { isSecretsError, SecretsError } from '@keyturn/core/provider';
import { loginError } from './call-error.js';
import type { GcpSecretManagerConfig } from './gcp-settings.js';
import type { SecretManagerClient } from './secret-manager-client.js';

/** Sent with every call, so that the owner of a project can see in its audit log who asks. */
const USER_AGENT = { libName: 'keyturn', libVersion: '0.1.0' };

/**
 * The clients of the SDK, one for each endpoint: the global one, and one for each location whose regional secrets are
 * read. Each is made at its first use, because the SDK takes 300 ms and 40 MB to load.
 */
export class Clients {
  readonly #config: GcpSecretManagerConfig;
  readonly #made = new Map<string | undefined, Promise<SecretManagerClient>>();

  constructor(config: GcpSecretManagerConfig) {
    this.#config = config;
  }

  /**
   * A client that is ready for calls to `location` (undefined: global).
   *
   * One whose preparation fails, as it does without credentials, is forgotten, or it would fail for ever. Without
   * the wait for it here, the SDK's own methods make that failure an unhandled rejection, which ends the process.
   *
   * @throws SecretsError `invalid-config` that names the package to install, or what became of the login
   */
  async at(location: string | undefined): Promise<SecretManagerClient> {
    const { client: own } = this.#config;
    const client =
      this.#made.get(location) ?? (own === undefined ? this.#make(location) : Promise.resolve(own));
    if (own === undefined) this.#made.set(location, client);
    try {
      const made = await client;
      await made.initialize?.();
      return made;
    } catch (error) {
      if (this.#made.get(location) === client) this.#made.delete(location);
      throw isSecretsError(error) ? error : loginError(error);
    }
  }

  /** Closes the clients that were made here. */
  async close(): Promise<void> {
    const made = [...this.#made.values()];
    this.#made.clear();
    await Promise.allSettled(made.map(async (client) => (await client).close?.()));
  }

  async #make(location: string | undefined): Promise<SecretManagerClient> {
    const { SecretManagerServiceClient } = await sdk();
    const { clientOptions = {} } = this.#config;
    const { universeDomain = 'googleapis.com' } = clientOptions;
    const endpoint =
      location === undefined ? {} : { apiEndpoint: `secretmanager.${location}.rep.${universeDomain}` };
    return new SecretManagerServiceClient({ ...USER_AGENT, ...endpoint, ...clientOptions });
  }
}

async function sdk(): Promise<typeof import('@google-cloud/secret-manager')> {
  try {
    return await import('@google-cloud/secret-manager');
  } catch (error) {
    throw new SecretsError('invalid-config', {
      problem: 'The package @google-cloud/secret-manager cannot be loaded.',
      remedy: 'Install it beside @keyturn/gcp-secret-manager: npm install @google-cloud/secret-manager',
      cause: error,
    });
  }
}
