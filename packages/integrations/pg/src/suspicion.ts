import { isSuspicious } from './dead-credential.js';
import type { Generation } from './generation.js';
import { type FailedClient, hasDoneNothing } from './repeatable.js';

/** That a statement failed as statements do when their role is gone. */
export interface Accusation {
  readonly generation: Generation;
  /** The statement left nothing behind: running it anew runs it once. */
  readonly isRepeatable: boolean;
  /** Somebody sees to it. */
  isTaken: boolean;
}

/**
 * Accusations against generations, by the error that they stand on.
 *
 * Whoever made the failed statement may take the accusation up, in the same turn of the event loop; else `act`
 * is called with it.
 */
export class Accusations {
  readonly #byError = new WeakMap<object, Accusation>();
  readonly #act: (accusation: Accusation) => void;

  constructor(act: (accusation: Accusation) => void) {
    this.#act = act;
  }

  /** Considers what the server answered to a statement of `client`. */
  consider(client: FailedClient, generation: Generation, error: unknown): void {
    if (!isSuspicious(error) || typeof error !== 'object' || error === null) return;
    const accusation: Accusation = { generation, isRepeatable: hasDoneNothing(client), isTaken: false };
    this.#byError.set(error, accusation);
    process.nextTick(() => {
      if (!accusation.isTaken) this.#act(accusation);
    });
  }

  /** The accusation that stands on `error`. */
  on(error: unknown): Accusation | undefined {
    return typeof error === 'object' && error !== null ? this.#byError.get(error) : undefined;
  }
}
