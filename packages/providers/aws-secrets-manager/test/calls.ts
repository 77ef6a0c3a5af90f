import { isSecretsError, type SecretsError, systemClock } from '@keyturn/core/provider';

/** The options of a call that nobody aborts. */
export const unhurried = { signal: new AbortController().signal, clock: systemClock };

/** What `promise` rejects with, which must be a SecretsError. */
export async function failureOf(promise: Promise<unknown>): Promise<SecretsError> {
  try {
    await promise;
  } catch (error) {
    if (isSecretsError(error)) return error;
    throw new Error('It rejects with something else than a SecretsError.', { cause: error });
  }
  throw new Error('It does not reject.');
}
