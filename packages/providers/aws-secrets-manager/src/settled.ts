import { isSecretsError, type SecretsError } from '@keyturn/core/provider';

/** The outcome as a value, so that one failure is one answer among the others; thrown when the caller has left. */
export async function settled<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
): Promise<Result | SecretsError> {
  try {
    return await work;
  } catch (error) {
    if (isSecretsError(error) && !signal.aborted) return error;
    throw error;
  }
}
