import { isSecretsError, type SecretsError } from '@keyturn/core';

/** The error that `call` throws, which must be one of ours. */
export function problemOf(call: () => unknown): SecretsError {
  try {
    call();
  } catch (error) {
    if (isSecretsError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
