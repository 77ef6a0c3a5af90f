/** Why to look: an event of the file system, the poll, or the end of the watch. */
export type Ring = 'hint' | 'poll' | 'end';

const WEIGHT: Readonly<Record<Ring, number>> = { hint: 0, poll: 1, end: 2 };

/** Waits for the next ring. Rings that come while nobody waits count as one, the weightiest. */
export class Bell {
  #rung: Ring | undefined;
  #wake: (() => void) | undefined;

  ring(ring: Ring): void {
    if (this.#rung === undefined || WEIGHT[ring] > WEIGHT[this.#rung]) this.#rung = ring;
    this.#wake?.();
  }

  /** The ring that came since the last call, or the next. */
  async next(): Promise<Ring> {
    if (this.#rung === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.take() ?? 'hint';
  }

  /** The ring that came since the last call, if any. */
  take(): Ring | undefined {
    const rung = this.#rung;
    this.#rung = undefined;
    this.#wake = undefined;
    return rung;
  }
}
