import { createSecrets, defineSecrets, SecretsError } from '@keyturn/core';
import type { SecretVersion } from '@keyturn/core/provider';
import { chaosProvider, fakeClock, memoryProvider } from '@keyturn/core/testing';
import { describe, expect, it } from 'vitest';
import { failure } from '../support/store.js';
import { codeOf, until, type World, type WorldOptions, world } from '../support/world.js';

const MINUTE_MS = 60_000;

/** A world whose store reads many at once. */
const bulk = (options: WorldOptions = {}) => world({ many: true, ...options });

/** The reads that came to the store: each with all that it asked for. */
const reads = ({ store }: World) =>
  store.calls
    .filter(({ operation }) => operation === 'fetch' || operation === 'fetch-many')
    .map(({ operation, subject }) => `${operation} ${subject}`);

const ignored = (promise: Promise<unknown>) => void promise.catch(() => {});

describe('the reads of one tick', () => {
  it('are one call of fetchMany, each with its own answer', async () => {
    const made = bulk();
    made.store.put('x', 'one').put('y', 'two').put('z', { user: 'u', key: 'three' });
    const secrets = await Promise.all(['s:x', 's:y', 's:z#key'].map((ref) => made.secrets.getSecret(ref)));
    expect(secrets.map((secret) => secret.reveal())).toEqual(['one', 'two', 'three']);
    expect(reads(made)).toEqual(['fetch-many x,y,z']);
  });

  it('are one call though they are asked for by promises that follow each other', async () => {
    const made = bulk();
    for (const path of ['x', 'y', 'z']) made.store.put(path, path);
    await Promise.all([
      made.secrets.getSecret('s:x'),
      Promise.resolve().then(() => made.secrets.getSecret('s:y')),
      Promise.resolve()
        .then(() => {})
        .then(() => made.secrets.getSecret('s:z')),
    ]);
    expect(reads(made)).toEqual(['fetch-many x,y,z']);
  });

  it('are not waited for by a timer: one alone is a fetch at once', async () => {
    const made = bulk();
    made.store.put('x', 'one');
    await made.secrets.getSecret('s:x');
    expect([reads(made), made.clock.monotonicMs()]).toEqual([['fetch x'], 0]);
  });

  it('of different ticks are different calls', async () => {
    const made = bulk();
    made.store.latencyMs['fetch-many'] = 100;
    for (const path of ['w', 'x', 'y', 'z']) made.store.put(path, path);
    const first = Promise.all([made.secrets.getSecret('s:w'), made.secrets.getSecret('s:x')]);
    await made.clock.settle();
    const second = Promise.all([made.secrets.getSecret('s:y'), made.secrets.getSecret('s:z')]);
    await until(made.clock, Promise.all([first, second]));
    expect(reads(made)).toEqual(['fetch-many w,x', 'fetch-many y,z']);
  });

  it('F24: ask for a reference once, whoever wants it and whichever field', async () => {
    const made = bulk();
    made.store.put('x', { a: '1', b: '2' }).put('y', 'two');
    await made.secrets.preload(['s:x#a', 's:x#b', 's:x', 's:y', 's:y']);
    expect(reads(made)).toEqual(['fetch-many x,y']);
  });

  it('F29: ask for versions and stages of one path apart', async () => {
    const clock = fakeClock();
    const asked: unknown[] = [];
    const secrets = createSecrets({
      clock,
      providers: {
        s: {
          name: 'staged',
          fetch: async () => ({ data: 'alone', version: '1' }),
          fetchMany: async (refs) =>
            refs.map((ref): SecretVersion => {
              asked.push(ref);
              return { data: ref.version ?? ref.stage ?? 'none', version: '1' };
            }),
        },
      },
    });
    const refs = ['s:x', 's:x?version=3', 's:x?stage=AWSPREVIOUS'];
    const got = await Promise.all(refs.map((ref) => secrets.getSecret(ref)));
    expect(got.map((secret) => secret.reveal())).toEqual(['none', '3', 'AWSPREVIOUS']);
    expect(asked).toEqual([{ path: 'x' }, { path: 'x', version: '3' }, { path: 'x', stage: 'AWSPREVIOUS' }]);
    await secrets.close();
  });

  it('F24: are one call for a thousand references, which the breaker and the bulkhead take for one', async () => {
    const made = bulk({ config: { resilience: { concurrency: 1, attempts: 1 } } });
    const { store, secrets, clock, of } = made;
    const paths = Array.from({ length: 1_000 }, (_, number) => `app${number}`);
    for (const path of paths) store.put(path, `value of ${path}`);
    store.latencyMs['fetch-many'] = 1_000;
    await until(clock, secrets.preload(paths.map((path) => `s:${path}`)));
    expect(reads(made)).toHaveLength(1);
    expect(clock.monotonicMs()).toBeLessThan(1_100);
    expect(paths.every((path) => secrets.peekSecret(`s:${path}`)?.reveal() === `value of ${path}`)).toBe(
      true,
    );
    store.goDown();
    // With the one that succeeded these are four calls: a fifth would have the breaker judge.
    for (let turn = 0; turn < 3; turn++) {
      const refs = Array.from({ length: 100 }, (_, number) => `s:other${turn}-${number}`);
      expect(await codeOf(until(clock, secrets.preload(refs)))).toBe('unavailable');
    }
    expect(of('breaker-changed')).toEqual([]);
  });

  it('are one call of preload, and one of load', async () => {
    const made = bulk();
    for (const path of ['v', 'w', 'x', 'y', 'z']) made.store.put(path, { key: path });
    await made.secrets.preload(['s:v', 's:w']);
    const needs = defineSecrets({ x: 's:x#key', y: { ref: 's:y#key' }, z: 's:z#key' });
    const { x, z } = await needs.load(made.secrets);
    expect([(await x()).reveal(), (await z()).reveal()]).toEqual(['x', 'z']);
    expect(reads(made)).toEqual(['fetch-many v,w', 'fetch-many x,y,z']);
  });

  it('are made under one login', async () => {
    const made = bulk({ session: {} });
    for (const path of ['x', 'y', 'z']) made.store.put(path, path);
    await made.secrets.preload(['s:x', 's:y', 's:z']);
    expect(made.store.calls.map(({ operation }) => operation)).toEqual(['login', 'fetch-many']);
  });

  it('F14: are made again as one under a new login when the old one is dead', async () => {
    const made = bulk({ session: {} });
    for (const path of ['x', 'y', 'z']) made.store.put(path, path);
    await made.secrets.getSecret('s:x');
    made.store.revokeSessions();
    await made.secrets.preload(['s:y', 's:z']);
    expect(made.store.count('login')).toBe(2);
    expect(reads(made)).toEqual(['fetch x', 'fetch-many y,z', 'fetch-many y,z']);
  });
});

