import { isSecretsError, SecretsError } from '@keyturn/core/provider';

/** Why `signal` aborted, as the only kind of error that a provider may reject with. */
export function abortReason(signal: AbortSignal): SecretsError {
  if (isSecretsError(signal.reason)) return signal.reason;
  return new SecretsError('aborted', {
    problem: 'The caller stopped waiting.',
    remedy: 'The signal given to the call was aborted; nothing is wrong with the secret.',
  });
}
