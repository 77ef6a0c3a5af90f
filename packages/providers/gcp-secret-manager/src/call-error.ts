import { SecretsError } from '@keyturn/core/provider';
import { type CallFailure, callFailure } from './call-failure.js';
import { FAILURE_ROWS, type FailureRow } from './failure-rows.js';

/**
 * An error of the SDK as one of ours. Its texts are dropped, because it carries the request with its Authorization
 * header: only its name, code and status are kept.
 */
export function callError(thrown: unknown): SecretsError {
  return errorOf(callFailure(thrown), thrown);
}

/** The same for what failed before any call: the SDK only looks for credentials there. */
export function loginError(thrown: unknown): SecretsError {
  return errorOf({ ...callFailure(thrown), isLogin: true }, thrown);
}

function errorOf(failure: CallFailure, thrown: unknown): SecretsError {
  const { code, problem, remedy } = FAILURE_ROWS.find((row) => matches(row, failure)) as FailureRow;
  return new SecretsError(code, {
    problem,
    remedy,
    status: failure.number,
    retryAfterMs: failure.retryAfterMs,
    cause: thrown,
  });
}

/** Whether a row is about `failure`. A row without statuses takes any. */
export function matches({ statuses, reasons, isLogin }: FailureRow, failure: CallFailure): boolean {
  if (isLogin === true && !failure.isLogin) return false;
  if (reasons !== undefined && !reasons.includes(failure.reason ?? '')) return false;
  return statuses.length === 0 || statuses.includes(failure.status);
}
