import { setTimeout as sleep } from 'node:timers/promises';
import { isSecretsError, type Secret, type Secrets } from '@keyturn/core';
import type { PostgresServer } from '../servers/postgres.js';

/** What one kind of read came to, over all of its readers. */
export interface ReadFigures {
  served: number;
  stale: number;
  /** Failures by code. */
  readonly failed: Map<string, number>;
  /** Values that no one may have been given. */
  wrong: number;
  /** Values handed out after the end that they state themselves. */
  afterTheirEnd: number;
  /** The longest time, in milliseconds, in which a reader got no value. */
  longestGapMs: number;
}

/** How one kind of read is done. */
export interface ReaderPlan {
  readonly read: () => Promise<Secret>;
  /** Whether a value is right. */
  readonly isRight: (secret: Secret) => boolean;
  readonly readers: number;
  /** Between two reads of one reader. Default 5. */
  readonly pauseMs?: number;
}

export interface Readers {
  readonly figures: ReadFigures;
  /** Begins the longest gap anew. */
  forgetGap(): void;
  stop(): Promise<void>;
}

/** Reads from many sides at once, again and again until stopped, and looks at each value as it is handed out. */
export function startReaders({ read, isRight, readers, pauseMs = 5 }: ReaderPlan): Readers {
  const figures: ReadFigures = {
    served: 0,
    stale: 0,
    failed: new Map(),
    wrong: 0,
    afterTheirEnd: 0,
    longestGapMs: 0,
  };
  let running = true;
  const working = Array.from({ length: readers }, async () => {
    let servedMs = performance.now();
    while (running) {
      try {
        const secret = await read();
        figures.served++;
        if (secret.stale) figures.stale++;
        if (secret.expiresAt !== undefined && !secret.stale && secret.expiresAt.getTime() < Date.now())
          figures.afterTheirEnd++;
        if (!isRight(secret)) figures.wrong++;
        const nowMs = performance.now();
        figures.longestGapMs = Math.max(figures.longestGapMs, nowMs - servedMs);
        servedMs = nowMs;
      } catch (error) {
        const code = isSecretsError(error) ? error.code : String(error);
        figures.failed.set(code, (figures.failed.get(code) ?? 0) + 1);
      }
      await sleep(pauseMs);
    }
  });
  return {
    figures,
    forgetGap() {
      figures.longestGapMs = 0;
    },
    async stop() {
      running = false;
      await Promise.all(working);
    },
  };
}

/** Readings as one line of a report. */
export function told(name: string, { figures }: Readers): string {
  const { served, stale, failed, wrong, afterTheirEnd, longestGapMs } = figures;
  const failures = [...failed].map(([code, count]) => `${count} ${code}`).join(', ') || '0';
  return (
    `${name}: ${served} served (${stale} stale, ${wrong} wrong, ${afterTheirEnd} after their end), ` +
    `failed ${failures}, longest gap ${Math.round(longestGapMs)} ms`
  );
}

/**
 * Readers of a leased credential whose values the database bears witness to: it says until when each role is valid, which
 * is 5 s after its lease, cut to whole seconds.
 */
export function startLeaseReaders(secrets: Secrets, ref: string, postgres: PostgresServer, readers: number) {
  const passwords = new Map<string, string>();
  const lastServedMs = new Map<string, number>();
  const endsMs = new Map<string, number>();
  let running = true;
  const witness = (async () => {
    while (running) {
      const roles = await postgres.query(
        "select rolname, extract(epoch from rolvaliduntil) * 1000 as until from pg_roles where rolname like 'v-%'",
      );
      for (const { rolname, until } of roles) endsMs.set(String(rolname), Number(until) - 5_000 + 1_000);
      await sleep(100);
    }
  })();
  const reading = startReaders({
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
    /** Which credentials were handed out after the end of their lease, as the database knows it. */
    servedLate: () =>
      [...lastServedMs].flatMap(([name, ms]) =>
        ms > (endsMs.get(name) ?? Number.POSITIVE_INFINITY) ? [name] : [],
      ),
    /** How many different credentials were handed out. */
    credentials: () => lastServedMs.size,
    async stop() {
      await reading.stop();
      running = false;
      await witness;
    },
  };
}
