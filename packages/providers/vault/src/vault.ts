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
import { LateAnswers } from './late-answers.js';
import { renewLease, revokeLease } from './leases.js';
import { listBelow } from './listing.js';
import { Mounts } from './mounts.js';
import { NamespaceCheck } from './namespace-check.js';
import { apiCall } from './read-call.js';
import { secretVersion } from './secret-version.js';
import { vaultSession } from './session.js';
import { callerOf } from './session-token.js';
import { totpLease } from './totp-lease.js';
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
  const namespaceCheck = new NamespaceCheck(client, settings.namespace);
  const late = new LateAnswers(client);
  let fingerprint: Promise<Fingerprint> | undefined;

  const [, ...others] = settings.addresses;

  return {
    name: 'vault',
    ...(others.length === 0 ? {} : { addresses: settings.addresses.map(({ name }) => name) }),

    async fetch(ref: ProviderRef, options: FetchOptions): Promise<SecretVersion> {
      const { signal, clock } = options;
      checkRef(ref);
      const caller = callerOf(options);
      await namespaceCheck.pass(caller);
      const mount = await mounts.find(ref.path, caller);
      const call = apiCall(ref, mount, settings.parameters.get(ref.path));
      try {
        const read = (until: AbortSignal) =>
          client.call({ purpose: 'read', ...call, ...caller, signal: until });
        const lease =
          mount.kind === 'totp' ? await totpLease(client, { ref, mount, caller, clock }) : undefined;
        const mayLease = mount.kind !== 'kv1' && mount.kind !== 'kv2';
        const envelope = await (mayLease ? late.read(read, options) : read(signal));
        fingerprint ??= newFingerprint();
        try {
          const version = secretVersion(envelope, {
            kind: mount.kind,
            clock,
            fingerprint: await fingerprint,
          });
          return lease === undefined ? version : { ...version, lease };
        } catch (error) {
          await late.revoke(envelope, options);
          throw error;
        }
      } catch (error) {
        if (isSecretsError(error) && error.status === 404) mounts.forget(mount);
        throw error;
      }
    },

    renew: (leaseId, options) => renewLease(client, leaseId, options),
    revoke: (leaseId, options) => revokeLease(client, leaseId, options),

    async *list(prefix: string, options: CallOptions): AsyncIterable<ProviderRef> {
      const folder = prefix.replace(/\/$/, '');
      checkRef({ path: folder });
      const caller = callerOf(options);
      await namespaceCheck.pass(caller);
      const mount = await mounts.find(folder, caller);
      yield* listBelow(client, folder, { mount, caller });
    },

    session: vaultSession(client, settings.auth, namespaceCheck),

    async close() {
      await late.settled();
      await client.close();
    },
  };
}

/** What can be refused without knowing what is mounted there. */
function checkRef({ path, stage }: ProviderRef): void {
  if (/^sys\/wrapping(?:\/|$)/.test(path)) {
    throw new SecretsError('invalid-ref', {
      problem: 'A wrapping token opens once, so what is in it cannot be kept up to date.',
      remedy: 'Unwrap it where it is delivered, or name the secret itself.',
    });
  }
  if (/^(?:sys|auth)(?:\/|$)/.test(path)) {
    throw new SecretsError('invalid-ref', {
      problem: 'Below sys/ and auth/ the store holds no secrets, but logins and itself.',
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