describe('a failure among many', () => {
  it.each(['not-found', 'permission-denied', 'bad-response'] as const)(
    'F40: %s reaches its own reader alone, and is not asked for again',
    async (code) => {
      const made = bulk();
      made.store.put('x', 'one').put('y', 'two').put('z', 'three');
      made.store.failAt('y', failure(code));
      const outcomes = await Promise.all(
        ['s:x', 's:y', 's:z'].map((ref) => codeOf(made.secrets.getSecret(ref))),
      );
      expect(outcomes).toEqual(['resolved', code, 'resolved']);
      expect(reads(made)).toEqual(['fetch-many x,y,z']);
    },
  );

  it('names the reference of its reader', async () => {
    const made = bulk();
    made.store.put('x', 'one').put('y', 'two');
    made.store.failAt('y', failure('not-found'));
    ignored(made.secrets.getSecret('s:x'));
    await expect(made.secrets.getSecret('s:y')).rejects.toMatchObject({ ref: 's:y', provider: 's' });
  });

  it('of all of them names the reference of each', async () => {
    const made = bulk({ config: { resilience: { attempts: 1 } } });
    made.store.goDown();
    const errors = await Promise.all(
      ['s:x', 's:y'].map((ref) => made.secrets.getSecret(ref).catch((error: SecretsError) => error)),
    );
    expect(errors).toMatchObject([
      { code: 'unavailable', ref: 's:x', provider: 's' },
      { code: 'unavailable', ref: 's:y', provider: 's' },
    ]);
  });

  it('that a retry may mend is asked for again, alone', async () => {
    const made = bulk();
    for (const path of ['w', 'x', 'y', 'z']) made.store.put(path, path);
    made.store.failAt('x', failure('rate-limited'), failure('rate-limited'));
    made.store.failAt('y', failure('unavailable'));
    made.store.failAt('z', failure('not-found'));
    const outcomes = await until(
      made.clock,
      Promise.all(['s:w', 's:x', 's:y', 's:z'].map((ref) => codeOf(made.secrets.getSecret(ref)))),
    );
    expect(outcomes).toEqual(['resolved', 'resolved', 'resolved', 'not-found']);
    expect(reads(made)).toEqual(['fetch-many w,x,y,z', 'fetch-many x,y', 'fetch x']);
  });

  it('that stays is told to its reader alone, after so many attempts', async () => {
    const made = bulk();
    made.store.put('x', 'one').put('y', 'two');
    made.store.failAt('y', ...Array.from({ length: 9 }, () => failure('rate-limited')));
    const both = Promise.all(['s:x', 's:y'].map((ref) => codeOf(made.secrets.getSecret(ref))));
    expect(await until(made.clock, both)).toEqual(['resolved', 'rate-limited']);
    expect(reads(made)).toEqual(['fetch-many x,y', 'fetch y', 'fetch y']);
  });

  it('does not hold up those that were answered until it is mended', async () => {
    const made = bulk();
    made.store.put('x', 'one').put('y', 'two');
    made.store.failAt('y', failure('rate-limited', { retryAfterMs: 4_000 }));
    ignored(made.secrets.getSecret('s:y'));
    const healthy = made.secrets.getSecret('s:x');
    await until(made.clock, healthy);
    expect(made.clock.monotonicMs()).toBe(0);
  });

  it('F21: a blank answer fails alone, and its lease is given back', async () => {
    const made = bulk();
    const { store, secrets } = made;
    store.dynamic('x', { ttlMs: 10 * MINUTE_MS }).dynamic('y', { ttlMs: 10 * MINUTE_MS });
    const fetchMany = store.provider.fetchMany?.bind(store.provider);
    store.provider.fetchMany = async (refs, options) =>
      ((await fetchMany?.(refs, options)) ?? []).map((answer) =>
        'data' in answer && answer.version === 'v2' ? { ...answer, data: '' } : answer,
      );
    const outcomes = await Promise.all(['s:x', 's:y'].map((ref) => codeOf(secrets.getSecret(ref))));
    expect(outcomes).toEqual(['resolved', 'bad-response']);
    expect(store.live().map(({ version }) => version)).toEqual(['v1']);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'two'],
    ['a foreign error', new Error('it broke')],
    ['an answer without a version', { data: 'two' }],
  ])('F21: %s in the place of an answer fails alone', async (_, answer) => {
    const made = bulk();
    made.store.put('x', 'one').put('y', 'two');
    made.store.provider.fetchMany = async () => [{ data: 'one', version: '1' }, answer as SecretVersion];
    const outcomes = await Promise.all(['s:x', 's:y'].map((ref) => codeOf(made.secrets.getSecret(ref))));
    expect(outcomes).toEqual(['resolved', 'bad-response']);
  });

  it.each<[string, unknown]>([
    ['too few answers', [{ data: 'one', version: '1' }]],
    ['too many answers', Array.from({ length: 3 }, () => ({ data: 'one', version: '1' }))],
    ['no answer', []],
    ['nothing', undefined],
    ['null', null],
  ])('F21: %s fail all: which belongs to whom is not known', async (_, answers) => {
    const made = bulk();
    made.store.provider.fetchMany = async () => answers as SecretVersion[];
    const outcomes = await Promise.all(['s:x', 's:y'].map((ref) => codeOf(made.secrets.getSecret(ref))));
    expect(outcomes).toEqual(['bad-response', 'bad-response']);
    expect([made.secrets.peekSecret('s:x'), made.secrets.inventory()]).toEqual([undefined, []]);
  });

  it('F21: the leases of answers of which one is missing are given back', async () => {
    const made = bulk();
    const { store, secrets, clock } = made;
    store
      .dynamic('x', { ttlMs: 10 * MINUTE_MS })
      .dynamic('y', { ttlMs: 10 * MINUTE_MS })
      .put('z', 'three');
    const fetchMany = store.provider.fetchMany?.bind(store.provider);
    store.provider.fetchMany = async (refs, options) =>
      ((await fetchMany?.(refs, options)) ?? []).slice(0, 2);
    const all = Promise.all(['s:x', 's:y', 's:z'].map((ref) => codeOf(secrets.getSecret(ref))));
    expect(await all).toEqual(['bad-response', 'bad-response', 'bad-response']);
    await clock.settle();
    expect(store.leases).toHaveLength(2);
    expect(store.live()).toEqual([]);
  });

  it('F49: tells nothing of the values beside it', async () => {
    const made = bulk();
    made.store.put('x', 'hunter2').put('y', 'two');
    made.store.provider.fetchMany = async () => [{ data: 'hunter2', version: '1' }] as SecretVersion[];
    const error = await made.secrets.preload(['s:x', 's:y']).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SecretsError);
    expect(JSON.stringify(error) + String(error) + String((error as Error).stack)).not.toContain('hunter2');
  });
});

