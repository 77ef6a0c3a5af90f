import type { ErrorCode } from '@keyturn/core/provider';
import { describe, expect, it } from 'vitest';
import { awsError, errorRow } from '../src/aws-error.js';
import { SERVICE_ERROR_ROWS } from '../src/service-error-rows.js';

interface Example {
  readonly name: string;
  readonly message?: string;
  readonly means: ErrorCode;
  readonly says: RegExp;
}

/** What the two services share is tested beside the Secrets Manager; the files are the same. */
const EXAMPLES: readonly Example[] = [
  { name: 'ParameterNotFound', means: 'not-found', says: /no parameter prod\/db in eu-central-1/ },
  { name: 'ParameterVersionNotFound', means: 'not-found', says: /no such version or label/ },
  { name: 'InvalidKeyId', means: 'permission-denied', says: /kms:Decrypt/ },
  {
    name: 'AccessDeniedException',
    message: 'The ciphertext refers to a customer master key that does not exist, or is not yours.',
    means: 'permission-denied',
    says: /Allow kms:Decrypt/,
  },
  { name: 'AccessDeniedException', means: 'permission-denied', says: /Allow ssm:GetParameter/ },
  { name: 'ThrottlingException', means: 'rate-limited', says: /quota/ },
  { name: 'InternalServerError', means: 'unavailable', says: /Health/ },
  { name: 'ValidationException', means: 'invalid-ref', says: /malformed/ },
];

const thrown = ({ name, message = 'words' }: Example) =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });

describe('the table of errors', () => {
  it.each(EXAMPLES)('$name $message is $means', (example) => {
    const facts = { action: 'GetParameter', subject: 'prod/db', region: 'eu-central-1' };
    const error = awsError(thrown(example), facts);
    expect(error.code).toBe(example.means);
    expect(error.message).toMatch(example.says);
  });

  it('has no row of this service without an example', () => {
    const used = new Set(EXAMPLES.map((example) => errorRow(thrown(example))));
    expect(SERVICE_ERROR_ROWS.filter((row) => !used.has(row))).toEqual([]);
  });
});
