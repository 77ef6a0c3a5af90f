/** Tells those who watch a path that it may have changed. Holds nothing once nobody watches. */
export class Bells {
  readonly #bells = new Map<string, Set<() => void>>();

  /** Tells everybody who watches `path`. */
  ring(path: string): void {
    for (const ring of this.#bells.get(path) ?? []) ring();
  }

  /** How many watch `path`. */
  watchers(path: string): number {
    return this.#bells.get(path)?.size ?? 0;
  }

  /** Yields after each ring, once for all that came meanwhile. Ends when `signal` aborts. */
  async *follow(path: string, signal: AbortSignal): AsyncGenerator<void, void> {
    let isRung = false;
    let wake = () => {};
    const ring = () => {
      isRung = true;
      wake();
    };
    const stop = () => wake();
    const bells = this.#bells.get(path) ?? new Set();
    this.#bells.set(path, bells.add(ring));
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!signal.aborted) {
        if (!isRung) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        if (signal.aborted) return;
        isRung = false;
        yield;
      }
    } finally {
      signal.removeEventListener('abort', stop);
      bells.delete(ring);
      if (bells.size === 0) this.#bells.delete(path);
    }
  }
}
