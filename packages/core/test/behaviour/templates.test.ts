import { rotating, template } from '@keyturn/core';
import { describe, expect, it } from 'vitest';
import { CANARY } from '../support/store.js';
import { codeOf, until, world } from '../support/world.js';

/** Over a leased secret, a plain one, and a field of another. */
function joined() {
  const made = world();
  const { store } = made;
  store.dynamic('creds', { ttlMs: 60_000, renewable: false });
  store.put('app', { host: 'h1' });
  store.put('stripe', { key: 'sk-1', other: 'x' });
  const input = template('db://{{db.username}}:{{db.password}}@{{app.host}}/?k={{key}}', {
    db: 's:creds',
    app: 's:app',
    key: 's:stripe#key',
  });
  /** The text as it must be for the `n`th credential. */
  const text = (n: number, host = 'h1', key = 'sk-1') => `db://user-${n}:${CANARY}-${n}@${host}/?k=${key}`;
  /** The number of the credential that the store made last. */
  const last = () => Number(store.leases.at(-1)?.version.slice(1));
  return { ...made, input, text, last };
}

describe('a template over several secrets', () => {
  it('is one secret, of all their versions', async () => {
    const { secrets, input, store, text, last } = joined();
    const secret = await secrets.getSecret(input);
    expect(secret.reveal()).toBe(text(last()));
    expect(secret.version.split('+')).toHaveLength(3);
    expect(String(secret)).toMatch(/^Secret\(template\(s:creds, s:app, s:stripe\), /);
    expect(await secrets.getSecret(input)).toBe(secret);
    expect(secrets.peekSecret(input)).toBe(secret);
    expect(store.count('fetch')).toBe(3);
  });

  it('ends when the first of its parts ends, and changes when any part does', async () => {
    const { secrets, input, store, clock, text, last } = joined();
    const secret = await secrets.getSecret(input);
    expect(secret.expiresAt).toEqual((await secrets.getSecret('s:creds')).expiresAt);
    store.put('stripe', { key: 'sk-2' });
    await secrets.rotate('s:stripe');
    const next = await secrets.getSecret(input);
    expect(next.reveal()).toBe(text(last(), 'h1', 'sk-2'));
    expect(next.version).not.toBe(secret.version);
    await clock.freeze(3_600_000);
    const later = await until(clock, secrets.getSecret(input));
    expect(later.reveal()).toBe(text(last(), 'h1', 'sk-2'));
    expect(later.version).not.toBe(next.version);
  });

  it('takes two fields of one secret from one version', async () => {
    const { secrets, store, last } = joined();
    const pair = template('{{user}}:{{pass}}', { user: 's:creds#username', pass: 's:creds#password' });
    expect((await secrets.getSecret(pair)).reveal()).toBe(`user-${last()}:${CANARY}-${last()}`);
    await secrets.rotate(pair);
    expect((await secrets.getSecret(pair)).reveal()).toBe(`user-${last()}:${CANARY}-${last()}`);
    expect(store.count('fetch')).toBe(2);
  });

  it('is stale when a part is, and says why', async () => {
    const { secrets, store, clock } = joined();
    const both = template('{{app.host}} {{key}}', { app: 's:app', key: 's:stripe#key' });
    await secrets.getSecret(both);
    await clock.advance(200_000);
    await secrets.rotate('s:stripe');
    await clock.advance(101_000);
    store.goDown();
    await until(clock, secrets.getSecret(both));
    await clock.settle();
    const secret = await secrets.getSecret(both);
    expect(secret).toMatchObject({ stale: true, staleReason: 'unavailable', ageMs: 301_000 });
    expect((await secrets.getSecret('s:stripe')).stale).toBe(false);
  });

  it('fails with the part that fails, and names it', async () => {
    const { secrets, store } = joined();
    store.deny('app');
    const both = template('{{a.host}}{{k}}', { a: 's:app', k: 's:stripe#key' });
    await expect(secrets.getSecret(both)).rejects.toMatchObject({ code: 'permission-denied', ref: 's:app' });
    const lacks = template('{{a.nothing}}{{k}}', { a: 's:stripe', k: 's:stripe#key' });
    await expect(secrets.getSecret(lacks)).rejects.toMatchObject({ code: 'not-found', ref: 's:stripe' });
  });

  it('never serves a part that ended while another was fetched', async () => {
    const { secrets, input, store, clock, last } = joined();
    await secrets.getSecret('s:creds');
    store.put('app', { host: 'h1' });
    store.latencyMs.fetch = 8_000;
    await clock.freeze(50_000);
    const asked = secrets.getSecret(input);
    store.latencyMs.fetch = 0;
    const secret = await until(clock, asked);
    expect(store.leases).toHaveLength(2);
    expect(secret.reveal()).toContain(`user-${last()}:`);
    expect(store.leases.at(-1)?.endMs).toBeGreaterThan(store.nowMs);
  });

  it('keeps no more derived values than it has versions in service', async () => {
    const added = new Set<string>();
    const redactor = {
      add: (value: Uint8Array) => void added.add(Buffer.from(value).toString()),
      retire: (value: Uint8Array) => void added.delete(Buffer.from(value).toString()),
    };
    const { secrets, store, clock } = world({ config: { redactor } });
    store.dynamic('creds', { ttlMs: 60_000 }).put('app', { host: 'h' });
    const input = template('x://{{db.password}}@{{app.host}}', { db: 's:creds', app: 's:app' });
    for (let turn = 0; turn < 20; turn++) {
      await secrets.getSecret(input);
      await secrets.rotate('s:creds');
      await clock.settle();
    }
    await secrets.getSecret(input);
    expect([...added].filter((value) => value.startsWith('x://'))).toHaveLength(1);
  });
});

describe('a consumer of a template over several secrets', () => {
  it('hears of each combination once, the last one last', async () => {
    const { secrets, input, store, clock, text, last } = joined();
    const seen: string[] = [];
    const stop = secrets.watch(input, (secret) => void seen.push(secret.reveal()));
    await clock.settle();
    expect(seen).toEqual([text(last())]);
    store.put('stripe', { key: 'sk-2' });
    await Promise.all([secrets.rotate('s:stripe'), secrets.rotate('s:creds')]);
    await clock.settle();
    expect(seen.at(-1)).toBe(text(last(), 'h1', 'sk-2'));
    expect(new Set(seen).size).toBe(seen.length);
    stop();
    const heard = seen.length;
    await secrets.rotate('s:creds');
    expect(seen).toHaveLength(heard);
  });

  it('proves the new version of a part before it is in service; a refusal keeps the old one', async () => {
    const { secrets, input, store, clock, text, last } = joined();
    const adopted: string[] = [];
    let refuses = false;
    const consumption = secrets.consume(input, {
      prepare: async () => {
        if (refuses) throw new Error('refused');
      },
      adopt: (next) => void adopted.push(next.reveal()),
    });
    await consumption.current();
    const first = last();
    refuses = true;
    expect(await codeOf(secrets.rotate('s:creds'))).toBe('invalid-value');
    await clock.settle();
    expect((await secrets.getSecret(input)).reveal()).toBe(text(first));
    expect(adopted).toEqual([text(first)]);
    expect(store.live()).toHaveLength(1);
    refuses = false;
    await secrets.rotate('s:creds');
    await clock.settle();
    expect(adopted.at(-1)).toBe(text(last()));
    expect(store.live().map(({ version }) => version)).toEqual([`v${last()}`]);
    consumption.close();
  });

  it('F30: keeps the lease of a part until the consumer has let go of it', async () => {
    const { secrets, input, store, clock, text, last } = joined();
    let letGo: () => void = () => {};
    const consumption = secrets.consume(input, {
      adopt: () =>
        new Promise<void>((resolve) => {
          letGo = resolve;
        }),
    });
    await consumption.current();
    await secrets.rotate('s:creds');
    await clock.settle();
    expect(store.live()).toHaveLength(2);
    expect((await consumption.current()).reveal()).toBe(text(last()));
    letGo();
    await clock.settle();
    expect(store.live()).toHaveLength(1);
    consumption.close();
  });

  it('replaces its parts when its backend refuses it, once for all that say so', async () => {
    const { secrets, input, store, text, last } = joined();
    const consumption = secrets.consume(input, { adopt: () => {} });
    const { version } = await consumption.current();
    const replaced = await Promise.all([consumption.replace(version), consumption.replace(version)]);
    expect(replaced.map((secret) => secret.reveal())).toEqual([text(last()), text(last())]);
    expect((await consumption.replace(version)).reveal()).toBe(text(last()));
    expect(store.leases).toHaveLength(2);
    consumption.close();
  });

  it('whatever rotates while it proves, ends at what is in service, and lets go of all else', async () => {
    const { secrets, input, store, clock, text, last } = joined();
    const open = new Set<string>();
    let adopted = '';
    const consumption = secrets.consume(input, {
      prepare: async (next) => {
        await clock.sleep(100);
        open.add(next.version);
      },
      discard: (next) => void open.delete(next.version),
      adopt: (next) => {
        open.delete(adopted);
        adopted = next.version;
      },
    });
    await until(clock, consumption.current());
    for (let turn = 2; turn < 8; turn++) {
      store.put('stripe', { key: `sk-${turn}` });
      store.put('app', { host: `h${turn}` });
      const rotations: Promise<unknown>[] = [];
      for (const ref of ['s:stripe', 's:creds', 's:app']) {
        rotations.push(secrets.rotate(ref));
        await clock.advance(turn * 10);
      }
      await until(clock, Promise.all(rotations));
      await clock.advance(500);
      const inService = await secrets.getSecret(input);
      expect(adopted).toBe(inService.version);
      expect([...open]).toEqual([adopted]);
      expect(inService.reveal()).toBe(text(last(), `h${turn}`, `sk-${turn}`));
      expect(store.live()).toHaveLength(1);
    }
    consumption.close();
  });

  it('comes back when the leases of all its parts have ended at once', async () => {
    const { secrets, store, clock } = world();
    store.dynamic('a', { ttlMs: 600_000 }).dynamic('b', { ttlMs: 600_000 });
    const input = template('{{a.username}}|{{b.username}}', { a: 's:a', b: 's:b' });
    const isLive = (version: string) =>
      version.split('+').every((part) => {
        const lease = store.leaseOf(part);
        return lease !== undefined && store.isLive(lease);
      });
    const pool = rotating(secrets, input, {
      open: async (secret) => {
        if (!isLive(secret.version)) throw new Error('refused');
        return { version: secret.version };
      },
      close: () => {},
    });
    await pool.current();
    await clock.freeze(3_600_000);
    const { version } = await until(clock, pool.current());
    expect(isLive(version)).toBe(true);
    for (const lease of store.live()) store.revokeFromOutside(lease.version);
    const replaced = await until(clock, pool.replace(await pool.current()));
    expect(isLive(replaced.version)).toBe(true);
    await until(clock, pool.close());
  });

  it('that cannot adopt what rotated meanwhile is brought to it later, and says so', async () => {
    const { secrets, input, store, clock, of, text, last } = joined();
    let adopted = '';
    const refused = new Set<string>();
    let proofMs = 0;
    const consumption = secrets.consume(input, {
      prepare: async (next) => {
        if (proofMs > 0) await clock.sleep(proofMs);
        // What neither of the two rotations proved by itself fails the first time.
        const both = next.reveal() === text(last(), 'h2');
        if (both && !refused.has('once')) {
          refused.add('once');
          throw new Error('refused');
        }
      },
      adopt: (next) => {
        adopted = next.reveal();
      },
    });
    await consumption.current();
    store.put('app', { host: 'h2' });
    proofMs = 100;
    const rotations = Promise.all([secrets.rotate('s:creds'), secrets.rotate('s:app')]);
    await until(clock, rotations);
    await clock.settle();
    expect(adopted).not.toBe(text(last(), 'h2'));
    const inUse = `v${/user-(\d+)/.exec(adopted)?.[1]}`;
    expect(store.live().map(({ version }) => version)).toContain(inUse);
    await clock.advance(5_000);
    expect(adopted).toBe(text(last(), 'h2'));
    expect(of('refresh-failed')).not.toEqual([]);
    expect(store.live()).toHaveLength(1);
    consumption.close();
  });

  it('that has left adopts nothing any more, and gives back what it proves then', async () => {
    const { secrets, input, store, clock } = joined();
    const log: string[] = [];
    let proofMs = 0;
    const consumption = secrets.consume(input, {
      prepare: async () => {
        if (proofMs > 0) await clock.sleep(proofMs);
        log.push('proven');
      },
      discard: () => void log.push('discarded'),
      adopt: () => void log.push('adopted'),
    });
    await consumption.current();
    proofMs = 1_000;
    store.put('app', { host: 'h2' });
    const rotations = [secrets.rotate('s:creds'), secrets.rotate('s:app')];
    await clock.advance(500);
    consumption.close();
    await until(clock, Promise.all(rotations));
    await clock.advance(10_000);
    expect(log.filter((entry) => entry === 'adopted')).toHaveLength(1);
    expect(log.filter((entry) => entry === 'discarded')).toHaveLength(
      log.filter((entry) => entry === 'proven').length - 1,
    );
  });
});

describe('a template over several secrets that are not kept', () => {
  it.each([{ ttl: 0, maxStale: 0 }, { ttl: 1, maxStale: 0 }, { maxEntries: 1 }])(
    'is made from what has come: %j',
    async (cache) => {
      const { secrets, store, clock } = world({ config: { cache } });
      store.put('a', 'one').put('b', 'two');
      store.latencyMs.fetch = 100;
      const both = template('{{a}} {{b}}', { a: 's:a', b: 's:b' });
      expect((await until(clock, secrets.getSecret(both))).reveal()).toBe('one two');
      expect(store.count('fetch')).toBe(2);
      expect((await until(clock, secrets.rotate(both))).reveal()).toBe('one two');
    },
  );
});

it('what is made from a secret that changes and one that stays goes out of use with the one that changes', async () => {
  const held = new Set<string>();
  const redactor = {
    add: (value: Uint8Array) => void held.add(Buffer.from(value).toString()),
    retire: (value: Uint8Array) => void held.delete(Buffer.from(value).toString()),
  };
  const { secrets, store, clock } = world({ config: { redactor } });
  store.dynamic('creds', { ttlMs: 600_000 }).put('app', { host: 'h' });
  const input = template('x://{{db.password}}@{{app.host}}', { db: 's:creds', app: 's:app' });
  for (let turn = 0; turn < 20; turn++) {
    await secrets.getSecret(input);
    await secrets.rotate('s:app');
    await secrets.getSecret(input);
    await clock.advance(1_000);
    await secrets.rotate('s:creds');
    await clock.settle();
  }
  expect([...held].filter((value) => value.startsWith('x://')).length).toBeLessThan(3);
});

it('a rotation of what has no lease reads what the store has now, not what a load under way has read', async () => {
  const { secrets, store, clock } = world();
  store.put('app', 'one');
  store.latencyMs.fetch = 1_000;
  const reading = secrets.getSecret('s:app');
  await clock.advance(999);
  const rotated = [secrets.rotate('s:app'), secrets.rotate('s:app')];
  await clock.advance(1);
  expect((await reading).reveal()).toBe('one');
  store.put('app', 'two');
  for (const each of rotated) expect((await until(clock, each)).reveal()).toBe('two');
  expect(store.count('fetch')).toBe(2);
});
