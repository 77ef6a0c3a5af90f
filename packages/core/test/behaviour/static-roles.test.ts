import { describe, expect, it } from 'vitest';
import { CANARY } from '../support/store.js';
import { codeOf, until, world } from '../support/world.js';

const MINUTE_MS = 60_000;
const PERIOD = { periodMs: 10 * MINUTE_MS };
const passwordOf = (rotations: number) => `${CANARY}-static-${rotations}`;

describe('F26: a password that its store replaces', () => {
  it('is asked for just after its boundary, and every version is delivered once', async () => {
    const { store, secrets, clock } = world();
    store.rotating('role', PERIOD);
    const seen: string[] = [];
    secrets.watch('s:role#password', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    await clock.advance(35 * MINUTE_MS);
    expect(seen).toEqual([0, 1, 2, 3].map(passwordOf));
    const [, ...polls] = store.timesOf('fetch');
    for (const atMs of polls) {
      expect(atMs % PERIOD.periodMs).toBeGreaterThanOrEqual(500);
      expect(atMs % PERIOD.periodMs).toBeLessThanOrEqual(1_001);
    }
  });

  it('that is late at its store is polled until its marker changes, though the ttl has rolled over', async () => {
    const { store, secrets, clock } = world();
    store.rotating('role', { ...PERIOD, lateMs: 20_000 });
    const seen: [string, number][] = [];
    secrets.watch('s:role#password', (secret) => void seen.push([secret.reveal(), clock.monotonicMs()]));
    await secrets.ready();
    await clock.advance(11 * MINUTE_MS);
    expect(seen.map(([password]) => password)).toEqual([passwordOf(0), passwordOf(1)]);
    expect(seen[1]?.[1]).toBeLessThan(10 * MINUTE_MS + 20_000 + 9_000);
    const polls = store.timesOf('fetch').filter((atMs) => atMs > 10 * MINUTE_MS);
    expect(polls.length).toBeGreaterThan(3);
    expect(polls.length).toBeLessThan(20);
    await clock.advance(8 * MINUTE_MS);
    expect(store.timesOf('fetch').filter((atMs) => atMs > 11 * MINUTE_MS)).toEqual([]);
  });

  it('that stays late for hours is polled gently', async () => {
    const { store, secrets, clock } = world();
    store.rotating('role', { ...PERIOD, lateMs: 5 * 60 * MINUTE_MS });
    secrets.watch('s:role', () => {});
    await secrets.ready();
    await clock.advance(4 * 60 * MINUTE_MS);
    const times = store.timesOf('fetch');
    const gaps = times.slice(1).map((atMs, place) => atMs - (times[place] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
    expect(times.length).toBeLessThan((4 * 3_600) / 3);
  });

  it('read without a consumer waits at its boundary for the new one, and is looked at again while it is late', async () => {
    const { store, secrets, clock } = world();
    store.rotating('role', { ...PERIOD, lateMs: 30_000 });
    const read = async () => (await until(clock, secrets.getSecret('s:role#password'))).reveal();
    expect(await read()).toBe(passwordOf(0));
    await clock.advance(10 * MINUTE_MS - 1);
    expect(await read()).toBe(passwordOf(0));
    expect(store.count('fetch')).toBe(1);
    await clock.advance(1_000);
    expect(await read()).toBe(passwordOf(0));
    await clock.advance(40_000);
    expect(await read()).toBe(passwordOf(1));
    expect(clock.pending).toBe(0);
  });

  it('is never handed out as fresh past its boundary without asking the store', async () => {
    const { store, secrets, clock } = world();
    store.rotating('role', PERIOD);
    await secrets.getSecret('s:role');
    await clock.freeze(10 * MINUTE_MS);
    expect(secrets.peekSecret('s:role')).toBeUndefined();
    expect((await secrets.getSecret('s:role#password')).reveal()).toBe(passwordOf(1));
  });

  it('an outage at the boundary: the old one serves, marked, and the new one follows', async () => {
    const { store, secrets, clock } = world();
    store.rotating('role', PERIOD);
    const seen: string[] = [];
    secrets.watch('s:role#password', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    store.goDown();
    await clock.advance(11 * MINUTE_MS);
    const stale = await until(clock, secrets.getSecret('s:role#password'));
    expect([stale.reveal(), stale.staleReason]).toEqual([
      passwordOf(0),
      expect.stringMatching(/unavailable|circuit-open/),
    ]);
    store.heal();
    await clock.advance(MINUTE_MS);
    expect(seen).toEqual([0, 1].map(passwordOf));
  });

  it('F41: an outage that outlasts maxStale ends it', async () => {
    const { store, secrets, clock } = world({ config: { cache: { maxStale: '5m' } } });
    store.rotating('role', PERIOD);
    await secrets.getSecret('s:role');
    store.goDown();
    await clock.advance(14.9 * MINUTE_MS);
    expect(await until(clock, codeOf(secrets.getSecret('s:role')))).toBe('resolved');
    await clock.advance(6_000);
    expect(await until(clock, codeOf(secrets.getSecret('s:role')))).toMatch(/unavailable|circuit-open/);
  });

  it('a ttl of zero, as its store gives while it rotates, is taken, and asked for again within a second', async () => {
    const { store, secrets, clock } = world();
    let rotation = 0;
    store.provider.fetch = async () => ({
      data: passwordOf(rotation),
      version: String(rotation),
      lease: { ttlMs: rotation === 0 ? 0 : 60_000, end: 'rotates' },
    });
    const seen: string[] = [];
    secrets.watch('s:role', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    rotation = 1;
    await clock.advance(1_001);
    expect(seen).toEqual([0, 1].map(passwordOf));
  });

  it('that was rotated early by hand heals by replace()', async () => {
    const { store, secrets, clock } = world();
    store.rotating('role', PERIOD);
    const consumption = secrets.consume('s:role', { adopt: () => {} });
    const { version } = await consumption.current();
    store.aheadMs = 10 * MINUTE_MS;
    await clock.advance(1_000);
    expect((await consumption.replace(version)).field('password').reveal()).toBe(passwordOf(1));
  });
});
