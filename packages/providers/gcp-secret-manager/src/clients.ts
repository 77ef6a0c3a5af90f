import { isSecretsError, SecretsError } from '@keyturn/core/provider';
import { loginError } from './call-error.js';
import type { GcpSecretManagerConfig } from './gcp-settings.js';
import type { SecretManagerClient } from './secret-manager-client.js';

/** Sent with every call, so that the owner of a project can see in its audit log who asks. */
const USER_AGENT = { libName: 'keyturn', libVersion: '0.1.0' };

/**
 * A connection that broke without a word (a NAT or a host that is gone) is found dead when a ping has no answer, while
 * calls are made; without pings each would fail until TCP gives up, after a quarter of an hour. And what was down is
 * called again 5 s after it is back, not 2 minutes.
 */
const CHANNEL = {
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.max_reconnect_backoff_ms': 5_000,
};

/**
 * The clients of the SDK, one for each endpoint: the global one, and one for each location whose regional secrets are
 * read. Each is made at its first use, because the SDK takes 300 ms and 40 MB to load.
 */
export class Clients {
  readonly #config: GcpSecretManagerConfig;
  readonly #made = new Map<string | undefined, Promise<SecretManagerClient>>();
  #isClosed = false;

  constructor(config: GcpSecretManagerConfig) {
    this.#config = config;
  }

  /**
   * A client that is ready for calls to `location` (undefined: global).
   *
   * One whose preparation fails, as it does without credentials, is forgotten, or it would fail for ever. Without
   * the wait for it here, the SDK's own methods make that failure an unhandled rejection, which ends the process.
   *
   * @throws SecretsError `invalid-config` that names the package to install, `closed`, or what became of the login
   */
  async at(location: string | undefined): Promise<SecretManagerClient> {
    if (this.#isClosed) throw closed();
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

  /** Closes the clients that were made here, and makes none any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
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
    return new SecretManagerServiceClient({ ...USER_AGENT, ...CHANNEL, ...endpoint, ...clientOptions });
  }
}

function closed(): SecretsError {
  return new SecretsError('closed', {
    problem: 'The provider is closed.',
    remedy: 'Call close() last, or make another one with gcpSecretManager().',
  });
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
