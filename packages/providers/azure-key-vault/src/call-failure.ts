/** What can be told from an error of the SDK without repeating a word of it. */
export interface CallFailure {
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** The SDK's or Node's code, such as `ENOTFOUND`. */
  readonly code: string | undefined;
  /** Key Vault's reason beneath its code, such as `SecretDisabled`. */
  readonly reason: string | undefined;
  /** Whether the login failed rather than the call. */
  readonly isLogin: boolean;
  /** Whether the SDK kept its token from what answered there. */
  readonly isStranger: boolean;
  readonly retryAfterMs: number | undefined;
}

/** The errors of `@azure/identity`. */
const LOGIN_NAMES: ReadonlySet<unknown> = new Set([
  'AuthenticationError',
  'AggregateAuthenticationError',
  'AuthenticationRequiredError',
  'CredentialUnavailableError',
]);

/** Members of anything, none of them certain. */
type Facts = Readonly<Record<string, unknown>>;

/** Reads an error of the SDK: a RestError, one of `@azure/identity`, or one of Node. */
export function callFailure(thrown: unknown): CallFailure {
  const error = objectOf(thrown);
  const detail = objectOf(objectOf(error.details).error);
  const inner = objectOf(detail.innerError ?? detail.innererror);
  const text = textOf(error.message) ?? '';
  // What the SDK says of a credential that gives no token.
  const isLogin = LOGIN_NAMES.has(error.name) || text === 'Failed to refresh access token.';
  return {
    status: isLogin ? loginStatus(error) : numberOf(error.statusCode),
    code: textOf(error.code),
    reason: textOf(inner.code),
    isLogin,
    isStranger: /challenge resource/i.test(text),
    retryAfterMs: retryAfterMs(error),
  };
}

/** The status of the credential that came furthest: those before it in the chain only say that they are not set up. */
function loginStatus(error: Facts): number | undefined {
  const { errors } = error;
  const statuses = [error, ...(Array.isArray(errors) ? errors.map(objectOf) : [])].map(({ statusCode }) =>
    numberOf(statusCode),
  );
  return statuses.findLast((status) => status !== undefined);
}

/** In seconds, the form in which Key Vault sends it. */
function retryAfterMs(error: Facts): number | undefined {
  const headers = objectOf(objectOf(error.response).headers) as { get?: (name: string) => unknown };
  const text = headers.get?.('retry-after');
  return typeof text === 'string' && /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : undefined;
}

function objectOf(value: unknown): Facts {
  return typeof value === 'object' && value !== null ? (value as Facts) : {};
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
