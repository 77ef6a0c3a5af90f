import { isSecretsError, SecretsError } from '@keyturn/core/provider';
import type { VaultClient } from './client.js';

/** States of a node that are not asked for here must not look like failures. */
const ANY_STATE = 'standbyok=true&perfstandbyok=true&sealedcode=200&uninitcode=200&drsecondarycode=200';

/**
 * Makes sure once that the server heeds the namespace that is configured.
 *
 * Vault's community edition ignores the header and answers from the root: with the same names there, an
 * application would be given another team's secrets.
 */
export class NamespaceCheck {
  readonly #client: VaultClient;
  #isNeeded: boolean;

  constructor(client: VaultClient, namespace: string | undefined) {
    this.#client = client;
    this.#isNeeded = namespace !== undefined;
  }

  /** @throws SecretsError `invalid-config` when the server has no namespaces */
  async pass(signal: AbortSignal): Promise<void> {
    if (!this.#isNeeded) return;
    const health = await this.#health(signal);
    if (health?.enterprise === false) {
      throw new SecretsError('invalid-config', {
        problem: 'The server is the community edition of Vault, which ignores namespaces.',
        remedy: 'Leave out the setting namespace, or point address at OpenBao or Vault Enterprise.',
      });
    }
    this.#isNeeded = false;
  }

  /** Undefined where the health is not to be had (a proxy may hide it): the login goes on. */
  async #health(signal: AbortSignal) {
    try {
      const call = {
        purpose: 'read',
        path: 'sys/health',
        query: ANY_STATE,
        inNamespace: false,
        signal,
      } as const;
      return (await this.#client.call(call)).content;
    } catch (error) {
      if (
        !isSecretsError(error) ||
        error.code === 'aborted' ||
        error.code === 'timeout' ||
        error.code === 'unavailable'
      )
        throw error;
      return undefined;
    }
  }
}
