import { mayWantGrant } from './dead-credential.js';
import type { Generation } from './generation.js';
import { isRepeatable } from './repeatable.js';
import type { Accusations } from './suspicion.js';

/** How a query tells its outcome. */
export type Settle = (error: unknown, result?: unknown) => void;

/** One call of `pool.query`. */
export interface Statement {
  readonly text: unknown;
  readonly values: unknown;
}

/** Runs a statement of `pool.query` once more when it failed because its role is gone. */
export class Healing {
  readonly #accusations: Accusations;
  readonly #replace: (generation: Generation) => Promise<boolean>;
  readonly #run: (statement: Statement, settle: Settle) => void;

  constructor(
    accusations: Accusations,
    parts: {
      /** Replaces a suspected generation: says whether there is another. */
      readonly replace: (generation: Generation) => Promise<boolean>;
      readonly run: (statement: Statement, settle: Settle) => void;
    },
  ) {
    this.#accusations = accusations;
    this.#replace = parts.replace;
    this.#run = parts.run;
  }

  /** What to call with the first outcome of `statement`, in place of `settle`. */
  of(statement: Statement, settle: Settle): Settle {
    return (error, result) => {
      if (error) this.#heal(statement, settle, error);
      else settle(undefined, result);
    };
  }

  #heal(statement: Statement, settle: Settle, error: unknown): void {
    const accusation = this.#accusations.on(error);
    if (accusation === undefined || !accusation.isRepeatable || !isRepeatable(statement.text)) {
      settle(error);
      return;
    }
    accusation.isTaken = true;
    const { generation } = accusation;
    // Replaced by a rotation, not for this failure: the one in service may have died with it, and has its own trial.
    const settleAgain = generation.isRetired ? this.of(statement, settle) : this.#lastTime(settle);
    // Leaves the promise before anything of the application is called, whose errors are not for promises.
    void this.#replace(generation).then((isReplaced) =>
      process.nextTick(() => (isReplaced ? this.#run(statement, settleAgain) : settle(error))),
    );
  }

  /** When it fails for want of rights a second time, it is the grant that it wants: the new credential is cleared. */
  #lastTime(settle: Settle): Settle {
    return (error, result) => {
      const accusation = this.#accusations.on(error);
      if (accusation !== undefined && mayWantGrant(error)) {
        accusation.isTaken = true;
        accusation.generation.trial ??= Promise.resolve(false);
      }
      if (error) settle(error);
      else settle(undefined, result);
    };
  }
}
