import { SecretsError } from '@keyturn/core/provider';
import { AWS_ERROR_ROWS } from './aws-error-rows.js';
import type { ErrorFacts, ErrorRow, Sentence } from './error-row.js';
import { SERVICE_ERROR_ROWS } from './service-error-rows.js';

/** What is looked at of a failure of the SDK. The rest (response, headers, request, credentials) is left behind. */
interface Failure {
  /** AWS's code, or the SDK's name for it; for a connection, Node's code. */
  readonly names: readonly string[];
  /** AWS's own words. They decide, and are never repeated: some quote what was sent. */
  readonly words: string;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
}

/**
 * A failure of a call as an error that says which setting to look at. Of the failure, only its name, code and status
 * are kept: the SDK's carry the response with its headers and body.
 */
export function awsError(thrown: unknown, facts: ErrorFacts): SecretsError {
  const row = errorRow(thrown);
  const { status, retryAfterMs } = failureOf(thrown);
  const say = (sentence: Sentence) => (typeof sentence === 'string' ? sentence : sentence(facts));
  return new SecretsError(row.code, {
    problem: say(row.problem),
    remedy: say(row.remedy),
    status,
    retryAfterMs,
    cause: thrown,
  });
}

/** Whether the same call may succeed now: the SDK has corrected for the clock, or new credentials can be asked for. */
export function isWorthAnother(thrown: unknown): 'clock' | 'credentials' | undefined {
  const { $metadata } = (thrown ?? {}) as { readonly $metadata?: { readonly clockSkewCorrected?: unknown } };
  const { retryAs } = errorRow(thrown);
  if (retryAs === 'clock') return $metadata?.clockSkewCorrected === true ? 'clock' : undefined;
  return retryAs;
}

/** The line of the tables that speaks about a failure. */
export function errorRow(thrown: unknown): ErrorRow {
  const failure = failureOf(thrown);
  const row = [...SERVICE_ERROR_ROWS, ...AWS_ERROR_ROWS].find((one) => applies(one, failure));
  return row ?? (AWS_ERROR_ROWS.at(-1) as ErrorRow);
}

function applies({ when, says, status }: ErrorRow, failure: Failure): boolean {
  const [from, to] = status ?? [0, Number.POSITIVE_INFINITY];
  return (
    (when === undefined || failure.names.some((name) => when.test(name))) &&
    (says === undefined || says.test(failure.words)) &&
    (status === undefined || (failure.status !== undefined && failure.status >= from && failure.status <= to))
  );
}

function failureOf(thrown: unknown): Failure {
  if (typeof thrown !== 'object' || thrown === null) {
    return { names: [], words: '', status: undefined, retryAfterMs: undefined };
  }
  const { name, code, message, $metadata, $response } = thrown as {
    readonly name?: unknown;
    readonly code?: unknown;
    readonly message?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: unknown };
    readonly $response?: { readonly statusCode?: unknown; readonly headers?: Record<string, unknown> };
  };
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  return {
    names: [name, code].filter((word) => typeof word === 'string'),
    words: typeof message === 'string' ? message : '',
    status: typeof status === 'number' ? status : undefined,
    retryAfterMs: secondsMs($response?.headers?.['retry-after']),
  };
}

/** What a proxy or AWS asks to wait, which it says in seconds. */
function secondsMs(text: unknown): number | undefined {
  return typeof text === 'string' && /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : undefined;
}
