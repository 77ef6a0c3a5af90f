import { ERROR_POLICY, type ErrorCode, type ErrorPolicy } from './error-policy.js';
import { type ForeignCause, foreignCause } from './foreign-cause.js';

const BRAND = Symbol.for('keyturn.SecretsError');

/** What a {@link SecretsError} is made from. */
export interface SecretsErrorInit {
  /** What happened, in one sentence without a value, token, body or header. */
  readonly problem: string;
  /** What the reader can do about it, in one sentence that names the setting to look at. */
  readonly remedy: string;
  /** The reference asked for, as written; absent where no single one is concerned. */
  readonly ref?: string | undefined;
  /** The provider's alias or name. */
  readonly provider?: string | undefined;
  /** HTTP or gRPC status of the answer, where there was one. */
  readonly status?: number | undefined;
  /** How long the backend asked us to wait, in milliseconds (Retry-After). Dropped when it is no length of time. */
  readonly retryAfterMs?: number | undefined;
  /** Any thrown thing; only its name, code and status are kept. */
  readonly cause?: unknown;
}

/**
 * The one error class of Keyturn: says what happened, to which reference, and what to do about it.
 *
 * Branded with `Symbol.for('keyturn.SecretsError')`, so {@link isSecretsError} holds across copies of the
 * package. It never holds a secret: a foreign cause is reduced to its name, code and status.
 */
export class SecretsError extends Error {
  readonly code: ErrorCode;
  readonly problem: string;
  readonly remedy: string;
  readonly ref: string | undefined;
  readonly provider: string | undefined;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  override readonly cause: ForeignCause | undefined;

  constructor(code: ErrorCode, init: SecretsErrorInit) {
    super(describe(code, init));
    this.name = 'SecretsError';
    this.code = code;
    this.problem = init.problem;
    this.remedy = init.remedy;
    this.ref = init.ref;
    this.provider = init.provider;
    this.status = init.status;
    this.retryAfterMs = isLength(init.retryAfterMs) ? init.retryAfterMs : undefined;
    this.cause = init.cause === undefined ? undefined : foreignCause(init.cause);
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** What retry, breaker and stale-serving make of this error. */
  get policy(): ErrorPolicy {
    return ERROR_POLICY[this.code];
  }

  /** The same error, saying which reference and provider it concerns where it did not yet. */
  at(where: { readonly ref?: string; readonly provider?: string }): SecretsError {
    return located(this, where);
  }

  /** For loggers: everything but the stack. */
  toJSON(): Record<string, unknown> {
    return {
      name: this.name,
      code: this.code,
      message: this.message,
      ref: this.ref,
      provider: this.provider,
      status: this.status,
      retryAfterMs: this.retryAfterMs,
      cause: this.cause,
    };
  }
}

/** Whether `thrown` is a {@link SecretsError}, of this copy of the package or another. */
export function isSecretsError(thrown: unknown): thrown is SecretsError {
  return typeof thrown === 'object' && thrown !== null && BRAND in thrown;
}

function isLength(ms: number | undefined): ms is number {
  return ms !== undefined && Number.isFinite(ms) && ms >= 0;
}

/** Outside the class, or a bundler renames it, and the name that users search for with it. */
function located(
  error: SecretsError,
  where: { readonly ref?: string; readonly provider?: string },
): SecretsError {
  if (error.ref !== undefined && error.provider !== undefined) return error;
  const { code, problem, remedy, status, retryAfterMs, cause } = error;
  const copy = new SecretsError(code, {
    problem,
    remedy,
    ref: error.ref ?? where.ref,
    provider: error.provider ?? where.provider,
    status,
    retryAfterMs,
    cause,
  });
  if (error.stack !== undefined) copy.stack = error.stack.replace(error.message, () => copy.message);
  return copy;
}

function describe(code: ErrorCode, init: SecretsErrorInit): string {
  const subject = init.ref ?? init.provider;
  const place = init.ref !== undefined && init.provider !== undefined ? ` (provider ${init.provider})` : '';
  return `${code}: ${subject === undefined ? '' : `${subject}${place}: `}${init.problem} ${init.remedy}`;
}
