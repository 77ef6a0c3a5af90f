import { createSecrets } from '@keyturn/core';
import { fakeClock } from '@keyturn/core/testing';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { recorder } from '../support/recorder.js';
import { failure, Store } from '../support/store.js';
import { codeOf, until, type World, type WorldOptions, world } from '../support/world.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** A world on a host where no timers run between requests. */
const lazy = ({ config, ...options }: WorldOptions = {}) =>
  world({ ...options, config: { ...config, mode: 'lazy' } });

const isHonoured = ({ store }: Pick<World, 'store'>, version: string | undefined) => {
  const lease = store.leaseOf(version ?? '');
  return lease !== undefined && store.isLive(lease);
};

describe('while nothing is read', () => {
  it('F48: no timer is armed, whatever is held and whoever holds on to it', async () => {
    const { secrets, store, clock } = lazy({ session: { ttlMs: 30 * MINUTE_MS }, watches: true });
    store
      .dynamic('creds', { ttlMs: 10 * MINUTE_MS })
      .put('app', 'one')
      .rotating('role', { periodMs: HOUR_MS });
    expect(clock.pending).toBe(0);
    secrets.watch('s:creds', () => {});
    const consumption = secrets.consume('s:app', recorder());
    await consumption.current();
    await secrets.preload(['s:creds', 's:role']);
    await secrets.ready();
    await clock.settle();
    expect(clock.pending).toBe(0);
    const before = store.calls.length;
    await clock.advance(24 * HOUR_MS);
    expect([store.calls.length, clock.pending]).toEqual([before, 0]);
    consumption.close();
  });

  it('F18: none is armed after failures either', async () => {
    const { secrets, store, clock } = lazy();
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    secrets.watch('s:creds', () => {});
    await secrets.ready();
    store.goDown();
    await clock.advance(7 * MINUTE_MS);
    await secrets.getSecret('s:creds');
    await clock.settle();
    expect([store.count('renew'), clock.pending]).toEqual([1, 0]);
    await clock.advance(HOUR_MS);
    expect([store.count('renew'), clock.pending]).toEqual([1, 0]);
    store.heal();
  });

  it('F48: none is armed for a secret that its consumer could not get', async () => {
    const { secrets, store, clock, of } = lazy();
    store.goDown();
    const seen: string[] = [];
    secrets.watch('s:app', (secret) => void seen.push(secret.reveal()));
    await until(clock, codeOf(secrets.ready()));
    await clock.settle();
    expect(of('refresh-failed').length).toBeGreaterThanOrEqual(1);
    expect(clock.pending).toBe(0);
    store.heal();
    store.put('app', 'one');
    await clock.advance(MINUTE_MS);
    expect(seen).toEqual([]);
    secrets.peekSecret('s:other');
    await clock.settle();
    expect(seen).toEqual(['one']);
  });

  it('F45: no hint is followed', async () => {
    const { secrets, store, clock } = lazy({ watches: true });
    store.put('app', 'one');
    const seen: string[] = [];
    secrets.watch('s:app', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    store.put('app', 'two');
    await clock.advance(MINUTE_MS);
    expect([store.count('watch'), store.isWatched('app'), seen]).toEqual([0, false, ['one']]);
  });
});

describe('at the next read of anything', () => {
  const reads: [string, (made: World) => unknown][] = [
    ['getSecret', ({ secrets }) => secrets.getSecret('s:app')],
    ['getSecret with a schema', ({ secrets }) => secrets.getSecret('s:app', { schema: anything })],
    ['peekSecret', ({ secrets }) => secrets.peekSecret('s:app')],
    ['preload', ({ secrets }) => secrets.preload(['s:app'])],
    ['ready', ({ secrets }) => secrets.ready()],
  ];

  it.each(reads)('%s: a lease that is due is renewed', async (_, read) => {
    const made = lazy();
    const { secrets, store, clock, of } = made;
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS }).put('app', 'one');
    secrets.watch('s:app', () => {});
    await secrets.ready();
    await secrets.getSecret('s:creds');
    await clock.advance(5.9 * MINUTE_MS);
    await read(made);
    await clock.settle();
    expect(store.count('renew')).toBe(0);
    await clock.advance(1.2 * MINUTE_MS);
    await read(made);
    await clock.settle();
    expect([store.count('renew'), of('lease-renewed').length]).toEqual([1, 1]);
    expect(isHonoured(made, secrets.peekSecret('s:creds')?.version)).toBe(true);
  });

  it('current of a consumer as well', async () => {
    const { secrets, store, clock } = lazy();
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS }).put('app', 'one');
    const consumption = secrets.consume('s:app', recorder());
    await consumption.current();
    await secrets.getSecret('s:creds');
    await clock.advance(7 * MINUTE_MS);
    await consumption.current();
    await clock.settle();
    expect(store.count('renew')).toBe(1);
    consumption.close();
  });

  it('what cannot be renewed is rotated, and the old one revoked', async () => {
    const made = lazy();
    const { secrets, store, clock } = made;
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS, renewable: false });
    const seen: string[] = [];
    secrets.watch('s:creds', (secret) => void seen.push(secret.version));
    await secrets.ready();
    await clock.advance(9 * MINUTE_MS);
    await secrets.getSecret('s:creds');
    await clock.settle();
    expect(seen).toEqual(['v1', 'v2']);
    expect((await secrets.getSecret('s:creds')).version).toBe('v2');
    expect(store.live().map(({ version }) => version)).toEqual(['v2']);
  });

  it('the reader is not handed the version that its own read has replaced and revoked', async () => {
    const made = lazy();
    const { secrets, store, clock } = made;
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS, renewable: false });
    await secrets.getSecret('s:creds');
    await clock.advance(9 * MINUTE_MS);
    const { version } = await secrets.getSecret('s:creds');
    // The request that asked for it connects with it now.
    await clock.advance(1_000);
    expect(isHonoured(made, version)).toBe(true);
  });

  it('what is consumed is polled', async () => {
    const { secrets, store, clock } = lazy();
    store.put('app', 'one').put('other', 'x');
    const seen: string[] = [];
    secrets.watch('s:app', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    store.put('app', 'two');
    await clock.advance(4 * MINUTE_MS);
    await secrets.getSecret('s:other');
    await clock.settle();
    expect(seen).toEqual(['one']);
    await clock.advance(MINUTE_MS);
    await secrets.getSecret('s:other');
    await clock.settle();
    expect(seen).toEqual(['one', 'two']);
  });

  it('a login that is due is renewed', async () => {
    const { secrets, store, clock, of } = lazy({ session: { ttlMs: 10 * MINUTE_MS } });
    store.put('app', 'one');
    await secrets.getSecret('s:app');
    await clock.advance(7.5 * MINUTE_MS);
    secrets.peekSecret('s:app');
    await clock.settle();
    expect([store.count('renew-session'), of('session-renewed').length, store.count('login')]).toEqual([
      1, 1, 1,
    ]);
  });

  it('a revocation that failed is tried again', async () => {
    const { secrets, store, clock } = lazy();
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS, renewable: false });
    await secrets.getSecret('s:creds');
    store.failNext('revoke', failure('unavailable'));
    await secrets.rotate('s:creds');
    await clock.settle();
    expect(store.live()).toHaveLength(2);
    await clock.advance(3 * MINUTE_MS);
    await secrets.getSecret('s:creds');
    await clock.settle();
    expect(store.live()).toHaveLength(1);
  });

  it('F8: what is due is begun once, however many read', async () => {
    const { secrets, store, clock } = lazy();
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    store.latencyMs.renew = 500;
    await secrets.getSecret('s:creds');
    await clock.advance(7 * MINUTE_MS);
    await Promise.all(Array.from({ length: 1_000 }, () => secrets.getSecret('s:creds')));
    await clock.advance(1_000);
    expect(store.count('renew')).toBe(1);
  });

  it('F3: a renewal that fails is tried again no sooner than after a second, at a read', async () => {
    const { secrets, store, clock } = lazy();
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    store.failNext('renew', ...Array.from({ length: 100 }, () => failure('unavailable')));
    await clock.advance(7 * MINUTE_MS);
    for (let turn = 0; turn < 600; turn++) {
      await secrets.getSecret('s:creds');
      await clock.advance(100);
    }
    const times = store.timesOf('renew');
    const gaps = times.slice(1).map((atMs, place) => atMs - (times[place] ?? 0));
    expect(times.length).toBeGreaterThanOrEqual(2);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
    store.heal();
  });
});