describe('a reader that leaves', () => {
  it('does not end the call that the others wait for', async () => {
    const made = bulk();
    const { store, secrets, clock } = made;
    store.put('x', 'one').put('y', 'two');
    store.latencyMs['fetch-many'] = 1_000;
    const controller = new AbortController();
    const leaving = codeOf(secrets.getSecret('s:x', { signal: controller.signal }));
    const staying = secrets.getSecret('s:y');
    await clock.advance(500);
    controller.abort();
    expect(await leaving).toBe('aborted');
    expect((await until(clock, staying)).reveal()).toBe('two');
    expect(reads(made)).toEqual(['fetch-many x,y']);
  });

  it('last of all ends the call, which nobody waits for', async () => {
    const made = bulk();
    const { store, secrets, clock } = made;
    store.put('x', 'one').put('y', 'two');
    store.hanging.add('fetch-many');
    let isAborted = false;
    const fetchMany = store.provider.fetchMany?.bind(store.provider);
    store.provider.fetchMany = (refs, options) => {
      options.signal.addEventListener('abort', () => (isAborted = true));
      return fetchMany?.(refs, options) ?? Promise.resolve([]);
    };
    const [one, other] = [new AbortController(), new AbortController()];
    const both = [
      codeOf(secrets.getSecret('s:x', { signal: one.signal })),
      codeOf(secrets.getSecret('s:y', { signal: other.signal })),
    ];
    await clock.settle();
    one.abort();
    await clock.settle();
    expect(isAborted).toBe(false);
    other.abort();
    expect(await Promise.all(both)).toEqual(['aborted', 'aborted']);
    expect(isAborted).toBe(true);
    store.heal();
    await clock.advance(MINUTE_MS);
    expect(reads(made)).toHaveLength(1);
  });

  it('in the same tick, alone, costs no call', async () => {
    const made = bulk();
    made.store.put('x', 'one').put('y', 'two');
    const controller = new AbortController();
    const both = ['s:x', 's:y'].map((ref) =>
      codeOf(made.secrets.getSecret(ref, { signal: controller.signal })),
    );
    controller.abort();
    expect(await Promise.all(both)).toEqual(['aborted', 'aborted']);
    await made.clock.advance(MINUTE_MS);
    expect(reads(made)).toEqual([]);
    expect((await made.secrets.getSecret('s:x')).reveal()).toBe('one');
  });

  it.each([
    ['while others stay', false],
    ['as the last', true],
  ])('%s gets nothing: the lease that comes for it is given back', async (_, all) => {
    const made = bulk();
    const { store, secrets, clock } = made;
    store.dynamic('x', { ttlMs: 10 * MINUTE_MS }).dynamic('y', { ttlMs: 10 * MINUTE_MS });
    store.latencyMs['fetch-many'] = 1_000;
    store.ignoresSignals = true;
    const controller = new AbortController();
    const { signal } = controller;
    ignored(secrets.getSecret('s:x', { signal }));
    ignored(secrets.getSecret('s:y', all ? { signal } : {}));
    await clock.advance(500);
    controller.abort();
    await clock.advance(MINUTE_MS);
    expect(store.leases).toHaveLength(2);
    expect(store.live().map(({ path }) => path)).toEqual(all ? [] : ['y']);
  });

  it('between the attempts of another gets the lease that had come for it given back', async () => {
    const made = bulk();
    const { store, secrets, clock } = made;
    store.dynamic('x', { ttlMs: 10 * MINUTE_MS }).put('y', 'two');
    store.failAt('y', failure('rate-limited', { retryAfterMs: 4_000 }));
    store.latencyMs['fetch-many'] = 1_000;
    const controller = new AbortController();
    const { signal } = controller;
    ignored(secrets.getSecret('s:x', { signal }));
    ignored(secrets.getSecret('s:y', { signal }));
    await clock.advance(1_500);
    controller.abort();
    await clock.advance(MINUTE_MS);
    expect(store.leases).toHaveLength(1);
    expect(secrets.peekSecret('s:x') === undefined ? store.live() : []).toEqual([]);
  });

  it('and asks again in the same tick has a lease that serves, and leaves none behind', async () => {
    const made = bulk();
    const { store, secrets, clock } = made;
    store.dynamic('x', { ttlMs: 10 * MINUTE_MS }).put('y', 'two');
    const controller = new AbortController();
    ignored(secrets.getSecret('s:x', { signal: controller.signal }));
    ignored(secrets.getSecret('s:y'));
    controller.abort();
    const { version } = await secrets.getSecret('s:x');
    await clock.advance(1_000);
    expect(secrets.peekSecret('s:x')?.version).toBe(version);
    expect(store.live().map((lease) => lease.version)).toEqual([version]);
  });

  it('last of all does not take with it who asks after that in the same tick', async () => {
    const made = bulk();
    made.store.put('x', 'one').put('y', 'two');
    const controller = new AbortController();
    const leaving = codeOf(made.secrets.getSecret('s:x', { signal: controller.signal }));
    controller.abort();
    const next = made.secrets.getSecret('s:y');
    expect([await leaving, (await next).reveal()]).toEqual(['aborted', 'two']);
    expect(reads(made)).toEqual(['fetch y']);
  });

  it('before the call is made is not asked for', async () => {
    const made = bulk();
    const { store, secrets, clock } = made;
    store.put('x', 'one').put('y', 'two').put('z', 'three');
    const controller = new AbortController();
    ignored(secrets.getSecret('s:x', { signal: controller.signal }));
    const staying = Promise.all(['s:y', 's:z'].map((ref) => secrets.getSecret(ref)));
    controller.abort();
    await until(clock, staying);
    expect(reads(made)).toEqual(['fetch-many y,z']);
  });

  it('between two attempts is not asked for again', async () => {
    const made = bulk();
    const { store, secrets, clock } = made;
    store.put('x', 'one').put('y', 'two');
    for (const path of ['x', 'y']) store.failAt(path, failure('rate-limited', { retryAfterMs: 2_000 }));
    const controller = new AbortController();
    ignored(secrets.getSecret('s:x', { signal: controller.signal }));
    const staying = secrets.getSecret('s:y');
    await clock.advance(500);
    controller.abort();
    expect((await until(clock, staying)).reveal()).toBe('two');
    expect(reads(made)).toEqual(['fetch-many x,y', 'fetch y']);
  });

  it('F46: is told that the secrets were closed when they were', async () => {
    const made = bulk();
    const { store, secrets, clock } = made;
    store.dynamic('x', { ttlMs: 10 * MINUTE_MS }).dynamic('y', { ttlMs: 10 * MINUTE_MS });
    store.latencyMs['fetch-many'] = 1_000;
    store.ignoresSignals = true;
    const both = ['s:x', 's:y'].map((ref) => codeOf(secrets.getSecret(ref)));
    await clock.advance(500);
    const closing = made.close();
    expect(await Promise.all(both)).toEqual(['closed', 'closed']);
    await closing;
    await clock.advance(MINUTE_MS);
    expect(store.live()).toEqual([]);
  });
});

