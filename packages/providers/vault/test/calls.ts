import { isSecretsError, type Provider, type SecretsError, systemClock } from '@keyturn/core/provider';

const never = new AbortController().signal;

/** The options of a call that nobody gives up. */
export const unhurried = { signal: never, clock: systemClock };

/** Logs in and returns the options that later calls take. */
export async function logIn(provider: Provider) {
  const grant = await provider.session?.login(unhurried);
  return { ...unhurried, session: grant?.credential };
}

/** The error that `promise` rejects with, which must be a SecretsError. */
export async function failureOf(promise: Promise<unknown>): Promise<SecretsError> {
  try {
    await promise;
  } catch (error) {
    if (isSecretsError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
