import type { AzureKeyVaultConfig } from './azure-settings.js';
import { callFailure } from './call-failure.js';
import type { KeyVaultClient } from './key-vault-client.js';
import { sdkClient } from './sdk-client.js';

/** The client that calls are made with: the application's own, or one that is made at the first call. */
export class ClientInUse {
  readonly #settings: AzureKeyVaultConfig;
  #made: Promise<KeyVaultClient> | undefined;

  constructor(settings: AzureKeyVaultConfig) {
    this.#settings = settings;
  }

  /** One that could not be made is forgotten, or it would fail for ever. */
  async get(): Promise<KeyVaultClient> {
    if (this.#settings.client !== undefined) return this.#settings.client;
    this.#made ??= sdkClient(this.#settings);
    const made = this.#made;
    try {
      return await made;
    } catch (error) {
      this.#forget(made);
      throw error;
    }
  }

  /**
   * Makes a call; once more with a new client when the vault does not take the token. The SDK keeps a token until the
   * time at which it was to end, so that one that was revoked before would fail until then.
   */
  async use<Result>(call: (client: KeyVaultClient) => Promise<Result>): Promise<Result> {
    const client = await this.get();
    const made = this.#made;
    try {
      return await call(client);
    } catch (error) {
      if (made === undefined || !isRefusedToken(error)) throw error;
      this.#forget(made);
      return call(await this.get());
    }
  }

  #forget(made: Promise<KeyVaultClient>): void {
    if (this.#made === made) this.#made = undefined;
  }
}

function isRefusedToken(thrown: unknown): boolean {
  const { isLogin, status } = callFailure(thrown);
  return !isLogin && status === 401;
}
