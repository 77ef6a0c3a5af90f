import { rotating, type Secret, template } from '@keyturn/core';
import { describe, expect, it } from 'vitest';
import { recorder } from '../support/recorder.js';
import { failure } from '../support/store.js';
import { codeOf, until, world } from '../support/world.js';

const MINUTE_MS = 60_000;
const LEASE = { ttlMs: 10 * MINUTE_MS };

describe('a rotation', () => {
  it('proves the new, puts it in service, waits for the old to go, and only then revokes', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const pool = recorder();
    const consumption = secrets.consume('s:creds', pool);
    expect(store.calls).toEqual([]);
    await consumption.current();
    pool.hangs.add('adopt');
    const refreshed = await secrets.rotate('s:creds');
    await clock.advance(20_000);
    expect(pool.log).toEqual(['prepare v1', 'adopt v1', 'prepare v2', 'adopt v2']);
    expect(refreshed.version).toBe('v2');
    expect(store.live()).toHaveLength(2);
    pool.resume();
    await clock.settle();
    expect(store.live().map((lease) => lease.version)).toEqual(['v2']);
  });

  it('F31: a consumer that refuses keeps the old in service; the new is taken back and revoked', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', LEASE);
    const [pool, other] = [recorder(), recorder()];
    await secrets.consume('s:creds', pool).current();
    await secrets.consume('s:creds', other).current();
    pool.refuses.add('v2');
    await expect(secrets.rotate('s:creds')).rejects.toMatchObject({ code: 'invalid-value', ref: 's:creds' });
    await clock.settle();
    expect(other.log).toEqual(['prepare v1', 'adopt v1', 'prepare v2', 'discard v2']);
    expect(pool.adopted).toEqual(['v1']);
    expect(store.live().map((lease) => lease.version)).toEqual(['v1']);
    expect(secrets.peekSecret('s:creds')?.version).toBe('v1');
    expect(of('secret-rotated')).toEqual([]);
    expect((await secrets.rotate('s:creds')).version).toBe('v3');
  });

  it('F31: nobody is handed a version that a consumer has yet to prove, or has refused', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const pool = recorder();
    const url = template('{{username}}', 's:creds');
    const reads = () => ['s:creds', 's:creds#password', url].map((input) => secrets.getSecret(input));
    await secrets.consume('s:creds', pool).current();
    await secrets.consume(url, recorder()).current();
    await Promise.all(reads());
    pool.hangs.add('prepare');
    pool.refuses.add('v2');
    const refused = codeOf(secrets.rotate('s:creds'));
    await clock.advance(5_000);
    expect(new Set((await Promise.all(reads())).map((secret) => secret.version))).toEqual(new Set(['v1']));
    pool.resume();
    expect(await refused).toBe('invalid-value');
    expect(new Set((await Promise.all(reads())).map((secret) => secret.version))).toEqual(new Set(['v1']));
  });

  it('F31: in the background a refused version is tried again, later and later, until one works', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', { ...LEASE, renewable: false });
    const pool = recorder();
    await secrets.consume('s:creds', pool).current();
    for (let number = 2; number < 6; number++) pool.refuses.add(`v${number}`);
    await clock.advance(9.9 * MINUTE_MS);
    expect(pool.adopted).toEqual(['v1', 'v6']);
    expect(of('refresh-failed').map((event) => event.code)).toEqual(new Array(4).fill('invalid-value'));
    expect(store.live().map((lease) => lease.version)).toEqual(['v6']);
  });

  it('with nothing else to serve, a version is published to those that can use it', async () => {
    const { store, secrets } = world();
    store.dynamic('creds', LEASE);
    const [pool, other] = [recorder(), recorder()];
    pool.refuses.add('v1');
    const consumption = secrets.consume('s:creds', pool);
    secrets.consume('s:creds', other);
    await expect(consumption.current()).rejects.toThrow('the database says no');
    expect(other.adopted).toEqual(['v1']);
    expect(pool.adopted).toEqual([]);
    pool.refuses.clear();
    expect((await consumption.current()).version).toBe('v1');
    expect(pool.adopted).toEqual(['v1']);
  });

  it('a proof that takes too long counts as a refusal that names the setting, and is discarded when it comes', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const pool = recorder();
    await secrets.consume('s:creds', pool).current();
    pool.hangs.add('prepare');
    const refused = expect(secrets.rotate('s:creds')).rejects.toThrow(
      /invalid-value.*rotation\.proofTimeout/,
    );
    await clock.advance(10_000);
    await refused;
    expect(pool.log.slice(2)).toEqual(['prepare v2', 'cut prepare v2']);
    pool.resume();
    await clock.settle();
    expect(pool.log.at(-1)).toBe('discard v2');
    expect(store.live().map((lease) => lease.version)).toEqual(['v1']);
  });

  it('F50: one proof that never ends does not keep the consumer from the next version', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const pool = recorder();
    await secrets.consume('s:creds', pool).current();
    pool.hangs.add('prepare');
    const refused = codeOf(secrets.rotate('s:creds'));
    await clock.advance(10_000);
    expect(await refused).toBe('invalid-value');
    pool.hangs.clear();
    expect((await secrets.rotate('s:creds')).version).toBe('v3');
    expect(pool.adopted).toEqual(['v1', 'v3']);
  });

  it('F50: a discard that hangs or fails holds up no later load, and the refused lease is revoked all the same', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const [pool, other] = [recorder(), recorder()];
    await secrets.consume('s:creds', pool).current();
    await secrets
      .consume('s:creds', {
        ...other,
        discard: () => Promise.reject(new Error('cannot close')),
        adopt: other.adopt,
      })
      .current();
    const hanging = recorder();
    await secrets.consume('s:creds', hanging).current();
    hanging.hangs.add('discard');
    pool.refuses.add('v2');
    expect(await codeOf(secrets.rotate('s:creds'))).toBe('invalid-value');
    expect((await secrets.rotate('s:creds')).version).toBe('v3');
    await clock.advance(31_000);
    expect(store.live().map((lease) => lease.version)).toEqual(['v3']);
  });

  it('F32: a consumer that never lets go is cut off at the drain deadline, and the old lease is revoked', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', LEASE);
    const pool = recorder();
    await secrets.consume('s:creds', pool).current();
    pool.hangs.add('adopt');
    await secrets.rotate('s:creds');
    await clock.advance(29_999);
    expect(store.live()).toHaveLength(2);
    await clock.advance(1);
    expect(pool.log.at(-1)).toBe('cut adopt v2');
    expect(of('secret-drained')).toEqual([{ ref: 's:creds', version: 'v1', inTime: false }]);
    expect(store.live().map((lease) => lease.version)).toEqual(['v2']);
  });

  it('F32: a drain does not outlast what is left of the old lease', async () => {
    const { store, secrets, clock, of } = world();
    store.dynamic('creds', { ttlMs: 20_000, renewable: false });
    const pool = recorder();
    await secrets.consume('s:creds', pool).current();
    pool.hangs.add('adopt');
    await clock.advance(20_000);
    expect(of('secret-drained')).toEqual([{ ref: 's:creds', version: 'v1', inTime: false }]);
    expect(store.leaseOf('v1')?.revokedMs).toBeLessThanOrEqual(20_000);
    pool.resume();
  });

  it('F50: a consumer that throws in adopt holds up nothing', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const other = recorder();
    await secrets
      .consume('s:creds', {
        adopt: () => {
          throw new Error('broken');
        },
      })
      .current();
    await secrets.consume('s:creds', other).current();
    await secrets.rotate('s:creds');
    await clock.settle();
    expect(other.adopted).toEqual(['v1', 'v2']);
    expect(store.live()).toHaveLength(1);
  });

  it('a version that lacks what a consumer asked for keeps the old, and stays found for everybody else', async () => {
    const { store, secrets, clock, of } = world();
    store.put('app', { user: 'a', password: 'b' });
    const seen: string[] = [];
    secrets.watch('s:app#password', (secret) => void seen.push(secret.reveal()));
    await secrets.ready();
    store.put('app', { user: 'a2' });
    await clock.advance(5 * MINUTE_MS);
    expect(of('refresh-failed')[0]).toMatchObject({ ref: 's:app', code: 'invalid-value' });
    expect(of('refresh-failed')[0]?.error.message).toContain('no field "password"');
    await clock.advance(10 * MINUTE_MS);
    expect((await secrets.getSecret('s:app#password')).reveal()).toBe('b');
    expect((await secrets.getSecret('s:app#user')).reveal()).toBe('a');
    store.put('app', { user: 'a3', password: 'b3' });
    await clock.advance(MINUTE_MS);
    expect(seen).toEqual(['b', 'b3']);
  });

  it('F25: reveals user and password of one version to everybody, at any moment', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', { ttlMs: 20_000, renewable: false });
    store.latencyMs.fetch = 700;
    const slow = { prepare: () => clock.sleep(300), adopt: () => clock.sleep(900) };
    const ready = secrets.consume('s:creds', slow).current();
    await until(clock, ready);
    for (let turn = 0; turn < 600; turn++) {
      await clock.advance(97);
      for (const secret of [secrets.peekSecret('s:creds')]) {
        const { username, password } = secret?.revealFields() ?? {};
        expect(username?.split('-').at(-1)).toBe(password?.split('-').at(-1));
      }
    }
    expect(store.leases.length).toBeGreaterThan(3);
  });

  it('more than ten consumers and more than ten drains at once raise no warning', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on('warning', warn);
    const { store, secrets, clock } = world();
    const pools = Array.from({ length: 15 }, (_, number) => {
      const pool = recorder();
      store.dynamic(`creds-${number}`, LEASE);
      secrets.consume(`s:creds-${number}`, pool);
      return pool;
    });
    for (let copy = 0; copy < 15; copy++) secrets.consume('s:creds-0', recorder());
    await secrets.ready();
    for (const pool of pools) pool.hangs.add('adopt');
    await Promise.all(pools.map((_, number) => secrets.rotate(`s:creds-${number}`)));
    await clock.advance(31_000);
    process.off('warning', warn);
    expect(warnings.map(({ message }) => message)).toEqual([]);
  });
});

