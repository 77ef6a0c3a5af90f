import type { CancellableCall } from './until-aborted.js';

/** The answer to an access, as far as it is used. */
export interface AccessedVersion {
  readonly name?: string | null | undefined;
  readonly payload?:
    | {
        readonly data?: Uint8Array | string | null | undefined;
        /** An int64, in whichever form the transport gives one. */
        readonly dataCrc32c?: unknown;
      }
    | null
    | undefined;
}

/** One line of a listing, as far as it is used. */
export interface ListedSecret {
  readonly name?: string | null | undefined;
}

/** The part of `SecretManagerServiceClient` (`@google-cloud/secret-manager`) that is used. */
export interface SecretManagerClient {
  initialize?(): Promise<unknown>;
  accessSecretVersion(request: { name: string }, options: object): Promise<[AccessedVersion, ...unknown[]]>;
  listSecrets(
    request: { parent: string; pageSize: number; pageToken: string },
    options: object,
  ): Promise<[readonly ListedSecret[], unknown, { nextPageToken?: string | null }, ...unknown[]]>;
  close?(): Promise<unknown>;
}

/** No retry of the SDK's own: the core retries, within the budget and the deadlines that it keeps. */
const ONCE = { retry: null };

/**
 * Accesses one version.
 *
 * Of Google's client it is the call beneath the public method, for two reasons: only that one can be cancelled, and the
 * public one prints the payload to stderr where `GOOGLE_SDK_NODE_LOGGING` is set.
 */
export function access(
  client: SecretManagerClient,
  name: string,
): CancellableCall<[AccessedVersion, ...unknown[]]> {
  const { innerApiCalls } = client as { innerApiCalls?: { accessSecretVersion?: unknown } };
  const inner = innerApiCalls?.accessSecretVersion;
  if (typeof inner !== 'function') return client.accessSecretVersion({ name }, ONCE);
  const headers = { 'x-goog-request-params': `name=${encodeURIComponent(name)}` };
  return inner({ name }, { ...ONCE, otherArgs: { headers } });
}

/** Asks for one page of names. */
export function listPage(client: SecretManagerClient, parent: string, pageToken: string, pageSize: number) {
  return client.listSecrets({ parent, pageSize, pageToken }, { ...ONCE, autoPaginate: false });
}
