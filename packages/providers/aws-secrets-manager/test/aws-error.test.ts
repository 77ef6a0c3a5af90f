import { inspect } from 'node:util';
import type { ErrorCode } from '@keyturn/core/provider';
import { assertNoLeak } from '@keyturn/core/testing';
import { describe, expect, it } from 'vitest';
import { awsError, errorRow, isWorthAnother } from '../src/aws-error.js';
import { AWS_ERROR_ROWS } from '../src/aws-error-rows.js';
import { SERVICE_ERROR_ROWS } from '../src/service-error-rows.js';

interface Example {
  readonly name: string;
  readonly message?: string;
  readonly code?: string;
  readonly status?: number;
  readonly means: ErrorCode;
  readonly says: RegExp;
}

/** AWS's own words, where they decide. */
const EXAMPLES: readonly Example[] = [
  {
    name: 'ResourceNotFoundException',
    message: 'Secrets Manager can’t find the specified secret.',
    status: 400,
    means: 'not-found',
    says: /no secret prod\/db in eu-central-1/,
  },
  {
    name: 'ResourceNotFoundException',
    message: 'Secrets Manager can’t find the specified secret value for staging label: AWSPENDING',
    status: 400,
    means: 'not-found',
    says: /no such version or stage/,
  },
  {
    name: 'ResourceNotFoundException',
    message: 'Secrets Manager can’t find the specified secret value for VersionId: 0a1b',
    status: 400,
    means: 'not-found',
    says: /no such version or stage/,
  },
  {
    name: 'InvalidRequestException',
    message: 'You can’t perform this operation on the secret because it was marked for deletion.',
    status: 400,
    means: 'not-found',
    says: /restore-secret/,
  },
  {
    name: 'InvalidRequestException',
    message: 'You can’t perform this operation on the secret because of its current state.',
    status: 400,
    means: 'invalid-ref',
    says: /state/,
  },
  {
    name: 'DecryptionFailure',
    status: 400,
    means: 'permission-denied',
    says: /key is enabled.*kms:Decrypt/,
  },
  { name: 'KMSDisabledException', status: 400, means: 'permission-denied', says: /kms:Decrypt/ },
  {
    name: 'AccessDeniedException',
    message: 'Access to KMS is not allowed',
    status: 400,
    means: 'permission-denied',
    says: /Allow kms:Decrypt/,
  },
  {
    name: 'AccessDeniedException',
    message: 'User: arn:aws:sts::1:assumed-role/kms-reader/i is not authorized to perform: kms:Decrypt',
    status: 400,
    means: 'permission-denied',
    says: /Allow kms:Decrypt/,
  },
  {
    name: 'AccessDeniedException',
    message: 'User: arn:aws:sts::1:assumed-role/kms-reader/i is not authorized to perform that action',
    status: 400,
    means: 'permission-denied',
    says: /Allow secretsmanager:GetSecretValue/,
  },
  {
    name: 'AccessDenied',
    message: 'Not authorized to perform sts:AssumeRoleWithWebIdentity',
    status: 403,
    means: 'unauthenticated',
    says: /trust policy/,
  },
  { name: 'InvalidIdentityToken', status: 400, means: 'unauthenticated', says: /service account/ },
  { name: 'OptInRequired', status: 403, means: 'permission-denied', says: /Enable the region/ },
  { name: 'ExpiredTokenException', status: 400, means: 'unauthenticated', says: /expired/ },
  { name: 'ExpiredToken', status: 403, means: 'unauthenticated', says: /expired/ },
  { name: 'UnrecognizedClientException', status: 400, means: 'unauthenticated', says: /does not know/ },
  { name: 'InvalidClientTokenId', status: 403, means: 'unauthenticated', says: /does not know/ },
  {
    name: 'InvalidSignatureException',
    message: 'The request signature we calculated does not match the signature you provided.',
    status: 400,
    means: 'unauthenticated',
    says: /secret access key/,
  },
  {
    name: 'InvalidSignatureException',
    message: 'Signature expired: 20260101T000000Z is now earlier than 20260101T000900Z',
    status: 400,
    means: 'unauthenticated',
    says: /clock/,
  },
  {
    name: 'InvalidSignatureException',
    message: 'Signature not yet current: 20260101T000900Z is still later than 20260101T000000Z',
    status: 400,
    means: 'unauthenticated',
    says: /clock/,
  },
  { name: 'RequestTimeTooSkewed', status: 403, means: 'unauthenticated', says: /clock/ },
  { name: 'CredentialsProviderError', means: 'unauthenticated', says: /AWS_ACCESS_KEY_ID/ },
  { name: 'ThrottlingException', status: 400, means: 'rate-limited', says: /quota/ },
  { name: 'TooManyRequestsException', status: 429, means: 'rate-limited', says: /quota/ },
  { name: 'SomethingNew', status: 429, means: 'rate-limited', says: /quota/ },
  { name: 'Error', message: 'Region is missing', means: 'invalid-config', says: /AWS_REGION/ },
  { name: 'UnknownOperationException', status: 404, means: 'invalid-config', says: /endpoint/ },
  { name: 'Error', code: 'ENOTFOUND', means: 'unavailable', says: /DNS/ },
  { name: 'Error', code: 'EAI_AGAIN', means: 'unavailable', says: /DNS/ },
  { name: 'Error', code: 'SELF_SIGNED_CERT_IN_CHAIN', means: 'unavailable', says: /NODE_EXTRA_CA_CERTS/ },
  { name: 'AggregateError', code: 'ECONNREFUSED', means: 'unavailable', says: /listens/ },
  { name: 'TimeoutError', code: 'ETIMEDOUT', means: 'timeout', says: /in time/ },
  { name: 'Error', code: 'ECONNRESET', means: 'unavailable', says: /broke/ },
  { name: 'InternalServiceError', status: 500, means: 'unavailable', says: /Health/ },
  { name: 'InternalServiceError', means: 'unavailable', says: /Health/ },
  { name: 'SyntaxError', status: 502, means: 'unavailable', says: /Health/ },
  { name: 'SyntaxError', status: 200, means: 'bad-response', says: /endpoint/ },
  { name: 'ValidationException', status: 400, means: 'invalid-ref', says: /malformed/ },
  { name: 'InvalidParameterException', status: 400, means: 'invalid-ref', says: /malformed/ },
  { name: 'SomethingNew', status: 400, means: 'bad-response', says: /not known here/ },
  { name: 'Error', means: 'unavailable', says: /before there was an answer/ },
];

