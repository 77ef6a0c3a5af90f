import { createSecrets, type ErrorCode, isSecretsError } from '@keyturn/core';
import type { CallOptions } from '@keyturn/core/provider';
import { type ChaosProvider, chaosProvider, fakeClock, memoryProvider } from '@keyturn/core/testing';
import { describe, expect, it } from 'vitest';

const MINUTE_MS = 60_000;
const { signal } = new AbortController();

function setUp() {
  const clock = fakeClock();
  const store = memoryProvider({ clock, session: true });
  store.set('app', { key: 'one' });
  store.lease('db', { ttlMs: MINUTE_MS, make: (n) => ({ user: `user-${n}` }) });
  const chaos = chaosProvider(store, { clock });
  const call: CallOptions = { signal, clock };
  const fetch = async (path = 'app', options: Partial<CallOptions> = {}) => {
    const session = options.session ?? store.session?.login(call).then(({ credential }) => credential);
    return chaos.fetch({ path }, { ...call, ...options, session: await session });
  };
  return { clock, store, chaos, call, fetch };
}

async function codeOf(promise: Promise<unknown> | undefined): Promise<string> {
  return Promise.resolve(promise).then(
    () => 'resolved',
    (error: unknown) => (isSecretsError(error) ? error.code : String(error)),
  );
}

describe('failures', () => {
  it('an outage fails every method but close, until it heals', async () => {
    const { chaos, call, fetch } = setUp();
    chaos.outage();
    const list = chaos.list?.('', call)[Symbol.asyncIterator]();
    const watch = chaos.watch?.({ path: 'app' }, call)[Symbol.asyncIterator]();
    const calls: [string, Promise<unknown> | undefined][] = [
      ['fetch', chaos.fetch({ path: 'app' }, call)],
      ['fetchMany', chaos.fetchMany?.([{ path: 'app' }], call)],
      ['renew', chaos.renew?.('x', { ...call, ttlMs: 1 })],
      ['revoke', chaos.revoke?.('x', call)],
      ['list', list?.next()],
      ['watch', watch?.next()],
      ['login', chaos.session?.login(call)],
      ['renewLogin', chaos.session?.renew?.('x', { ...call, ttlMs: 1 })],
      ['revokeLogin', chaos.session?.revoke?.('x', call)],
    ];
    for (const [method, promise] of calls)
      expect([method, await codeOf(promise)]).toEqual([method, 'unavailable']);
    expect(await codeOf(chaos.close?.())).toBe('resolved');
    expect(chaos.calls.map(({ method }) => method).sort()).toEqual(
      [...calls.map(([name]) => name), 'close'].sort(),
    );
    chaos.heal();
    expect(await codeOf(fetch())).toBe('resolved');
  });

  it.each<ErrorCode>([
    'not-found',
    'permission-denied',
    'lease-lost',
    'unauthenticated',
    'rate-limited',
    'timeout',
    'unavailable',
    'bad-response',
    'unsupported',
  ])('fails with %s the next calls and no more, and those never reach the store', async (code) => {
    const { store, chaos, fetch } = setUp();
    const fault = chaos.failNext(code, 2, { only: 'fetch' });
    expect([await codeOf(fetch()), await codeOf(fetch()), await codeOf(fetch())]).toEqual([
      code,
      code,
      'resolved',
    ]);
    expect([fault.met, store.count('fetch'), chaos.count('fetch')]).toEqual([2, 1, 3]);
  });

  it('throttles with the wait that it asks for', async () => {
    const { chaos, fetch } = setUp();
    chaos.throttle(7_000, { times: 1 });
    await expect(fetch()).rejects.toMatchObject({ code: 'rate-limited', retryAfterMs: 7_000, status: 429 });
  });

  it('lasts for a time, on the clock, and leaves no timer', async () => {
    const { clock, chaos, fetch } = setUp();
    chaos.outage({ forMs: 10_000 });
    await clock.advance(9_999);
    expect(await codeOf(fetch())).toBe('unavailable');
    await clock.advance(1);
    expect(await codeOf(fetch())).toBe('resolved');
    chaos.outage({ forMs: 10_000 });
    chaos.heal();
    await clock.settle();
    expect(clock.pending).toBe(0);
  });

  it('meets only the methods, or the calls, that it is for', async () => {
    const { chaos, call, fetch } = setUp();
    chaos.fail('timeout', { only: ['renew', 'revoke'] });
    chaos.fail('not-found', { only: ({ subject }) => subject === 'db' });
    expect([await codeOf(fetch()), await codeOf(fetch('db'))]).toEqual(['resolved', 'not-found']);
    expect(await codeOf(chaos.renew?.('x', { ...call, ttlMs: 1 }))).toBe('timeout');
  });

  it('is stopped alone while others go on', async () => {
    const { chaos, fetch } = setUp();
    const first = chaos.fail('timeout', { only: 'fetch' });
    chaos.fail('rate-limited', { only: 'fetch' });
    expect(await codeOf(fetch())).toBe('timeout');
    first.stop();
    expect(await codeOf(fetch())).toBe('rate-limited');
  });

  it('loses an answer afterwards: the lease is there, and nobody knows of it', async () => {
    const { store, chaos, fetch } = setUp();
    chaos.failNext('timeout', 1, { only: 'fetch', afterwards: true });
    expect(await codeOf(fetch('db'))).toBe('timeout');
    expect(store.liveLeases()).toHaveLength(1);
  });
});

