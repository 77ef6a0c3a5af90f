import { isSecretsError, type Secrets, SecretsError } from '@keyturn/core';
import type { Injection } from './injections.js';

/**
 * Fetches what is injected, all at once, and has it kept up to date until the returned function is called. Without
 * `preload` it is fetched in the background.
 *
 * @throws SecretsError that names the class and what it lacks; with several, its message lists them all
 */
export async function startSecrets(
  secrets: Secrets,
  injections: readonly Injection[],
  preload: boolean,
): Promise<() => void> {
  const watches: (() => void)[] = [];
  const stop = () => {
    for (const end of watches) end();
  };
  const outcomes = await Promise.allSettled(
    injections.map(async ({ input }) => {
      if (preload) await secrets.getSecret(input);
      watches.push(secrets.watch(input, () => {}));
    }),
  );
  const failures = outcomes.flatMap((outcome, index) => {
    const injection = injections[index];
    return outcome.status === 'rejected' && injection !== undefined ? [named(outcome.reason, injection)] : [];
  });
  const [first, ...others] = failures;
  if (first === undefined) return stop;
  stop();
  if (others.length === 0) throw first;
  throw new SecretsError(first.code, {
    problem: `${failures.length} of ${injections.length} injected secrets cannot be had.`,
    remedy: `Each line says what to do:${failures.map(({ message }) => `\n- ${message}`).join('')}`,
  });
}

/** The same error, saying where. Its reference stays as it is: one that cannot be read may be a value, and is not shown. */
function named(thrown: unknown, { classes }: Injection): SecretsError {
  const place = `It is injected into ${classes.join(' and ')}.`;
  if (!isSecretsError(thrown)) {
    return new SecretsError('unavailable', { problem: place, remedy: 'See the cause.', cause: thrown });
  }
  const { code, problem, remedy, ref, provider, status, retryAfterMs, cause } = thrown;
  return new SecretsError(code, {
    problem: `${problem} ${place}`,
    remedy,
    ref,
    provider,
    status,
    retryAfterMs,
    cause,
  });
}
