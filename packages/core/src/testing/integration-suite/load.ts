import type { Clock } from '../../time/clock.js';

/** What came of a load. */
export interface LoadReport {
  readonly done: number;
  /** The errors of those that failed. */
  readonly failures: readonly unknown[];
  /** Each holder that the backend saw. */
  readonly holders: ReadonlySet<string>;
}

/** Uses something again and again, `workers` at once, until it is stopped. */
export class Load {
  readonly #holders = new Set<string>();
  readonly #failures: unknown[] = [];
  readonly #working: Promise<unknown>;
  #done = 0;
  #isOver = false;

  constructor(use: () => Promise<string>, workers: number, clock: Clock) {
    this.#working = Promise.all(Array.from({ length: workers }, () => this.#work(use, clock)));
  }

  get done(): number {
    return this.#done;
  }

  async stop(): Promise<LoadReport> {
    this.#isOver = true;
    await this.#working;
    return { done: this.#done, failures: this.#failures, holders: this.#holders };
  }

  async #work(use: () => Promise<string>, clock: Clock): Promise<void> {
    while (!this.#isOver) {
      try {
        this.#holders.add(await use());
      } catch (error) {
        this.#failures.push(error);
      }
      this.#done++;
      // What fails, or succeeds, without waiting for anything must not keep all others from their turn.
      await clock.sleep(0, { hold: true });
    }
  }
}
