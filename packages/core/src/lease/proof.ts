import type { Entry } from '../cache/entry.js';
import { isSecretsError, SecretsError } from '../errors/secrets-error.js';
import { withDeadline } from '../resilience/deadline.js';
import type { Clock } from '../time/clock.js';
import type { ConsumerSlot } from './consumer-slot.js';

/** What came of having consumers prove a version. */
export interface Proof {
  readonly proven: readonly ConsumerSlot[];
  /** Why one of them cannot use it. */
  readonly refusal: SecretsError | undefined;
}

/**
 * Has each consumer prove `next`, all at once and for at most `limitMs`. Whoever proves it later than that lets
 * go of it again; one that has left meanwhile refuses nothing. Never rejects.
 */
export async function prove(
  next: Entry,
  consumers: readonly ConsumerSlot[],
  bounds: { readonly limitMs: number; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Proof> {
  const outcomes = await Promise.allSettled(
    consumers.map((consumer) =>
      withDeadline((signal) => consumer.prove(next, signal), {
        ...bounds,
        setting: 'rotation.proofTimeout',
        onLate: () => void consumer.discard(next),
      }),
    ),
  );
  const failed = outcomes.find(
    (outcome, place) => outcome.status === 'rejected' && consumers[place]?.hasLeft === false,
  ) as PromiseRejectedResult | undefined;
  return {
    proven: consumers.filter((_, place) => outcomes[place]?.status === 'fulfilled'),
    refusal: failed && refused(failed.reason, next),
  };
}

/** Always `invalid-value`: a consumer's `not-found` or `timeout` must not pass for the store's own. */
function refused(reason: unknown, next: Entry): SecretsError {
  const isOurs = isSecretsError(reason);
  return new SecretsError('invalid-value', {
    ref: next.target.ref,
    problem: `The new version does not work where it is used, so the one before stays in service.${isOurs ? ` ${reason.problem}` : ''}`,
    remedy: isOurs
      ? reason.remedy
      : 'Check that what it opens (the database, the server) accepts what the store hands out.',
    cause: reason,
  });
}
