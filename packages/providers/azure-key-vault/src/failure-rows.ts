import type { ErrorCode } from '@keyturn/core/provider';

/** One kind of failure: what it is known by, and what it means. */
export interface FailureRow {
  /** HTTP statuses, the first and the last; without it, none is needed. */
  readonly statuses?: readonly [from: number, to: number];
  /** Only with one of Key Vault's reasons. */
  readonly reasons?: readonly string[];
  /** Only with such a code of the SDK or of Node. */
  readonly codes?: RegExp;
  /** Only where the login failed, rather than the call. */
  readonly isLogin?: true;
  /** Only where the SDK kept its token from what answered. */
  readonly isStranger?: true;
  readonly code: ErrorCode;
  readonly problem: string;
  readonly remedy: string;
}

/** Failures of the SDK → what they mean. The first row that matches counts. */
export const FAILURE_ROWS: readonly FailureRow[] = [
  {
    isLogin: true,
    statuses: [429, 429],
    code: 'rate-limited',
    problem: 'The service that hands out access tokens is asked too often.',
    remedy: 'Share one provider among all who read, and check how many processes start at once.',
  },
  {
    isLogin: true,
    statuses: [500, 599],
    code: 'unavailable',
    problem: 'The service that hands out access tokens fails.',
    remedy: 'Nothing is wrong with the secret; try later.',
  },
  {
    isLogin: true,
    code: 'unauthenticated',
    problem:
      'There is no credential here that Microsoft Entra takes: none was found, or it expired or was revoked.',
    remedy:
      'Check the identity of the workload (AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE), or the setting credential.',
  },
  {
    isStranger: true,
    code: 'invalid-config',
    problem: 'What answers there asks for the token of another service, and was not given one.',
    remedy: 'Check vaultUrl: it must be the vault itself, in the cloud of the credential.',
  },
  {
    statuses: [400, 400],
    code: 'invalid-ref',
    problem: 'Key Vault takes the name or version for malformed.',
    remedy: 'Check the reference, and serviceVersion in clientOptions where it is set.',
  },
  {
    statuses: [401, 401],
    code: 'unauthenticated',
    problem: 'The vault does not take the token: it expired, or is of another tenant.',
    remedy: 'Check that credential and vaultUrl belong to one tenant and cloud.',
  },
  {
    statuses: [403, 403],
    reasons: ['SecretDisabled'],
    code: 'not-found',
    problem: 'The secret, or this version of it, is disabled.',
    remedy: 'Enable it, or set a new version.',
  },
  {
    statuses: [403, 403],
    reasons: ['ForbiddenByFirewall', 'ForbiddenByConnection'],
    code: 'permission-denied',
    problem: 'The network rules of the vault keep the call out.',
    remedy: 'Allow the network of the workload at the vault, or call by its private endpoint.',
  },
  {
    statuses: [403, 403],
    code: 'permission-denied',
    problem: 'The identity may not read the secret.',
    remedy:
      'Assign Key Vault Secrets User on the secret or vault, or the access policy Get (to list: List as well).',
  },
  {
    statuses: [404, 404],
    code: 'not-found',
    problem: 'There is no such secret or version, or it was deleted.',
    remedy: 'Check the name and vaultUrl; a deleted secret can be recovered until it is purged.',
  },
  {
    statuses: [429, 429],
    code: 'rate-limited',
    problem: 'The vault, or its subscription, is asked too often.',
    remedy: 'Raise cache.ttl, or spread the secrets over several vaults.',
  },
  {
    statuses: [408, 409],
    code: 'unavailable',
    problem: 'The vault could not answer just now: the secret is being changed, deleted or recovered.',
    remedy: 'Try later.',
  },
  {
    statuses: [500, 599],
    code: 'unavailable',
    problem: 'The vault fails.',
    remedy: 'Try later; check the health of Key Vault in its region.',
  },
  {
    statuses: [200, 299],
    code: 'bad-response',
    problem: 'The answer is not what Key Vault answers.',
    remedy:
      'Check vaultUrl, and what stands between here and there: a proxy, or proxyOptions in clientOptions.',
  },
  {
    statuses: [100, 499],
    code: 'bad-response',
    problem: 'The vault answered with a status that makes no sense for a read.',
    remedy:
      'Check vaultUrl, and what stands between here and there: a proxy, or proxyOptions in clientOptions.',
  },
  {
    codes: /^(?:ENOTFOUND|EAI_\w+)$/,
    code: 'unavailable',
    problem: 'The host name of the vault cannot be resolved.',
    remedy: 'Check vaultUrl and the DNS of this host: a vault that was deleted has no name any more.',
  },
  {
    codes: /CERT|SELF_SIGNED|^UNABLE_TO_/,
    code: 'unavailable',
    problem: 'The certificate of what answers there is not trusted.',
    remedy:
      'Check what stands between here and vaultUrl, or give its authority as tlsOptions.ca in clientOptions.',
  },
  {
    code: 'unavailable',
    problem: 'The vault cannot be reached.',
    remedy: 'Check vaultUrl, and the network and proxies between here and there.',
  },
];
