/**
 * Work that no request waits for: a lease that expires, a rotation that falls due.
 *
 * Whoever starts it deals with its failure (and tries again); what is left over is swallowed here, so that a
 * database that is down never becomes an unhandled rejection in the process under test.
 */
export interface Background {
  run(work: () => void | Promise<void>): void;
  /** Resolves once nothing is under way. What waits for {@link resume} does not count. */
  settled(): Promise<void>;
  /** From here on work waits: a sealed server ends no lease and rotates nothing. */
  pause(): void;
  /** Runs what has waited. */
  resume(): void;
}

export function createBackground(): Background {
  const running = new Set<Promise<void>>();
  const waiting: (() => void | Promise<void>)[] = [];
  let paused = false;

  const run: Background['run'] = (work) => {
    if (paused) {
      waiting.push(work);
      return;
    }
    const promise = Promise.resolve()
      .then(work)
      .catch(() => {})
      .finally(() => running.delete(promise));
    running.add(promise);
  };
  return {
    run,
    async settled() {
      while (running.size > 0) await Promise.all(running);
    },
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
      for (const work of waiting.splice(0)) run(work);
    },
  };
}
