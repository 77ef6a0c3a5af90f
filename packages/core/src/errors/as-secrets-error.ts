import { isSecretsError, SecretsError } from './secrets-error.js';

/**
 * Any thrown thing as a {@link SecretsError} that says which reference and provider it concerns.
 *
 * What is not one already came from code that must reject with one: it is `unavailable`, with its name, code
 * and status as cause and nothing more.
 */
export function asSecretsError(
  thrown: unknown,
  where: { readonly ref?: string; readonly provider: string },
): SecretsError {
  if (isSecretsError(thrown)) return thrown.at(where);
  return new SecretsError('unavailable', {
    ...where,
    problem: 'It failed in a way that it does not explain.',
    remedy: 'A provider must reject with SecretsError; report the cause to its authors.',
    cause: thrown,
  });
}
