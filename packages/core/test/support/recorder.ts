import type { Consumer, Secret } from '@keyturn/core';

/** What a consumer was told, in order, with what it answers decided by the test. */
export interface Recorder extends Consumer {
  readonly log: string[];
  /** Versions that it refuses. */
  readonly refuses: Set<string>;
  /** Steps that do not end before `resume`; `resume` lets them. */
  readonly hangs: Set<'prepare' | 'adopt' | 'discard' | 'release'>;
  resume(): void;
  /** The versions that it adopted. */
  readonly adopted: string[];
}

/** A consumer that writes down what it is told. */
export function recorder(): Recorder {
  const log: string[] = [];
  const refuses = new Set<string>();
  const hangs = new Set<'prepare' | 'adopt' | 'discard' | 'release'>();
  let held: (() => void)[] = [];
  const step = async (
    name: 'prepare' | 'adopt' | 'discard' | 'release',
    version: string,
    signal?: AbortSignal,
  ) => {
    log.push(`${name} ${version}`.trim());
    signal?.addEventListener('abort', () => log.push(`cut ${name} ${version}`.trim()), { once: true });
    if (hangs.has(name)) await new Promise<void>((resolve) => held.push(resolve));
  };
  return {
    log,
    refuses,
    hangs,
    resume() {
      hangs.clear();
      const waiting = held;
      held = [];
      for (const resolve of waiting) resolve();
    },
    get adopted() {
      return log.filter((line) => line.startsWith('adopt ')).map((line) => line.slice(6));
    },
    async prepare(next: Secret, signal) {
      await step('prepare', next.version, signal);
      if (refuses.has(next.version)) throw new Error('the database says no');
    },
    discard: (next: Secret) => step('discard', next.version),
    adopt: (next: Secret, signal) => step('adopt', next.version, signal),
    release: (signal) => step('release', '', signal),
  };
}