describe('what was read with others', () => {
  it('is kept, renewed and revoked as what was read alone', async () => {
    const made = bulk({ session: { ttlMs: 30 * MINUTE_MS } });
    const { store, secrets, clock, of } = made;
    store.dynamic('x', { ttlMs: 10 * MINUTE_MS }).dynamic('y', { ttlMs: 10 * MINUTE_MS });
    await secrets.preload(['s:x', 's:y']);
    await clock.advance(60 * MINUTE_MS);
    expect([of('lease-expired'), of('refresh-failed'), store.count('fetch-many')]).toEqual([[], [], 1]);
    expect(store.live()).toHaveLength(2);
  });

  it('F35: is dated by when the call was sent, retries of others included', async () => {
    const made = bulk();
    const { store, secrets, clock } = made;
    store.dynamic('x', { ttlMs: 5_000 }).put('y', 'two');
    store.failAt('y', ...Array.from({ length: 3 }, () => failure('rate-limited', { retryAfterMs: 4_900 })));
    const sentWallMs = clock.wallMs();
    ignored(secrets.getSecret('s:y'));
    const secret = await until(clock, secrets.getSecret('s:x'));
    const lease = store.leaseOf(secret.version);
    expect(lease !== undefined && store.isLive(lease)).toBe(true);
    expect(secret.expiresAt?.getTime()).toBeGreaterThan(clock.wallMs());
    expect(secret.expiresAt?.getTime()).toBeLessThanOrEqual(sentWallMs + clock.monotonicMs() + 5_000);
  });

  it('stale is refreshed together, each told of its own failure', async () => {
    const made = bulk({ config: { cache: { ttl: '1m', maxStale: '1h' } } });
    const { store, secrets, clock, of } = made;
    store.put('x', 'one').put('y', 'two');
    await secrets.preload(['s:x', 's:y']);
    await clock.advance(2 * MINUTE_MS);
    store.put('x', 'three');
    store.deny('y');
    const [x, y] = await Promise.all(['s:x', 's:y'].map((ref) => secrets.getSecret(ref)));
    expect([x?.stale, y?.stale]).toEqual([true, true]);
    await clock.settle();
    expect(reads(made)).toEqual(['fetch-many x,y', 'fetch-many x,y']);
    expect(secrets.peekSecret('s:x')?.reveal()).toBe('three');
    expect(of('refresh-failed')).toMatchObject([{ ref: 's:y', code: 'permission-denied' }]);
    expect(await codeOf(secrets.getSecret('s:y'))).toBe('permission-denied');
  });

  it.each(['s:x', 's:x s:y'])(
    'stale (%s) is refreshed at the next address when the first is down',
    async (asked) => {
      const made = bulk({ addresses: ['a', 'b'], config: { cache: { ttl: '1m', maxStale: '1h' } } });
      const { store, secrets, clock, of } = made;
      const refs = asked.split(' ');
      store.put('x', 'one').put('y', 'two');
      await secrets.preload(refs);
      await clock.advance(2 * MINUTE_MS);
      store.put('x', 'three').put('y', 'four');
      store.downAt.set('a', failure('unavailable'));
      await secrets.preload(refs);
      await clock.settle();
      expect(secrets.peekSecret('s:x')?.reveal()).toBe('three');
      expect(of('refresh-failed')).toEqual([]);
      expect(store.calls.every(({ subject }) => subject !== '')).toBe(true);
    },
  );

  it('stale is refreshed at the next address when it alone failed at the first', async () => {
    const made = bulk({ addresses: ['a', 'b'], config: { cache: { ttl: '1m', maxStale: '1h' } } });
    const { store, secrets, clock, of } = made;
    store.put('x', 'one').put('y', 'two');
    await secrets.preload(['s:x', 's:y']);
    await clock.advance(2 * MINUTE_MS);
    store.put('x', 'three').put('y', 'four');
    store.failAt('y', failure('unavailable'));
    await secrets.preload(['s:x', 's:y']);
    await clock.settle();
    expect([secrets.peekSecret('s:x')?.reveal(), secrets.peekSecret('s:y')?.reveal()]).toEqual([
      'three',
      'four',
    ]);
    expect(of('refresh-failed')).toEqual([]);
  });

  it('in the background is told of its failure while a caller beside it is tried again', async () => {
    const made = bulk({ config: { cache: { ttl: '1m', maxStale: '1h' } } });
    const { store, secrets, clock, of } = made;
    store.put('x', 'one').put('y', 'two');
    await secrets.getSecret('s:x');
    await clock.advance(2 * MINUTE_MS);
    store.failNext('fetch-many', failure('rate-limited', { retryAfterMs: 3_000 }));
    const both = Promise.all(['s:x', 's:y'].map((ref) => secrets.getSecret(ref)));
    await clock.settle();
    expect(of('refresh-failed')).toMatchObject([{ ref: 's:x', code: 'rate-limited' }]);
    expect((await until(clock, both)).map((secret) => secret.reveal())).toEqual(['one', 'two']);
    expect(reads(made)).toEqual(['fetch x', 'fetch-many x,y', 'fetch y']);
  });

  it('never asks for nothing, whatever failed', async () => {
    const made = bulk({ addresses: ['a', 'b'], config: { cache: { ttl: '1m', maxStale: '1h' } } });
    const { store, secrets, clock } = made;
    store.put('x', 'one').put('y', 'two');
    await secrets.preload(['s:x', 's:y']);
    await clock.advance(2 * MINUTE_MS);
    store.goDown();
    await secrets.preload(['s:x', 's:y']);
    await clock.settle();
    expect(reads(made)).not.toContain('fetch-many ');
  });

  it('in the background is tried once, as what is read alone', async () => {
    const attempts = async (many: boolean) => {
      const { store, secrets, clock } = world({ many, config: { cache: { ttl: '1m', maxStale: '1h' } } });
      store.put('x', 'one');
      await secrets.getSecret('s:x');
      await clock.advance(2 * MINUTE_MS);
      store.goDown();
      expect((await secrets.getSecret('s:x')).stale).toBe(true);
      await clock.advance(MINUTE_MS);
      return store.count('fetch');
    };
    expect(await attempts(true)).toBe(await attempts(false));
  });
});

describe('a memory provider behind chaos', () => {
  it('F18: throttled as a whole, is asked again as a whole', async () => {
    const clock = fakeClock();
    const memory = memoryProvider({ clock });
    const chaos = chaosProvider(memory, { clock });
    const secrets = createSecrets({ providers: { s: chaos }, clock });
    memory.set('x', 'one');
    memory.set('y', 'two');
    chaos.failNext('rate-limited', 2, { retryAfterMs: 1_000 });
    await until(clock, secrets.preload(['s:x', 's:y']));
    expect(chaos.calls.map(({ method, subject }) => `${method} ${subject}`)).toEqual(
      Array.from({ length: 3 }, () => 'fetchMany x,y'),
    );
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(2_000);
    await until(clock, secrets.close());
  });
});