describe('a consumer', () => {
  it('that comes late gets the version in service, and the next with everybody else', async () => {
    const { store, secrets } = world();
    store.dynamic('creds', LEASE);
    await secrets.getSecret('s:creds');
    await secrets.rotate('s:creds');
    const late = recorder();
    expect((await secrets.consume('s:creds', late).current()).version).toBe('v2');
    await secrets.rotate('s:creds');
    expect(late.log).toEqual(['prepare v2', 'adopt v2', 'prepare v3', 'adopt v3']);
  });

  it('that comes while a version is being proven ends up at the one in service', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const [pool, late] = [recorder(), recorder()];
    await secrets.consume('s:creds', pool).current();
    pool.hangs.add('prepare');
    const refreshed = secrets.rotate('s:creds');
    await clock.settle();
    late.hangs.add('prepare');
    const current = secrets.consume('s:creds', late).current();
    await clock.settle();
    pool.resume();
    await refreshed;
    late.resume();
    await current;
    await clock.settle();
    expect(late.adopted.at(-1)).toBe('v2');
    expect(late.log).toContain('discard v1');
    expect(store.live().map((lease) => lease.version)).toEqual(['v2']);
  });

  it('that was brought to the old version just before a publication follows at once, and holds the old until then', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const [pool, late] = [recorder(), recorder()];
    await secrets.consume('s:creds', pool).current();
    pool.hangs.add('prepare');
    const refreshed = secrets.rotate('s:creds');
    await clock.settle();
    await secrets.consume('s:creds', late).current();
    expect(late.adopted).toEqual(['v1']);
    late.hangs.add('adopt');
    pool.resume();
    await refreshed;
    await clock.advance(1_000);
    expect(late.adopted).toEqual(['v1', 'v2']);
    expect(store.live()).toHaveLength(2);
    late.resume();
    await clock.settle();
    expect(store.live().map((lease) => lease.version)).toEqual(['v2']);
  });

  it('is never brought back to an older version', async () => {
    for (const [proofMs, otherMs] of [
      [10, 20],
      [20, 10],
      [50, 49],
      [1, 100],
    ] as const) {
      const { store, secrets, clock } = world();
      store.dynamic('creds', LEASE);
      const numbers: number[] = [];
      const consumer = {
        prepare: () => clock.sleep(proofMs),
        adopt: (secret: Secret) => void numbers.push(Number(secret.version.slice(1))),
      };
      const consumption = secrets.consume('s:creds', consumer);
      secrets.consume('s:creds', { prepare: () => clock.sleep(otherMs), adopt: () => {} });
      for (let turn = 0; turn < 60; turn++) {
        const asked = [
          consumption.current(),
          turn % 3 === 0 ? secrets.rotate('s:creds') : consumption.current(),
        ];
        await clock.advance((turn * 7) % 31);
        asked.push(consumption.current());
        await until(clock, Promise.all(asked));
      }
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    }
  });

  it('that leaves is told nothing more; what it proved meanwhile is taken back', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const [pool, other] = [recorder(), recorder()];
    const consumption = secrets.consume('s:creds', pool);
    await consumption.current();
    await secrets.consume('s:creds', other).current();
    pool.hangs.add('prepare');
    const refreshed = secrets.rotate('s:creds');
    await clock.settle();
    consumption.close();
    pool.resume();
    await refreshed;
    await clock.settle();
    expect(pool.log).toEqual(['prepare v1', 'adopt v1', 'prepare v2', 'discard v2']);
    expect(other.adopted).toEqual(['v1', 'v2']);
    await expect(consumption.current()).rejects.toMatchObject({ code: 'closed' });
    await expect(consumption.replace('v2')).rejects.toMatchObject({ code: 'closed' });
  });

  it('that leaves while it refuses does not hold the version back', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const pool = recorder();
    const consumption = secrets.consume('s:creds', pool);
    await consumption.current();
    pool.refuses.add('v2');
    pool.hangs.add('prepare');
    const refreshed = secrets.rotate('s:creds');
    await clock.settle();
    consumption.close();
    pool.resume();
    expect((await refreshed).version).toBe('v2');
  });

  it('that is the only one and leaves while the first version is proven does not make its lease go astray', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const pool = recorder();
    pool.hangs.add('prepare');
    const consumption = secrets.consume('s:creds', pool);
    const current = codeOf(consumption.current());
    await clock.settle();
    consumption.close();
    pool.resume();
    await current;
    await clock.advance(10 * MINUTE_MS);
    expect(store.count('renew')).toBe(1);
    expect(secrets.inventory()).toMatchObject([{ ref: 's:creds', consumers: { total: 0 } }]);
  });

  it('that joins and leaves again and again does not make a waiting renewal come sooner', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    await secrets.getSecret('s:creds');
    await clock.advance(6 * MINUTE_MS);
    store.goDown();
    await clock.advance(MINUTE_MS);
    const before = store.count('renew');
    for (let turn = 0; turn < 100; turn++) secrets.watch('s:creds', () => {})();
    await clock.settle();
    expect(store.count('renew')).toBe(before);
    store.heal();
  });

  it('F34: that slept through its lease is served by one fetch when a burst comes', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const pool = recorder();
    const consumption = secrets.consume('s:creds', pool);
    await consumption.current();
    await clock.freeze(60 * MINUTE_MS);
    const burst = await until(clock, Promise.all(Array.from({ length: 500 }, () => consumption.current())));
    expect(new Set(burst.map((secret) => secret.version))).toEqual(new Set(['v2']));
    expect(store.count('fetch')).toBe(2);
    expect(pool.adopted).toEqual(['v1', 'v2']);
  });

  it('of a secret that was gone and came back as it was is not told of it twice', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'one', '1');
    const pool = recorder();
    await secrets.consume('s:app', pool).current();
    store.delete('app');
    await clock.advance(30 * MINUTE_MS);
    expect(secrets.peekSecret('s:app')).toBeUndefined();
    store.put('app', 'one', '1');
    await clock.advance(2 * MINUTE_MS);
    expect(secrets.peekSecret('s:app')?.reveal()).toBe('one');
    expect(pool.adopted).toEqual(['1']);
  });
});

