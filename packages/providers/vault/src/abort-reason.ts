import { isSecretsError, SecretsError } from '@keyturn/core/provider';

/** Why `signal` aborted, as the only kind of error that a provider may reject with. */
export function abortReason(signal: AbortSignal): SecretsError {
  if (isSecretsError(signal.reason)) return signal.reason;
  return new SecretsError('aborted', {
    problem: 'The caller stopped waiting.',
    remedy: 'The signal given to the call was aborted; nothing is wrong with the secret.',
  });
}

/** What comes of `work`, or the reason of `signal` as soon as it aborts: not everything that is awaited listens to it. */
export async function orAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  let leave: (() => void) | undefined;
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(abortReason(signal));
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([left, work]);
  } finally {
    if (leave !== undefined) signal.removeEventListener('abort', leave);
  }
}