describe('F35: a host that was frozen between two reads', () => {
  it.each<[string, (made: World) => Promise<void>]>([
    ['its clocks going on', ({ clock }) => clock.freeze(HOUR_MS)],
    [
      'its monotonic clock with it',
      async ({ clock, store }) => {
        clock.jumpWall(HOUR_MS);
        store.aheadMs += HOUR_MS;
      },
    ],
  ])('for an hour, %s, waits for a lease that serves', async (_, freeze) => {
    const made = lazy();
    const { secrets, store, clock } = made;
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    const { version } = await secrets.getSecret('s:creds');
    await freeze(made);
    expect(secrets.peekSecret('s:creds')).toBeUndefined();
    const next = await until(clock, secrets.getSecret('s:creds'));
    expect([next.version === version, next.stale, isHonoured(made, next.version)]).toEqual([
      false,
      false,
      true,
    ]);
    await clock.settle();
    expect(store.live().map((lease) => lease.version)).toEqual([next.version]);
    expect(clock.pending).toBe(0);
  });

  it('for an hour fetches once for all who read then', async () => {
    const { secrets, store, clock } = lazy();
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    store.latencyMs.fetch = 100;
    await clock.freeze(HOUR_MS);
    const all = Promise.all(Array.from({ length: 100 }, () => secrets.getSecret('s:creds')));
    const versions = new Set((await until(clock, all)).map(({ version }) => version));
    expect([versions.size, store.count('fetch'), store.count('renew')]).toEqual([1, 2, 0]);
  });

  it('for longer than its login lasts logs in once, and what was leased under it is replaced', async () => {
    const made = lazy({ session: { ttlMs: 20 * MINUTE_MS } });
    const { secrets, store, clock } = made;
    store.dynamic('x', { ttlMs: 2 * HOUR_MS }).dynamic('y', { ttlMs: 2 * HOUR_MS });
    await secrets.preload(['s:x', 's:y']);
    await clock.freeze(HOUR_MS);
    expect(secrets.peekSecret('s:x')).toBeUndefined();
    const both = await until(clock, Promise.all(['s:x', 's:y'].map((ref) => secrets.getSecret(ref))));
    expect(both.every(({ version }) => isHonoured(made, version))).toBe(true);
    await clock.settle();
    expect([store.count('login'), store.liveSessions().length]).toEqual([2, 1]);
  });

  it('and cannot reach its store says so, rather than serve what has ended', async () => {
    const { secrets, store, clock } = lazy();
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    await clock.freeze(HOUR_MS);
    store.goDown();
    expect(await codeOf(until(clock, secrets.getSecret('s:creds')))).toBe('unavailable');
    store.heal();
    await clock.advance(MINUTE_MS);
    expect(await codeOf(until(clock, secrets.getSecret('s:creds')))).toBe('resolved');
  });

  it('while a renewal was under way does not take the late answer for a new term', async () => {
    const made = lazy();
    const { secrets, store, clock } = made;
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    store.latencyMs.renew = 500;
    await clock.advance(7 * MINUTE_MS);
    await secrets.getSecret('s:creds');
    await clock.freeze(HOUR_MS);
    const { version } = await until(clock, secrets.getSecret('s:creds'));
    expect(isHonoured(made, version)).toBe(true);
  });

  it('never serves an ended lease, whatever the times between reads', async () => {
    const step = fc.record({
      forMs: fc.integer({ min: 0, max: 90 * MINUTE_MS }),
      how: fc.constantFrom('frozen', 'suspended', 'idle'),
      asks: fc.constantFrom('peek', 'get', 'consumer'),
      isDown: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 5_000, max: HOUR_MS }),
        fc.boolean(),
        fc.boolean(),
        fc.array(step, { minLength: 1, maxLength: 8 }),
        async (ttlMs, renewable, owned, steps) => {
          const clock = fakeClock();
          const store = new Store(clock, owned ? { session: { ttlMs: 2 * ttlMs } } : {});
          store.dynamic('creds', { ttlMs, renewable });
          const secrets = createSecrets({ providers: { s: store.provider }, clock, mode: 'lazy' });
          secrets.on('refresh-failed', () => {});
          const consumption = secrets.consume('s:creds', { adopt: async () => {} });
          await consumption.current();
          for (const { forMs, how, asks, isDown } of steps) {
            if (how === 'frozen') await clock.freeze(forMs);
            else if (how === 'idle') await clock.advance(forMs);
            else {
              clock.jumpWall(forMs);
              store.aheadMs += forMs;
            }
            if (isDown) store.goDown();
            const read =
              asks === 'peek'
                ? Promise.resolve(secrets.peekSecret('s:creds'))
                : asks === 'get'
                  ? secrets.getSecret('s:creds')
                  : consumption.current();
            const served = read.then(
              (secret) => secret === undefined || isHonoured({ store }, secret.version),
              () => true,
            );
            expect(await until(clock, served)).toBe(true);
            store.heal();
          }
          await until(clock, secrets.close());
          expect([store.live(), store.liveSessions(), clock.pending]).toEqual([[], [], 0]);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('the end', () => {
  it('F46: drains and revokes all the same', async () => {
    const made = lazy({ session: { ttlMs: HOUR_MS } });
    const { secrets, store, clock } = made;
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    const consumer = recorder();
    consumer.hangs.add('release');
    const consumption = secrets.consume('s:creds', consumer);
    await consumption.current();
    const closing = secrets.close();
    await clock.advance(1_000);
    expect([consumer.log.at(-1), store.live().length]).toEqual(['release', 1]);
    consumer.resume();
    await until(clock, closing);
    expect([store.live(), store.liveSessions(), clock.pending]).toEqual([[], [], 0]);
  });

  it('F46: is bounded by the drain, which is cut, and by the revocation', async () => {
    const made = lazy();
    const { secrets, store } = made;
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    const consumer = recorder();
    consumer.hangs.add('release');
    await secrets.consume('s:creds', consumer).current();
    store.hanging.add('revoke');
    const tookMs = await made.close();
    expect(tookMs).toBeGreaterThanOrEqual(35_000);
    expect(tookMs).toBeLessThanOrEqual(41_000);
  });
});

describe('on AWS Lambda', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is how secrets are without being told', async () => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'orders');
    const { secrets, store, clock } = world();
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    expect(clock.pending).toBe(0);
  });

  it('is not how they are when told otherwise', async () => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'orders');
    const { secrets, store, clock } = world({ config: { mode: 'background' } });
    store.dynamic('creds', { ttlMs: 10 * MINUTE_MS });
    await secrets.getSecret('s:creds');
    expect(clock.pending).toBe(1);
    await clock.advance(7 * MINUTE_MS);
    expect(store.count('renew')).toBe(1);
  });
});

/** A Standard Schema that takes everything. */
const anything = {
  '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
} as const;
