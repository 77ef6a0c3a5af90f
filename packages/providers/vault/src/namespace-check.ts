import { isSecretsError, SecretsError, SingleFlight } from '@keyturn/core/provider';
import type { Caller, VaultClient } from './client.js';

/** States of a node that are not asked for here must not look like failures. */
const ANY_STATE = 'standbyok=true&perfstandbyok=true&sealedcode=200&uninitcode=200&drsecondarycode=200';

/**
 * Makes sure, once an address, that the server heeds the namespace that is configured.
 *
 * Vault's community edition ignores the header and answers from the root: with the same names there, an
 * application would be given another team's secrets.
 */
export class NamespaceCheck {
  readonly #client: VaultClient;
  readonly #isNeeded: boolean;
  readonly #passed = new Set<string | undefined>();
  readonly #checks = new SingleFlight<void>();

  constructor(client: VaultClient, namespace: string | undefined) {
    this.#client = client;
    this.#isNeeded = namespace !== undefined;
  }

  /** @throws SecretsError `invalid-config` when the server has no namespaces */
  async pass({ signal, address }: Caller): Promise<void> {
    if (!this.#isNeeded || this.#passed.has(address)) return;
    await this.#checks.run(address ?? '', (shared) => this.#check({ signal: shared, address }), signal);
  }

  async #check(caller: Caller): Promise<void> {
    const health = await this.#health(caller);
    if (health?.enterprise === false) {
      throw new SecretsError('invalid-config', {
        problem: 'The server is the community edition of Vault, which ignores namespaces.',
        remedy: 'Leave out the setting namespace, or point address at OpenBao or Vault Enterprise.',
      });
    }
    this.#passed.add(caller.address);
  }

  /** Undefined where the health is not to be had (a proxy may hide it): the call goes on. */
  async #health(caller: Caller) {
    try {
      const call = {
        purpose: 'read',
        path: 'sys/health',
        query: ANY_STATE,
        inNamespace: false,
        ...caller,
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