describe('a version that the backend refuses', () => {
  it('is replaced once for all that say so', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    store.latencyMs.fetch = 100;
    const consumption = secrets.consume('s:creds', recorder());
    await until(clock, consumption.current());
    const replaced = await until(
      clock,
      Promise.all(Array.from({ length: 100 }, () => consumption.replace('v1'))),
    );
    expect(new Set(replaced.map((secret) => secret.version))).toEqual(new Set(['v2']));
    expect(store.count('fetch')).toBe(2);
    expect((await consumption.replace('v1')).version).toBe('v2');
    expect(store.count('fetch')).toBe(2);
  });

  it('is replaced five times in ten seconds at most, when the backend refuses all', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const consumption = secrets.consume('s:creds', recorder());
    let { version } = await consumption.current();
    for (let turn = 0; turn < 6_000; turn++) {
      version = (await consumption.replace(version)).version;
      await clock.advance(10);
    }
    expect(store.count('fetch')).toBeLessThanOrEqual(1 + 5 * 7);
    expect(store.live()).toHaveLength(1);
  });

  it('is followed by a third at once when its successor was revoked on the way, too', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    store.latencyMs.fetch = 100;
    const pool = recorder();
    const consumption = secrets.consume('s:creds', pool);
    await until(clock, consumption.current());
    pool.refuses.add('v2');
    const beganMs = clock.monotonicMs();
    const replaced = await until(
      clock,
      Promise.all(Array.from({ length: 100 }, () => consumption.replace('v1'))),
    );
    expect(new Set(replaced.map((secret) => secret.version))).toEqual(new Set(['v3']));
    expect(clock.monotonicMs() - beganMs).toBeLessThan(500);
    expect(store.count('fetch')).toBe(3);
  });

  it('costs two leases at most each time when no successor can be proven', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const pool = recorder();
    const consumption = secrets.consume('s:creds', pool);
    await consumption.current();
    for (const version of ['v2', 'v3', 'v4', 'v5']) pool.refuses.add(version);
    const outcomes = await until(
      clock,
      Promise.all(Array.from({ length: 100 }, () => codeOf(consumption.replace('v1')))),
    );
    expect(new Set(outcomes)).toEqual(new Set(['invalid-value']));
    expect(store.count('fetch')).toBe(3);
  });

  it('that is a value without a lease costs no flood of reads either', async () => {
    const { store, secrets } = world();
    store.put('app', 'wrong');
    const consumption = secrets.consume('s:app', recorder());
    const { version } = await consumption.current();
    for (let turn = 0; turn < 1_000; turn++) await consumption.replace(version);
    expect(store.count('fetch')).toBeLessThanOrEqual(6);
  });

  it('while the store is down keeps the old, and the failure answers for a while', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const consumption = secrets.consume('s:creds', recorder());
    await consumption.current();
    store.goDown();
    expect(await until(clock, codeOf(consumption.replace('v1')))).toBe('unavailable');
    const before = store.count('fetch');
    for (let turn = 0; turn < 100; turn++)
      expect(await codeOf(consumption.replace('v1'))).toBe('unavailable');
    expect(store.count('fetch')).toBe(before);
    expect((await consumption.current()).version).toBe('v1');
    store.heal();
  });

  it('F27: whose replacement is not there yet is asked for again', async () => {
    const { store, secrets, clock } = world();
    store.put('app', 'old', '1');
    const consumption = secrets.consume('s:app', recorder());
    await consumption.current();
    expect((await consumption.replace('1')).reveal()).toBe('old');
    store.put('app', 'new', '2');
    await clock.advance(1_000);
    expect((await consumption.replace('1')).reveal()).toBe('new');
  });
});