describe('slowness', () => {
  it('takes longer, on the caller’s clock', async () => {
    const { clock, chaos, fetch } = setUp();
    chaos.slow(3_000, { only: 'fetch' });
    const read = codeOf(fetch());
    let isDone = false;
    void read.then(() => {
      isDone = true;
    });
    await clock.advance(2_999);
    expect(isDone).toBe(false);
    await clock.advance(1);
    expect(await read).toBe('resolved');
  });

  it('hangs until the caller leaves', async () => {
    const { clock, chaos, fetch } = setUp();
    chaos.hang({ only: 'fetch' });
    const leaving = new AbortController();
    const read = fetch('app', { signal: leaving.signal });
    read.catch(() => {});
    await clock.advance(MINUTE_MS);
    leaving.abort(new Error('enough'));
    await expect(read).rejects.toThrow('enough');
  });

  it('lets calls go on when it heals, as a process that is continued', async () => {
    const { clock, chaos, fetch } = setUp();
    chaos.hang({ only: 'fetch' });
    const read = fetch();
    await clock.advance(MINUTE_MS);
    chaos.heal();
    expect(await codeOf(read)).toBe('resolved');
  });

  it('does not even notice that its caller has left, where it is deaf', async () => {
    const { clock, chaos, fetch } = setUp();
    chaos.hang({ only: 'fetch', deaf: true });
    const leaving = new AbortController();
    const read = fetch('app', { signal: leaving.signal });
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    read.then(settle, settle);
    leaving.abort(new Error('enough'));
    await clock.advance(MINUTE_MS);
    expect(isSettled).toBe(false);
    chaos.heal();
    await expect(read).rejects.toThrow('enough');
  });

  it('holds an answer up afterwards: a lease that comes too late for its caller', async () => {
    const { clock, store, chaos, fetch } = setUp();
    chaos.hang({ only: 'fetch', afterwards: true });
    const read = fetch('db');
    await clock.settle();
    expect(store.liveLeases()).toHaveLength(1);
    chaos.heal();
    expect((await read).version).toBe('lease-1');
  });

  it('adds up, in the order in which it began', async () => {
    const { clock, chaos, fetch } = setUp();
    chaos.slow(1_000, { only: 'fetch' });
    chaos.failNext('timeout', 1, { only: 'fetch' });
    const read = codeOf(fetch());
    await clock.advance(999);
    expect(chaos.count('fetch')).toBe(1);
    await clock.advance(1);
    expect(await read).toBe('timeout');
  });
});

