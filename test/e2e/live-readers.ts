import type { Secrets } from '@keyturn/core';
import { expect } from 'vitest';
import type { PostgresServer } from '../servers/postgres.js';
import { type LeaseReaders, type Readers, startLeaseReaders, startReaders } from './readers.js';

/** The value at `vault:secret/orders#key` while {@link startLiveReaders} reads. */
export const RIGHT = 'the right value';

/** A service at work: 25 readers of a value and 25 of a leased credential. */
export interface LiveReaders {
  readonly kv: Readers;
  readonly leased: LeaseReaders;
  forgetGaps(): void;
  told(): string;
  stop(): Promise<void>;
}

/** Starts fifty readers of `vault:secret/orders#key` and of the credential at `creds`, and waits until all have begun. */
export async function startLiveReaders(
  secrets: Secrets,
  { creds, postgres }: { readonly creds: string; readonly postgres: PostgresServer },
): Promise<LiveReaders> {
  await secrets.preload(['vault:secret/orders#key', `vault:${creds}`]);
  const kv = startReaders({
    name: 'value',
    readers: 25,
    read: () => secrets.getSecret('vault:secret/orders#key'),
    isRight: (secret) => secret.reveal() === RIGHT,
  });
  const leased = startLeaseReaders(secrets, `vault:${creds}`, { postgres, readers: 25 });
  await expect.poll(() => Math.min(kv.figures.served, leased.figures.served)).toBeGreaterThan(100);
  return {
    kv,
    leased,
    forgetGaps() {
      kv.forgetGap();
      leased.forgetGap();
    },
    told: () => `  ${kv.told()}\n  ${leased.told()}`,
    async stop() {
      await Promise.all([kv.stop(), leased.stop()]);
    },
  };
}

/** What may never happen, whatever the store does: a wrong value, or one after its lease. */
export function expectSound({ kv, leased }: Pick<LiveReaders, 'kv' | 'leased'>): void {
  expect(kv.figures.wrong).toBe(0);
  expect(leased.figures.wrong).toBe(0);
  expect(leased.servedLate()).toEqual([]);
  expect(leased.figures.afterTheirEnd).toBe(0);
}
