import {
  type CallOptions,
  type FetchOptions,
  isSecretsError,
  type Provider,
  type ProviderRef,
  SecretsError,
  type SecretVersion,
} from '@keyturn/core/provider';
import { VaultClient } from './client.js';
import { type Fingerprint, newFingerprint } from './fingerprint.js';
import { renewLease, revokeLease } from './leases.js';
import { listBelow } from './listing.js';
import { Mounts } from './mounts.js';
import { apiCall } from './read-call.js';
import { secretVersion } from './secret-version.js';
import { vaultSession } from './session.js';
import { SessionToken } from './session-token.js';
import { type VaultConfig, vaultSettings } from './vault-settings.js';

/**
 * HashiCorp Vault or OpenBao as a provider.
 *
 * References name the path as the `vault kv` and `vault read` commands do: `vault:secret/orders#key`,
 * `vault:database/creds/orders`. Whether a mount is KV of version 2 is found out.
 *
 * ```ts
 * const secrets = createSecrets({
 *   providers: { vault: vault({ address: 'https://vault:8200', auth: kubernetes({ role: 'orders' }) }) },
 * });
 * ```
 *
 * @throws SecretsError `invalid-config` that names the setting, before any I/O
 */
export function vault(config: VaultConfig): Provider {
  const settings = vaultSettings(config);
  const client = new VaultClient(settings);
  const mounts = new Mounts(client, settings.mounts);
  let fingerprint: Promise<Fingerprint> | undefined;

  return {
    name: 'vault',

    async fetch(ref: ProviderRef, { session, signal, clock }: FetchOptions): Promise<SecretVersion> {
      checkRef(ref);
      const token = SessionToken.textOf(session);
      const mount = await mounts.find(ref.path, token, signal);
      const call = apiCall(ref, mount, settings.parameters.get(ref.path));
      try {
        const envelope = await client.call({ purpose: 'read', ...call, token, signal });
        fingerprint ??= newFingerprint();
        return secretVersion(envelope, { kind: mount.kind, clock, fingerprint: await fingerprint });
      } catch (error) {
        if (isSecretsError(error) && error.status === 404) mounts.forget(mount);
        throw error;
      }
    },

    renew: (leaseId, options) => renewLease(client, leaseId, options),
    revoke: (leaseId, options) => revokeLease(client, leaseId, options),

    async *list(prefix: string, { session, signal }: CallOptions): AsyncIterable<ProviderRef> {
      const folder = prefix.replace(/\/$/, '');
      checkRef({ path: folder });
      const token = SessionToken.textOf(session);
      const mount = await mounts.find(folder, token, signal);
      yield* listBelow(client, folder, { mount, token, signal });
    },

    session: vaultSession(client, settings.auth, settings.namespace),

    close: () => client.close(),
  };
}

/** What can be refused without knowing what is mounted there. */
function checkRef({ path, stage }: ProviderRef): void {
  if (path === 'sys' || path.startsWith('sys/')) {
    throw new SecretsError('invalid-ref', {
      problem: 'Below sys/ the store holds no secrets.',
      remedy: 'Name a path in a secrets engine.',
    });
  }
  if (stage !== undefined) {
    throw new SecretsError('invalid-ref', {
      problem: 'The store has no stages.',
      remedy: 'Leave out ?stage=, or name a version of a KV v2 secret with ?version=N.',
    });
  }
}
