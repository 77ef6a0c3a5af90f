import { isSecretsError, SecretsError } from './secrets-error.js';

/** Throws what failed: one error as it is, several as one that lists them. */
export function throwAll(outcomes: readonly PromiseSettledResult<unknown>[], call: string): void {
  const errors = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
  );
  const [first, ...others] = errors;
  if (others.length === 0) {
    if (first !== undefined) throw first;
    return;
  }
  const lines = errors.map((error) => `\n- ${isSecretsError(error) ? error.message : 'an error of its own'}`);
  throw new SecretsError(isSecretsError(first) ? first.code : 'unavailable', {
    problem: `${errors.length} of ${outcomes.length} secrets of ${call}() cannot be had.`,
    remedy: `Each line says what to do:${lines.join('')}`,
  });
}
