import { setTimeout as sleep } from 'node:timers/promises';
import { isSecretsError, type Secret, type Secrets } from '@keyturn/core';
import type { PostgresServer } from '../servers/postgres.js';

/** What the reads of one kind came to, over all of their readers. */
export interface ReadFigures {
  served: number;
  stale: number;
  /** Values that nobody may have been given. */
  wrong: number;
  /** Leased values handed out after the end that they state themselves. */
  afterTheirEnd: number;
  /** Failures by code. */
  readonly failed: Map<string, number>;
  /** The longest time, in milliseconds, in which one of the readers got no value. */
  longestGapMs: number;
}

/** How one kind of read is done. */
export interface ReaderPlan {
  readonly name: string;
  readonly read: () => Promise<Secret>;
  readonly isRight: (secret: Secret) => boolean;
  readonly readers: number;
  readonly isLeased?: boolean;
  /** Between two reads of one reader. Default 5. */
  readonly pauseMs?: number;
}

export interface Readers {
  readonly figures: ReadFigures;
  /** Begins the longest gap anew. */
  forgetGap(): void;
  /** The figures as one line of a report. */
  told(): string;
  stop(): Promise<void>;
}

/** Reads from many sides at once, again and again until stopped, and looks at each value as it is handed out. */
export function startReaders(plan: ReaderPlan): Readers {
  const { name, read, isRight, readers, isLeased = false, pauseMs = 5 } = plan;
  const figures: ReadFigures = {
    served: 0,
    stale: 0,
    wrong: 0,
    afterTheirEnd: 0,
    failed: new Map(),
    longestGapMs: 0,
  };
  let running = true;
  const working = Array.from({ length: readers }, async () => {
    let servedMs = performance.now();
    const sawGap = () => {
      figures.longestGapMs = Math.max(figures.longestGapMs, performance.now() - servedMs);
    };
    while (running) {
      try {
        const secret = await read();
        figures.served++;
        if (secret.stale) figures.stale++;
        if (isLeased && secret.expiresAt !== undefined && secret.expiresAt.getTime() < Date.now())
          figures.afterTheirEnd++;
        if (!isRight(secret)) figures.wrong++;
        sawGap();
        servedMs = performance.now();
      } catch (error) {
        const code = isSecretsError(error) ? error.code : String(error);
        figures.failed.set(code, (figures.failed.get(code) ?? 0) + 1);
      }
      await sleep(pauseMs);
    }
    sawGap();
  });
  return {
    figures,
    forgetGap() {
      figures.longestGapMs = 0;
    },
    told() {
      const { served, stale, wrong, afterTheirEnd, failed, longestGapMs } = figures;
      const failures = [...failed].map(([code, count]) => `${count} ${code}`).join(', ') || 'none';
      return (
        `${name}: ${served} served, ${stale} of them stale, ${wrong} wrong, ${afterTheirEnd} after their end; ` +
        `failed: ${failures}; longest gap ${Math.round(longestGapMs)} ms`
      );
    },
    async stop() {
      running = false;
      await Promise.all(working);
    },
  };
}

/** Readers of a leased credential, with the database as witness. */
export interface LeaseReaders extends Readers {
  /** The user names that were handed out after the end of their lease, as the database knows it. */
  servedLate(): string[];
  /** The user names that were handed out. */
  handedOut(): string[];
}

/**
 * Reads a leased credential. The database says until when a role is valid: 5 s after its lease ends, cut to a second.
 */
export function startLeaseReaders(
  secrets: Secrets,
  ref: string,
  { postgres, readers }: { readonly postgres: PostgresServer; readonly readers: number },
): LeaseReaders {
  const passwords = new Map<string, string>();
  const lastServedMs = new Map<string, number>();
  const endsMs = new Map<string, number>();
  let running = true;
  const witnessing = (async () => {
    while (running) {
      const roles = await postgres.query(
        "select rolname, extract(epoch from rolvaliduntil) * 1000 as until from pg_roles where rolname like 'v-%'",
      );
      for (const { rolname, until } of roles) endsMs.set(String(rolname), Number(until) - 5_000 + 1_000);
      await sleep(100);
    }
  })();
  const reading = startReaders({
    name: 'leased',
    isLeased: true,
    readers,
    read: () => secrets.getSecret(ref),
    isRight(secret) {
      const { username = '', password = '' } = secret.revealFields();
      lastServedMs.set(username, Date.now());
      if (!passwords.has(username)) passwords.set(username, password);
      return username !== '' && passwords.get(username) === password;
    },
  });
  return {
    ...reading,
    servedLate: () =>
      [...lastServedMs].flatMap(([name, ms]) =>
        ms > (endsMs.get(name) ?? Number.POSITIVE_INFINITY) ? [name] : [],
      ),
    handedOut: () => [...lastServedMs.keys()],
    async stop() {
      await reading.stop();
      running = false;
      await witnessing;
    },
  };
}