const facts = { action: 'GetSecretValue', subject: 'prod/db', region: 'eu-central-1' };

describe('the table of errors', () => {
  it.each(EXAMPLES)('$name $code $status $message is $means', (example) => {
    const error = awsError(thrown(example), facts);
    expect(error.code).toBe(example.means);
    expect(error.message).toMatch(example.says);
    expect(error.status).toBe(example.status);
  });

  it('has no row without an example', () => {
    const used = new Set(EXAMPLES.map((example) => errorRow(thrown(example))));
    const unused = [...SERVICE_ERROR_ROWS, ...AWS_ERROR_ROWS].filter((row) => !used.has(row));
    expect(unused.map(({ code, when, status }) => `${code} ${when} ${status}`)).toEqual([]);
  });

  it('F49: keeps the name, code and status of a failure, and none of its words, headers or bodies', () => {
    const canary = 'canary-4eC39HqLyjWDarjt';
    for (const example of EXAMPLES) {
      const error = awsError(thrown({ ...example, message: `${example.message} ${canary}` }, canary), facts);
      assertNoLeak([error, error.toJSON(), inspect(error, { depth: 9, showHidden: true })], [canary]);
    }
  });

  it.each([
    ['7', 7_000],
    ['soon', undefined],
    [undefined, undefined],
  ])('F19: a Retry-After of %j, as the SDK keeps it, is %s', (text, expected) => {
    const failure = Object.assign(new Error('words'), { name: 'ThrottlingException' });
    Object.defineProperty(failure, '$response', {
      value: { statusCode: 400, headers: { 'retry-after': text } },
    });
    expect(awsError(failure, facts)).toMatchObject({ code: 'rate-limited', retryAfterMs: expected });
  });

  it('takes whatever is thrown', () => {
    for (const odd of [undefined, null, 'text', 7, {}, { name: 5, $metadata: null, $response: 'x' }]) {
      expect(awsError(odd, facts).code).toBe('unavailable');
      expect(isWorthAnother(odd)).toBeUndefined();
    }
  });
});

/** A failure as the SDK throws it. */
function thrown({ name, message = 'words', code, status }: Example, canary = ''): Error {
  const error = Object.assign(new Error(message), {
    name,
    ...(code === undefined ? {} : { code }),
    ...(status === undefined ? {} : { $metadata: { httpStatusCode: status, requestId: canary } }),
    $fault: 'client',
  });
  const response = { statusCode: status, headers: { authorization: canary }, body: canary };
  Object.defineProperty(error, '$response', { value: response });
  Object.defineProperty(error, '$responseBodyText', { value: canary });
  return error;
}
