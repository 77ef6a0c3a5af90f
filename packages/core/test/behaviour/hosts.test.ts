import { describe, expect, it } from 'vitest';
import { until, type World, world } from '../support/world.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** The host stands still while the world goes on: only its wall clock knows. */
function suspend({ clock, store }: World, forMs: number): void {
  clock.jumpWall(forMs);
  store.aheadMs += forMs;
}

const isHonoured = ({ store }: World, version: string | undefined) => {
  const lease = store.leaseOf(version ?? '');
  return lease !== undefined && store.isLive(lease);
};

describe('F35: a host that stood still for longer than the ttl', () => {
  it.each<[string, (made: World) => Promise<void> | void]>([
    ['suspended, its monotonic clock with it', (made) => suspend(made, HOUR_MS)],
    ['frozen, its clocks going on', ({ clock }) => clock.freeze(HOUR_MS)],
  ])('%s: the next read waits and refreshes', async (_, standStill) => {
    const made = world();
    const { store, secrets, clock } = made;
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    await standStill(made);
    const secret = secrets.peekSecret('s:creds') ?? (await until(clock, secrets.getSecret('s:creds')));
    expect([secret.version, secret.stale, isHonoured(made, secret.version)]).toEqual(['v2', false, true]);
    expect(store.live().map((lease) => lease.version)).toEqual(['v2']);
  });

  it('for less than that renews or reads on, and never hands out what has ended', async () => {
    for (const forMs of [10_000, 100_000, 239_000, 241_000, 300_000, 301_000, 599_000]) {
      const made = world();
      const { store, secrets, clock } = made;
      store.dynamic('creds', { ttlMs: 5 * MINUTE_MS });
      await secrets.getSecret('s:creds');
      suspend(made, forMs);
      const { version } = await until(clock, secrets.getSecret('s:creds'));
      expect(isHonoured(made, version)).toBe(true);
      await clock.advance(60_001);
      expect(isHonoured(made, secrets.peekSecret('s:creds')?.version)).toBe(true);
    }
  });
});

describe('F36: a wall clock that is moved', () => {
  it.each([-HOUR_MS, -25 * HOUR_MS])('back by %d ms changes nothing', async (byMs) => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS }).put('app', 'one');
    await secrets.preload(['s:creds', 's:app']);
    clock.jumpWall(byMs);
    await clock.advance(4 * MINUTE_MS);
    expect(secrets.peekSecret('s:app')).toMatchObject({ stale: false });
    await clock.advance(HOUR_MS);
    expect(store.count('fetch', 'creds')).toBe(1);
    expect(of('lease-expired')).toEqual([]);
  });

  it('an hour forward costs an early refresh and nothing else', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    const seen: string[] = [];
    secrets.watch('s:creds', (secret) => void seen.push(secret.version));
    await secrets.ready();
    clock.jumpWall(HOUR_MS);
    await clock.advance(MINUTE_MS);
    expect(seen).toEqual(['v1', 'v2']);
    await clock.advance(HOUR_MS);
    expect(seen).toEqual(['v1', 'v2']);
    expect(store.live()).toHaveLength(1);
  });

  it('tells the end of a secret on the wall clock of when it was sent', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 100_000 });
    const sentMs = clock.wallMs();
    expect((await secrets.getSecret('s:creds')).expiresAt?.getTime()).toBe(sentMs + 98_000);
  });
});

describe('F37: an event loop that was blocked', () => {
  it('past the renewal point renews as soon as it is free', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', { ttlMs: 100_000 });
    const { version } = await secrets.getSecret('s:creds');
    await clock.freeze(95_000);
    await clock.advance(5_000);
    expect(secrets.peekSecret('s:creds')?.version).toBe(version);
    expect([store.count('renew'), of('lease-expired').length]).toEqual([1, 0]);
  });

  it('past the end of the lease hands out nothing until there is another', async () => {
    const made = world();
    const { store, secrets, clock } = made;
    store.dynamic('creds', { ttlMs: 100_000 });
    secrets.watch('s:creds', () => {});
    await secrets.ready();
    store.latencyMs.fetch = 1_000;
    const frozen = clock.freeze(101_000);
    const asked = secrets.getSecret('s:creds');
    await frozen;
    expect(secrets.peekSecret('s:creds')).toBeUndefined();
    expect(isHonoured(made, (await until(clock, asked)).version)).toBe(true);
  });
});