describe('nonsense', () => {
  it.each([
    ['blank', { data: {}, version: '1' }],
    ['no-version', { data: { key: 'one' }, version: '' }],
  ] as const)('%s data', async (kind, expected) => {
    const { chaos, fetch } = setUp();
    chaos.answerBadly(kind, { times: 1, only: 'fetch' });
    expect(await fetch()).toEqual(expected);
    expect(await fetch()).toEqual({ data: { key: 'one' }, version: '1' });
  });

  it('blank text, a lease without a ttl, an error page', async () => {
    const { store, chaos, fetch } = setUp();
    store.set('text', 'one');
    chaos.answerBadly('blank', { times: 1, only: 'fetch' });
    expect((await fetch('text')).data).toBe('');
    chaos.answerBadly('no-ttl', { times: 1, only: 'fetch' });
    expect((await fetch('db')).lease?.ttlMs).toBeNaN();
    chaos.answerBadly('html', { times: 1, only: 'fetch' });
    await expect(fetch()).rejects.toMatchObject({ code: 'bad-response', status: 200 });
  });

  it('F21: renewals that grant nothing, and logins', async () => {
    const { clock, store, chaos, call, fetch } = setUp();
    const session = (await store.session?.login(call))?.credential;
    await fetch('db', { session });
    const renew = () => chaos.renew?.('db/1', { ...call, session, ttlMs: 1 });
    chaos.answerBadly('blank', { times: 1 });
    expect(await renew()).toBeUndefined();
    chaos.answerBadly('no-ttl', { times: 1 });
    expect((await renew())?.ttlMs).toBeNaN();
    const short = chaosProvider(memoryProvider({ clock, session: { ttlMs: 5 } }), { clock });
    short.answerBadly('no-ttl');
    expect((await short.session?.login(call))?.lease?.ttlMs).toBeNaN();
  });

  it('in a batch, for each', async () => {
    const { store, chaos, call } = setUp();
    const session = (await store.session?.login(call))?.credential;
    chaos.answerBadly('blank');
    const [one, missing] =
      (await chaos.fetchMany?.([{ path: 'app' }, { path: 'x' }], { ...call, session })) ?? [];
    expect(one).toMatchObject({ data: {} });
    expect(isSecretsError(missing)).toBe(true);
  });
});

describe('watches', () => {
  function watching(chaos: ChaosProvider, call: CallOptions) {
    const hints = chaos.watch?.({ path: 'app' }, call)[Symbol.asyncIterator]();
    if (hints === undefined) throw new Error('there must be a watch');
    return hints;
  }
  async function open() {
    const world = setUp();
    const session = (await world.store.session?.login(world.call))?.credential;
    const hints = watching(world.chaos, { ...world.call, session });
    const hint = hints.next();
    hint.catch(() => {});
    await world.clock.settle();
    return { ...world, hints, hint };
  }

  it('break at an outage, and leave nothing at the store', async () => {
    const { clock, store, chaos, hint } = await open();
    expect(store.watchers('app')).toBe(1);
    chaos.outage();
    expect(await codeOf(hint)).toBe('unavailable');
    await clock.settle();
    expect(store.watchers('app')).toBe(0);
  });

  it('break on command, with a code', async () => {
    const { chaos, hint } = await open();
    chaos.cutWatches('timeout');
    expect(await codeOf(hint)).toBe('timeout');
  });

  it('F45: lose hints on command', async () => {
    const { clock, store, chaos, hints, hint } = await open();
    const lost = chaos.loseHints({ times: 1 });
    store.set('app', { key: 'two' });
    await clock.settle();
    expect(lost.met).toBe(1);
    store.set('app', { key: 'three' });
    expect((await hint).done).toBe(false);
    await hints.return?.();
  });
});

it('has the methods of what it wraps, and no others', () => {
  const clock = fakeClock();
  const bare = chaosProvider({ name: 'bare', fetch: async () => ({ data: 'x', version: '1' }) });
  const { name, fetchMany, renew, revoke, watch, list, session, close } = bare;
  expect([name, fetchMany, renew, revoke, watch, list, session, close]).toEqual([
    'bare',
    ...Array(7).fill(undefined),
  ]);
  const withoutIsAlive = chaosProvider(memoryProvider({ clock, session: true }));
  expect(withoutIsAlive.session?.isAlive).toBeUndefined();
});

it('F18: under the real thing: hours of outage, few calls, and recovery by itself', async () => {
  const { clock, store, chaos } = setUp();
  const secrets = createSecrets({ providers: { store: chaos }, clock });
  secrets.on('refresh-failed', () => {});
  const versions: string[] = [];
  await secrets.getSecret('store:app');
  secrets.watch('store:app', (secret) => void versions.push(secret.version));
  await clock.advance(1_000);
  chaos.outage({ forMs: 3 * 60 * MINUTE_MS });
  store.set('app', { key: 'two' });
  const before = chaos.calls.length;
  await clock.advance(3 * 60 * MINUTE_MS);
  expect(chaos.calls.length - before).toBeLessThan(3 * 60 * 8);
  await clock.advance(5 * MINUTE_MS);
  expect(versions).toEqual(['1', '2']);
  await secrets.close();
  expect(clock.pending).toBe(0);
});
