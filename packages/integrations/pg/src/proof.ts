import { SecretsError } from '@keyturn/core';
import type { Clock } from '@keyturn/core/provider';
import { isRefusal, isServerFull, isUndecided } from './dead-credential.js';
import type { Generation } from './generation.js';
import type { Checkout, Slots } from './slots.js';

/** How long a proof may wait for a place and a connection before the credential is taken on trust. */
const PROOF_LIMIT_MS = 5_000;

const PLAIN_WORD = /^[\w.:-]{1,64}$/;

/** The connection that proved a credential. */
export interface Proof extends Checkout {
  /** It took a free place: the pool has one connection more than before. */
  readonly isExtra: boolean;
}

export interface ProofOptions {
  readonly slots: Slots;
  readonly clock: Clock;
  readonly ref: string;
  /** Aborts when nobody wants the credential any more. */
  readonly signal: AbortSignal;
  /** Aborts when it need not be proven any more. */
  readonly enough: AbortSignal;
}

/**
 * Proves a credential by connecting with it, in a place of the pool's own: a free one, that of an idle client,
 * or that of the next client to be released.
 *
 * @returns the proven connection; undefined when nothing could be proven either way: no place came free in
 *   time, because all are checked out for long, or the server is out of reach. Then the credential goes into
 *   service untried, rather than that a leaked client holds up rotation until the old lease ends.
 * @throws SecretsError `unauthenticated` when the server turns the credential away, `invalid-value` when the connection
 *   fails otherwise, by a hook of the pool, say
 */
export async function prove(
  candidate: Generation,
  { slots, clock, ref, signal, enough }: ProofOptions,
): Promise<Proof | undefined> {
  const limit = new AbortController();
  const done = new AbortController();
  const cut = AbortSignal.any([signal, enough, limit.signal]);
  clock.sleep(PROOF_LIMIT_MS, { signal: done.signal }).then(
    () => limit.abort(),
    () => {},
  );
  const breakOff = () => candidate.cut(new Error('The proof of a new credential took too long.'));
  cut.addEventListener('abort', breakOff, { once: true });
  try {
    const proven = await connect(candidate, slots, cut);
    if (proven === undefined) signal.throwIfAborted();
    return proven;
  } catch (error) {
    signal.throwIfAborted();
    if (cut.aborted || isUndecided(error)) return undefined;
    throw turnedAway(error, ref);
  } finally {
    cut.removeEventListener('abort', breakOff);
    done.abort();
  }
}

async function connect(candidate: Generation, slots: Slots, signal: AbortSignal): Promise<Proof | undefined> {
  const free = slots.free();
  if (free !== undefined) {
    try {
      return { ...(await free.fill(candidate)), isExtra: true };
    } catch (error) {
      // The place of a client of the pool's own is room; without one, nothing would ever come of waiting.
      if (!isServerFull(error) || slots.areEmpty) throw error;
    }
  }
  const slot = await slots.takeOver(signal);
  return slot && { ...(await slot.fill(candidate)), isExtra: false };
}

function turnedAway(cause: unknown, ref: string): SecretsError {
  return isRefusal(cause)
    ? new SecretsError('unauthenticated', {
        ref,
        problem: 'The database does not accept the new credential.',
        remedy:
          'Check that the store creates or changes its roles in the database that the pool connects to.',
        cause,
      })
    : new SecretsError('invalid-value', {
        ref,
        problem: `A connection with the new credential failed (${factsOf(cause)}).`,
        remedy: 'The database turned it down, or onConnect or verify of the pool: look there for this error.',
        cause,
      });
}

/** The name and code of an error of the database or the application: its message may quote anything. */
function factsOf(cause: unknown): string {
  const { name, code } = Object(cause) as { readonly name?: unknown; readonly code?: unknown };
  const words = [name, code].filter((word) => typeof word === 'string' && PLAIN_WORD.test(word));
  return words.join(' ') || 'no Error';
}
