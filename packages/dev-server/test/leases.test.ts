import { type FakeClock, fakeClock } from '@keyturn/core/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { createBackground } from '../src/background.js';
import { createLeases, type Lease, type Leases } from '../src/leases.js';
import type { Mount } from '../src/mounts.js';

const MOUNT = { config: { defaultLeaseTtlSeconds: 0, maxLeaseTtlSeconds: 0 } } as Mount;
let clock: FakeClock;
let background: ReturnType<typeof createBackground>;
let leases: Leases;
let revokedAtS: number[];
let startMs: number;
let failing: boolean;

const issue = (ttlSeconds: number, tokenId = 'token'): Lease =>
  leases.issue('database/creds/app', clock.wallMs() + ttlSeconds * 1000, MOUNT, tokenId, {
    terms: () => ({ defaultSeconds: 10, maxSeconds: 60 }),
    renew: async () => {},
    revoke: async () => {
      revokedAtS.push((clock.wallMs() - startMs) / 1000);
      if (failing) throw new Error('database down');
    },
  });

beforeEach(() => {
  clock = fakeClock();
  background = createBackground();
  leases = createLeases(clock, background);
  revokedAtS = [];
  startMs = clock.wallMs();
  failing = false;
});

describe('a lease', () => {
  test('is revoked at its end, once', async () => {
    const { id } = issue(10);
    await clock.advance(9_999);
    expect(leases.find(id)).toBeDefined();
    await clock.advance(100_000);
    expect(revokedAtS).toEqual([10]);
    expect(leases.find(id)).toBeUndefined();
  });

  test('lives on after a renewal', async () => {
    const { id } = issue(10);
    await clock.advance(5_000);
    await leases.renew(id, 20);
    await clock.advance(19_000);
    expect(revokedAtS).toEqual([]);
    await clock.advance(1_000);
    expect(revokedAtS).toEqual([25]);
  });

  test('cannot be renewed once it is over, even before its timer has rung', async () => {
    const { id } = issue(10);
    clock.jumpWall(11_000);
    await expect(leases.renew(id, 5)).rejects.toThrow('lease not found');
  });

  test('whose revocation fails is tried again: 10 s later, 20, 40, 80, 160, and then given up', async () => {
    failing = true;
    const lease = issue(10);
    await clock.advance(3_600_000);
    expect(revokedAtS).toEqual([10, 20, 40, 80, 160, 320]);
    expect(leases.irrevocable).toBe(1);
    expect(leases.find(lease.id)).toBeDefined();
    expect(clock.pending).toBe(0);
  });

  test('whose revocation fails at first is gone when it succeeds', async () => {
    failing = true;
    const { id } = issue(10);
    await clock.advance(15_000);
    failing = false;
    await clock.advance(5_000);
    expect(revokedAtS).toEqual([10, 20]);
    expect(leases.find(id)).toBeUndefined();
  });

  test('is revoked by one attempt at a time, whoever asks', async () => {
    const lease = issue(10);
    await Promise.all([leases.revoke(lease), leases.revoke(lease), leases.expire(lease)]);
    await background.settled();
    expect(revokedAtS).toHaveLength(1);
  });

  test('a failed renewal leaves its end where it was', async () => {
    const lease = leases.issue('a', clock.wallMs() + 10_000, MOUNT, 'token', {
      terms: () => ({ defaultSeconds: 10, maxSeconds: 60 }),
      renew: async () => {
        throw new Error('role does not exist');
      },
      revoke: async () => {},
    });
    const { expireMs } = lease;
    await expect(leases.renew(lease.id, 30)).rejects.toThrow(/failed to renew entry: .*role does not exist/);
    expect(lease.expireMs).toBe(expireMs);
  });
});

describe('all of them', () => {
  test('those of one token end together', async () => {
    const [mine, theirs] = [issue(10, 'mine'), issue(10, 'theirs')];
    leases.expireOfToken('mine');
    await background.settled();
    expect([leases.find(mine.id), leases.find(theirs.id)]).toEqual([undefined, theirs]);
  });

  test('F18: while the server is sealed none ends; what fell due ends with the unseal', async () => {
    issue(10);
    background.pause();
    await clock.advance(60_000);
    expect(revokedAtS).toEqual([]);
    background.resume();
    await background.settled();
    expect(revokedAtS).toEqual([60]);
  });

  test('closed, no timer is left, not even after a late failure', async () => {
    failing = true;
    const lease = issue(10);
    leases.close();
    leases.expire(lease);
    await background.settled();
    expect(clock.pending).toBe(0);
  });
});