describe('rotating', () => {
  /** Resources that say what happened to them. */
  function pools() {
    const log: string[] = [];
    const refused = new Set<string>();
    let lettingGo: Promise<void> = Promise.resolve();
    return {
      log,
      refused,
      holdOn(promise: Promise<void>) {
        lettingGo = promise;
      },
      options: {
        async open(secret: Secret) {
          log.push(`open ${secret.version}`);
          if (refused.has(secret.version)) throw new Error('28P01');
          return { version: secret.version };
        },
        async close(pool: { version: string }, signal: AbortSignal) {
          log.push(`close ${pool.version}${signal.aborted ? ' at once' : ''}`);
          await lettingGo;
        },
      },
    };
  }

  it('opens the new, swaps, closes the old, each once', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const { log, options } = pools();
    const pool = rotating(secrets, 's:creds', options);
    expect(pool.peek()).toBeUndefined();
    expect((await pool.current()).version).toBe('v1');
    await secrets.rotate('s:creds');
    expect(pool.peek()?.version).toBe('v2');
    await pool.close();
    await pool.close();
    await clock.settle();
    expect(log).toEqual(['open v1', 'open v2', 'close v1', 'close v2']);
    await expect(pool.current()).rejects.toMatchObject({ code: 'closed' });
  });

  it('F31: a bad new credential keeps the old pool', async () => {
    const { store, secrets } = world();
    store.dynamic('creds', LEASE);
    const { log, options, refused } = pools();
    const pool = rotating(secrets, 's:creds', options);
    const first = await pool.current();
    refused.add('v2').add('v3');
    expect(await codeOf(pool.replace(first))).toBe('invalid-value');
    expect(await pool.current()).toBe(first);
    expect(log).toEqual(['open v1', 'open v2', 'open v3']);
  });

  it('F31: what it opened for a version that another refuses is closed at once', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const { log, options } = pools();
    const pool = rotating(secrets, 's:creds', options);
    const first = await pool.current();
    const other = recorder();
    await secrets.consume('s:creds', other).current();
    other.refuses.add('v2');
    expect(await codeOf(secrets.rotate('s:creds'))).toBe('invalid-value');
    await clock.settle();
    expect(log).toEqual(['open v1', 'open v2', 'close v2 at once']);
    expect(await pool.current()).toBe(first);
  });

  it('replaces what the backend refuses, once for all', async () => {
    const { store, secrets } = world();
    store.dynamic('creds', LEASE);
    const { log, options } = pools();
    const pool = rotating(secrets, 's:creds', options);
    const first = await pool.current();
    const replaced = await Promise.all(Array.from({ length: 50 }, () => pool.replace(first)));
    expect(new Set(replaced.map(({ version }) => version))).toEqual(new Set(['v2']));
    expect(await pool.replace(first)).toBe(replaced[0]);
    expect(await pool.replace({ version: 'not of ours' })).toBe(replaced[0]);
    expect(log).toEqual(['open v1', 'open v2', 'close v1']);
  });

  it.each([0, 1, 2, 3, 5, 8, 13])(
    'closed in the middle of a rotation (after %d ms) it closes everything that it opened, once',
    async (afterMs) => {
      const { store, secrets, clock } = world();
      store.dynamic('creds', LEASE);
      const { log, options } = pools();
      const open = options.open;
      options.open = async (secret) => {
        await clock.sleep(5);
        return open(secret);
      };
      store.latencyMs.fetch = 5;
      const pool = rotating(secrets, 's:creds', options);
      secrets.watch('s:creds', () => {});
      await until(clock, pool.current());
      const refreshed = codeOf(secrets.rotate('s:creds'));
      await clock.advance(afterMs);
      await until(clock, pool.close());
      await until(clock, refreshed);
      await clock.advance(100);
      const opened = log.filter((line) => line.startsWith('open')).map((line) => line.slice(5));
      const closed = log.filter((line) => line.startsWith('close')).map((line) => line.split(' ')[1]);
      expect(closed.sort()).toEqual(opened.sort());
    },
  );

  it.each([0, 3, 6, 9, 12])(
    'when the source closes in the middle of its first use (after %d ms), nothing stays open',
    async (afterMs) => {
      const { store, secrets, clock, close } = world();
      store.dynamic('creds', LEASE);
      const { log, options } = pools();
      const open = options.open;
      options.open = async (secret) => {
        await clock.sleep(5);
        return open(secret);
      };
      store.latencyMs.fetch = 5;
      const pool = rotating(secrets, 's:creds', options);
      const current = codeOf(pool.current());
      await clock.advance(afterMs);
      await close();
      expect(await current).toMatch(/closed|resolved/);
      await clock.advance(1_000);
      const opened = log.filter((line) => line.startsWith('open')).map((line) => line.slice(5));
      const closed = log.filter((line) => line.startsWith('close')).map((line) => line.split(' ')[1]);
      expect(closed.sort()).toEqual(opened.sort());
    },
  );

  it('first failing, then working: each use tries again', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    store.goDown();
    const { options } = pools();
    const pool = rotating(secrets, 's:creds', options);
    expect(await until(clock, codeOf(pool.current()))).toBe('unavailable');
    store.heal();
    await clock.advance(1_000);
    expect((await pool.current()).version).toBe('v1');
  });

  it('serves on through an outage until the end of its lease, then waits', async () => {
    const { store, secrets, clock } = world();
    store.dynamic('creds', LEASE);
    const { options } = pools();
    const pool = rotating(secrets, 's:creds', options);
    await pool.current();
    store.goDown(failure('timeout'));
    await clock.advance(9.9 * MINUTE_MS);
    expect((await pool.current()).version).toBe('v1');
    await clock.advance(MINUTE_MS);
    expect(await until(clock, codeOf(pool.current()))).toMatch(/timeout|circuit-open/);
    store.heal();
    await clock.advance(2 * MINUTE_MS);
    expect(pool.peek()?.version).toBe('v2');
  });
});
