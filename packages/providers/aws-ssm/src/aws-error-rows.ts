import type { ErrorFacts, ErrorRow } from './error-row.js';
import { SERVICE } from './service.js';

const where = ({ region }: ErrorFacts) => (region === undefined ? 'that region' : region);
const permission = ({ action }: ErrorFacts) => `${SERVICE.iam}:${action}`;
const IDENTITY = 'Check the setting credentials, or what the SDK finds: environment, profile, role.';
const NETWORK = 'Check the network from here to AWS: the setting endpoint, routes, security groups, DNS.';

const CLOCK = {
  code: 'unauthenticated',
  problem: 'The clock of this host is more than five minutes off, so AWS refuses its signatures.',
  remedy: 'Set the clock of this host (NTP).',
  retryAs: 'clock',
} as const;
const THROTTLED = {
  code: 'rate-limited',
  problem: 'AWS throttles the calls of this account.',
  remedy: 'Read less often (a longer cache ttl), or ask AWS for a higher quota.',
} as const;
const FAILING = {
  code: 'unavailable',
  problem: (facts: ErrorFacts) => `The service in ${where(facts)} has a failure of its own.`,
  remedy: 'Wait; the AWS Health Dashboard tells of larger ones.',
} as const;

/** Failures that every service of AWS has → what they mean. The first row that applies counts; the last one always does. */
export const AWS_ERROR_ROWS: readonly ErrorRow[] = [
  // Who we are.
  {
    when: /^(RequestTimeTooSkewed|RequestInTheFuture)$/,
    ...CLOCK,
  },
  {
    when: /^(InvalidSignature(Exception)?|SignatureDoesNotMatch)$/,
    says: /expired|not yet current/i,
    ...CLOCK,
  },
  {
    when: /^(ExpiredToken(Exception)?|RequestExpired|TokenRefreshRequired)$/,
    code: 'unauthenticated',
    problem: 'The credentials have expired.',
    remedy: 'Renew them; a function as the setting credentials is asked anew.',
    retryAs: 'credentials',
  },
  {
    when: /^(InvalidSignature(Exception)?|SignatureDoesNotMatch|IncompleteSignature(Exception)?)$/,
    code: 'unauthenticated',
    problem: 'The signature does not fit: the secret access key is not the one of the access key id.',
    remedy: IDENTITY,
  },
  {
    when: /^(UnrecognizedClient(Exception)?|InvalidClientTokenId|InvalidAccessKeyId|AuthFailure|MissingAuthenticationToken(Exception)?)$/,
    code: 'unauthenticated',
    problem: 'AWS does not know these credentials: the access key is gone, or its session token is missing.',
    remedy: IDENTITY,
    retryAs: 'credentials',
  },
  {
    when: /^AccessDenied(Exception)?$/,
    says: /\bsts:AssumeRole/,
    code: 'unauthenticated',
    problem: 'The role that the credentials lead to may not be assumed.',
    remedy: 'Check the trust policy of the role, and the profile or service account that names it.',
  },
  {
    when: /^(InvalidIdentityToken|IDPRejectedClaim|IDPCommunicationError)(Exception)?$/,
    code: 'unauthenticated',
    problem: 'The web identity token was refused.',
    remedy: 'Check the service account’s token, and the identity provider that the role trusts.',
  },
  {
    when: /^(CredentialsProviderError|TokenProviderError|ProviderError)$/,
    code: 'unauthenticated',
    problem: 'No credentials were found.',
    remedy: 'Give the setting credentials, or what the SDK looks for: AWS_ACCESS_KEY_ID, a profile, a role.',
  },

  // What we may do.
  {
    when: /^(AccessDenied(Exception)?|NotAuthorized|UnauthorizedOperation)$/,
    says: /access to KMS|\bkms:|ciphertext/i,
    code: 'permission-denied',
    problem: ({ subject }) => `${subject} may be read, and its key may not be used to decrypt it.`,
    remedy: 'Allow kms:Decrypt on the key, in the policy of the identity and in that of the key.',
  },
  {
    when: /^(DecryptionFailure|DecryptionFailureException|KMS\w*)$/,
    code: 'permission-denied',
    problem: ({ subject }) => `${subject} cannot be decrypted with its key.`,
    remedy: 'Check that the key is enabled and not about to be deleted, and allow kms:Decrypt on it.',
  },
  {
    when: /^(AccessDenied(Exception)?|NotAuthorized|UnauthorizedOperation)$/,
    code: 'permission-denied',
    problem: (facts) => `The policy does not allow ${permission(facts)} on ${facts.subject}.`,
    remedy: (facts) => `Allow ${permission(facts)} on it in the policy of the identity that calls.`,
  },
  {
    when: /^(OptInRequired|SubscriptionRequiredException)$/,
    code: 'permission-denied',
    problem: (facts) => `The account may not use the service in ${where(facts)}.`,
    remedy: 'Enable the region for the account, or check the setting region.',
  },

  // How much.
  {
    when: /Throttl|^(TooManyRequests(Exception)?|RequestLimitExceeded|LimitExceededException|SlowDown|PriorRequestNotComplete)$/,
    ...THROTTLED,
  },
  {
    status: [429, 429],
    ...THROTTLED,
  },

  // Settings.
  {
    says: /^Region is missing/,
    code: 'invalid-config',
    problem: 'No region is set, and the SDK finds none.',
    remedy: 'Give the setting region, or AWS_REGION.',
  },
  {
    when: /^(UnknownOperationException|UnknownOperation|InvalidAction|EndpointError)$/,
    code: 'invalid-config',
    problem: (facts) => `What answers there does not know ${facts.action}.`,
    remedy: 'Check the settings endpoint and region.',
  },

  // Connections, and the servers at their end.
  {
    when: /^(ENOTFOUND|EAI_\w+)$/,
    code: 'unavailable',
    problem: (facts) => `The host of the service in ${where(facts)} cannot be resolved.`,
    remedy: 'Check the settings region and endpoint, and the DNS of this host.',
  },
  {
    when: /CERT|SELF_SIGNED|UNABLE_TO_|^ERR_TLS_|^ERR_SSL_|^EPROTO$/,
    code: 'unavailable',
    problem: 'The certificate of what answers there cannot be verified.',
    remedy: 'Check what stands between here and AWS; NODE_EXTRA_CA_CERTS may name its authority.',
  },
  {
    when: /^ECONNREFUSED$/,
    code: 'unavailable',
    problem: 'Nothing listens at the endpoint.',
    remedy: NETWORK,
  },
  {
    when: /^(ECONNRESET|EPIPE|ECONNABORTED|ERR_STREAM_PREMATURE_CLOSE|HPE_\w+)$/,
    code: 'unavailable',
    problem: 'The connection broke before the answer was complete.',
    remedy: NETWORK,
  },
  {
    // The SDK gives this name to broken connections, too, which the row above takes.
    when: /^(TimeoutError|ETIMEDOUT|ESOCKETTIMEDOUT|RequestTimeout(Exception)?)$/,
    code: 'timeout',
    problem: 'There was no answer in time.',
    remedy: NETWORK,
  },
  {
    status: [500, 599],
    ...FAILING,
  },
  {
    when: /^Internal(Service|Server)?(Error|Failure)(Exception)?$|^ServiceUnavailable(Exception)?$/,
    ...FAILING,
  },
  {
    when: /^(ValidationException|ValidationError|InvalidParameter\w*|SerializationException)$/,
    code: 'invalid-ref',
    problem: ({ subject }) => `AWS refuses the request for ${subject} as malformed.`,
    remedy: 'Check the name, version and stage in the reference.',
  },
  {
    when: /^SyntaxError$/,
    code: 'bad-response',
    problem: 'The answer is not what the service gives: cut short, or from something else.',
    remedy: 'Check the setting endpoint, and what stands between here and AWS; the value held before stays.',
  },
  {
    status: [200, 499],
    code: 'bad-response',
    problem: (facts) => `AWS answers ${facts.action} with an error that is not known here.`,
    remedy: 'Look for the name and status of the cause in AWS’s documentation of the action.',
  },
  {
    code: 'unavailable',
    problem: 'The call failed before there was an answer.',
    remedy: NETWORK,
  },
];
