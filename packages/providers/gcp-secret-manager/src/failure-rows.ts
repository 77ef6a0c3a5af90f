import type { ErrorCode } from '@keyturn/core/provider';

/** One kind of failure: what it is known by, and what it means. */
export interface FailureRow {
  /** Statuses of gRPC; over REST the status in the body, or else the one that the HTTP status stands for. */
  readonly statuses: readonly (string | undefined)[];
  /** Only with one of these reasons. */
  readonly reasons?: readonly string[];
  /** Only where the login failed, rather than the call. */
  readonly isLogin?: true;
  readonly code: ErrorCode;
  readonly problem: string;
  readonly remedy: string;
}

const NO_ANSWER = undefined;

/** Failures of the SDK → what they mean. The first row that matches counts. */
export const FAILURE_ROWS: readonly FailureRow[] = [
  {
    statuses: ['UNAVAILABLE', 'INTERNAL', 'DEADLINE_EXCEEDED', 'ABORTED'],
    isLogin: true,
    code: 'unavailable',
    problem: 'The service that hands out access tokens does not answer as it should.',
    remedy:
      'Nothing is wrong with the secret; check the metadata server, or the token URL of the credential.',
  },
  {
    statuses: ['RESOURCE_EXHAUSTED'],
    isLogin: true,
    code: 'rate-limited',
    problem: 'The service that hands out access tokens is asked too often.',
    remedy: 'Share one provider among all who read, and check how many processes start at once.',
  },
  {
    statuses: [],
    isLogin: true,
    code: 'unauthenticated',
    problem: 'There is no credential here that Google takes: none was found, or it expired or was revoked.',
    remedy:
      'Check the service account of the workload, GOOGLE_APPLICATION_CREDENTIALS, or authClient in clientOptions.',
  },
  {
    statuses: ['UNAUTHENTICATED'],
    code: 'unauthenticated',
    problem: 'Google does not take the credential: it is missing, expired or revoked.',
    remedy:
      'Check the service account of the workload, GOOGLE_APPLICATION_CREDENTIALS, or authClient in clientOptions.',
  },
  {
    statuses: ['PERMISSION_DENIED'],
    reasons: ['SERVICE_DISABLED'],
    code: 'invalid-config',
    problem: 'The Secret Manager API is not enabled in the project.',
    remedy: 'Run gcloud services enable secretmanager.googleapis.com, or check project.',
  },
  {
    statuses: ['PERMISSION_DENIED', 'INVALID_ARGUMENT', 'NOT_FOUND'],
    reasons: ['CONSUMER_INVALID', 'PROJECT_NOT_FOUND', 'USER_PROJECT_DENIED', 'CONSUMER_SUSPENDED'],
    code: 'invalid-config',
    problem: 'The project does not exist, is suspended, or may not be billed for the call.',
    remedy: 'Check project in gcpSecretManager(), or the project in the reference.',
  },
  {
    statuses: ['PERMISSION_DENIED'],
    reasons: ['ACCESS_TOKEN_SCOPE_INSUFFICIENT'],
    code: 'permission-denied',
    problem: 'The access token lacks the scope for Secret Manager.',
    remedy: 'Give the machine or node pool the scope cloud-platform; roles alone do not widen its tokens.',
  },
  {
    statuses: ['PERMISSION_DENIED'],
    reasons: ['SECURITY_POLICY_VIOLATED', 'VPC_SERVICE_CONTROLS'],
    code: 'permission-denied',
    problem: 'A VPC Service Controls perimeter keeps the call out.',
    remedy: 'Let the workload into the perimeter, or call from within.',
  },
  {
    statuses: ['PERMISSION_DENIED'],
    code: 'permission-denied',
    problem: 'The service account may not access the secret, or the secret or its project does not exist.',
    remedy:
      'Grant roles/secretmanager.secretAccessor on the secret (to list: secretmanager.viewer), and check project.',
  },
  {
    statuses: ['NOT_FOUND'],
    code: 'not-found',
    problem: 'There is no such secret, version or alias.',
    remedy: 'Check the name, the project and location, and whether a version has been added.',
  },
  {
    statuses: ['FAILED_PRECONDITION'],
    code: 'not-found',
    problem: 'The version is disabled or destroyed, or its encryption key is.',
    remedy:
      'Enable it, add a new version (latest is not the latest enabled one), or enable its Cloud KMS key.',
  },
  {
    statuses: ['RESOURCE_EXHAUSTED'],
    code: 'rate-limited',
    problem: 'The quota of access requests is used up.',
    remedy: 'Raise cache.ttl, or the quota of access requests per minute of the project.',
  },
  {
    statuses: ['INVALID_ARGUMENT', 'OUT_OF_RANGE'],
    code: 'invalid-ref',
    problem: 'The service takes the name for malformed, or for one of another place.',
    remedy: 'Check the reference; a regional secret needs its location, and a global one none.',
  },
  {
    statuses: ['UNIMPLEMENTED'],
    code: 'invalid-config',
    problem: 'What answers there is not Secret Manager.',
    remedy: 'Check apiEndpoint and fallback in clientOptions.',
  },
  {
    statuses: ['DEADLINE_EXCEEDED'],
    code: 'timeout',
    problem: 'The service did not answer in time.',
    remedy: 'Try later; check the network between here and the endpoint.',
  },
  {
    statuses: ['UNAVAILABLE', 'INTERNAL', 'UNKNOWN', 'ABORTED', 'CANCELLED', 'DATA_LOSS'],
    code: 'unavailable',
    problem: 'The service cannot be reached, or fails.',
    remedy: 'Try later; check the network between here and the endpoint, and apiEndpoint in clientOptions.',
  },
  {
    statuses: [NO_ANSWER],
    code: 'unavailable',
    problem: 'The call got no answer.',
    remedy: 'Check the network, name resolution and proxies between here and the endpoint.',
  },
  {
    statuses: [],
    code: 'bad-response',
    problem: 'The service answered with a status that makes no sense for a read.',
    remedy: 'Check what stands between here and Secret Manager: a proxy, or apiEndpoint in clientOptions.',
  },
];
