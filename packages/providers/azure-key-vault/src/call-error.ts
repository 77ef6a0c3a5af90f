import { SecretsError } from '@keyturn/core/provider';
import { type CallFailure, callFailure } from './call-failure.js';
import { FAILURE_ROWS, type FailureRow } from './failure-rows.js';

/**
 * An error of the SDK as one of ours. Its texts are dropped, because it carries the request with its Authorization
 * header: only its name, code and status are kept.
 */
export function callError(thrown: unknown): SecretsError {
  const failure = callFailure(thrown);
  const { code, problem, remedy } = FAILURE_ROWS.find((row) => matches(row, failure)) as FailureRow;
  return new SecretsError(code, {
    problem,
    remedy,
    status: failure.status,
    retryAfterMs: failure.retryAfterMs,
    cause: thrown,
  });
}

/** Whether a row is about `failure`. */
export function matches(row: FailureRow, failure: CallFailure): boolean {
  const { statuses, reasons, codes, isLogin, isStranger } = row;
  const { status = 0, reason = '', code = '' } = failure;
  return (
    (isLogin === undefined || failure.isLogin) &&
    (isStranger === undefined || failure.isStranger) &&
    (statuses === undefined || (status >= statuses[0] && status <= statuses[1])) &&
    (reasons === undefined || reasons.includes(reason)) &&
    (codes === undefined || codes.test(code))
  );
}
