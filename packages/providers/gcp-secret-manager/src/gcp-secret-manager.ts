import {
  type CallOptions,
  type FetchOptions,
  isSecretsError,
  type Provider,
  type ProviderRef,
  type SecretVersion,
} from '@keyturn/core/provider';
import { abortReason } from './abort-reason.js';
import { callError } from './call-error.js';
import { Clients } from './clients.js';
import { type GcpSecretManagerConfig, gcpSettings } from './gcp-settings.js';
import { listedPlace, namesBelow } from './listing.js';
import { access } from './secret-manager-client.js';
import { secretName, versionName } from './secret-name.js';
import { secretVersion } from './secret-version.js';
import { untilAborted } from './until-aborted.js';

/**
 * Google Cloud Secret Manager as a provider, logged in by Application Default Credentials: Workload Identity, the
 * service account of the machine, or a key file.
 *
 * ```ts
 * const secrets = createSecrets({ providers: { gcp: gcpSecretManager({ project: 'orders-prod' }) } });
 * await secrets.getSecret('gcp:stripe-key');
 * ```
 *
 * A read is one `access`. The version is in its answer, so metadata are never asked for: that would take another
 * permission, and could be of another version than the payload.
 *
 * @throws SecretsError `invalid-config` that names the setting, before any I/O
 */
export function gcpSecretManager(config: GcpSecretManagerConfig = {}): Provider {
  const settings = gcpSettings(config);
  const clients = new Clients(settings);

  /** Rejects with nothing but SecretsError, and as soon as `signal` aborts. */
  async function called<Result>(signal: AbortSignal, call: () => Promise<Result>): Promise<Result> {
    try {
      return await untilAborted(signal, call);
    } catch (error) {
      if (signal.aborted) throw abortReason(signal);
      throw isSecretsError(error) ? error : callError(error);
    }
  }

  return {
    name: 'gcp-secret-manager',

    async fetch(ref: ProviderRef, { signal }: FetchOptions): Promise<SecretVersion> {
      const { parent, secret, location } = secretName(ref.path, settings);
      const wanted = versionName(ref);
      const name = `${parent}/secrets/${secret}/versions/${wanted}`;
      const [answer] = await called(signal, async () => {
        const client = await clients.at(location);
        return untilAborted(signal, () => access(client, name));
      });
      return secretVersion(answer, secret, wanted);
    },

    async *list(prefix: string, { signal }: CallOptions): AsyncIterable<ProviderRef> {
      const place = listedPlace(prefix, settings);
      if (place === undefined) return;
      const client = await called(signal, () => clients.at(place.location));
      yield* namesBelow(place, client, (call) => called(signal, call));
    },

    close: () => clients.close(),
  };
}
