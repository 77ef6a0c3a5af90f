import { rotating, type Secret, template } from '@keyturn/core';
import { fakeClock, testSource } from '@keyturn/core/testing';
import { afterEach, describe, expect, it } from 'vitest';

const ONE = { username: 'app', password: 'one' };
const TWO = { username: 'app', password: 'two' };

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

/** A consumer that writes down what it is asked. */
function setUp(options: Parameters<typeof testSource>[1] = {}) {
  const source = testSource(ONE, options);
  open.push(source);
  const seen: string[] = [];
  const passwordOf = (secret: Secret) => secret.revealFields().password ?? '';
  const gate = { refuses: false, drain: Promise.resolve() };
  const consumption = source.consume(source.ref, {
    async prepare(next) {
      seen.push(`prepare ${passwordOf(next)}`);
      if (gate.refuses) throw new Error('28P01');
    },
    discard: (next) => void seen.push(`discard ${passwordOf(next)}`),
    async adopt(next) {
      seen.push(`adopt ${passwordOf(next)}`);
      await gate.drain;
    },
    release: () => void seen.push('release'),
  });
  return { source, seen, gate, consumption };
}

describe('a test source', () => {
  it('fetches nothing until it is used; then has the first version proven and adopted', async () => {
    const { source, seen, consumption } = setUp();
    expect([source.fetched, source.consumers]).toEqual([0, 0]);
    expect((await consumption.current()).revealFields()).toEqual(ONE);
    expect(seen).toEqual(['prepare one', 'adopt one']);
    expect([source.fetched, source.published, source.consumers]).toEqual([1, 1, 1]);
  });

  it('rotates: proof, publication, adoption, and only then revocation', async () => {
    const { source, seen, consumption } = setUp({
      onRevoke: (data) => void seen.push(`revoke ${passwordIn(data)}`),
    });
    await consumption.current();
    await source.rotate(TWO);
    expect(seen).toEqual(['prepare one', 'adopt one', 'prepare two', 'adopt two', 'revoke one']);
    expect((await consumption.current()).revealFields()).toEqual(TWO);
    expect(source.store.liveLeases().map(({ version }) => version)).toEqual(['lease-2']);
    expect(source.published).toBe(2);
  });

  it('waits for whoever still uses the old version, and says when they have let go', async () => {
    const { source, seen, gate, consumption } = setUp({ onRevoke: () => void seen.push('revoked') });
    await consumption.current();
    let letGo = () => {};
    gate.drain = new Promise((resolve) => {
      letGo = resolve;
    });
    const { drained } = await source.publish(TWO);
    expect((await consumption.current()).revealFields()).toEqual(TWO);
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).not.toContain('revoked');
    letGo();
    await drained;
    expect(seen).toContain('revoked');
  });

  it('keeps the old version in service when a consumer refuses the new one', async () => {
    const { source, seen, gate, consumption } = setUp();
    await consumption.current();
    gate.refuses = true;
    await expect(source.rotate(TWO)).rejects.toMatchObject({ code: 'invalid-value' });
    expect(seen.slice(2)).toEqual(['prepare two']);
    expect((await consumption.current()).revealFields()).toEqual(ONE);
    gate.refuses = false;
    await source.rotate(TWO);
    expect((await consumption.current()).revealFields()).toEqual(TWO);
  });

  it('gives a missed rotation to whoever says that its version is refused, once for all', async () => {
    const { source, consumption } = setUp();
    const { version } = await consumption.current();
    source.offer(TWO);
    const replaced = await Promise.all([consumption.replace(version), consumption.replace(version)]);
    expect(replaced.map((secret) => secret.revealFields())).toEqual([TWO, TWO]);
    expect(source.fetched).toBe(2);
  });

  it('gives fields and templates of its secret', async () => {
    const { source } = setUp();
    const seen: string[] = [];
    for (const input of [`${source.ref}#password`, template('{{username}}:{{password}}', source.ref)]) {
      await source.consume(input, { adopt: (secret) => void seen.push(secret.reveal()) }).current();
    }
    await source.rotate(TWO);
    expect(seen).toEqual(['one', 'app:one', 'two', 'app:two']);
  });

  it('serves what is held while its store is down, and fails where it must fetch', async () => {
    const { source, consumption } = setUp();
    await consumption.current();
    source.chaos.outage();
    expect((await consumption.current()).revealFields()).toEqual(ONE);
    source.chaos.heal();
    source.chaos.fail('permission-denied', { only: 'fetch' });
    await expect(source.rotate(TWO)).rejects.toMatchObject({ code: 'permission-denied' });
    source.chaos.heal();
    await source.rotate(TWO);
  });

  it('cuts a drain off at its limit, on the clock', async () => {
    const clock = fakeClock();
    const { source, gate, consumption } = setUp({ clock, drainTimeout: '5s' });
    await consumption.current();
    gate.drain = new Promise(() => {});
    const rotated = source.rotate(TWO);
    await clock.advance(4_999);
    expect(source.store.liveLeases()).toHaveLength(2);
    await clock.advance(1);
    await rotated;
    expect(source.store.liveLeases()).toHaveLength(1);
    gate.drain = Promise.resolve();
  });

  it('has everybody let go when it closes, and leaves nothing', async () => {
    const clock = fakeClock();
    const { source, seen, consumption } = setUp({ clock });
    await consumption.current();
    await source.close();
    await source.close();
    expect(seen.at(-1)).toBe('release');
    expect(source.store.liveLeases()).toEqual([]);
    expect(clock.pending).toBe(0);
    await expect(consumption.current()).rejects.toMatchObject({ code: 'closed' });
  });

  it('F31: carries what stands on rotating() through good and bad versions', async () => {
    const { source } = setUp();
    const closed: string[] = [];
    const client = rotating(source, source.ref, {
      async open(secret) {
        const { password = '' } = secret.revealFields();
        if (password === 'bad') throw new Error('refused');
        return { password };
      },
      close: ({ password }) => void closed.push(password),
    });
    expect(await client.current()).toEqual({ password: 'one' });
    await expect(source.rotate({ password: 'bad' })).rejects.toMatchObject({ code: 'invalid-value' });
    expect([await client.current(), closed]).toEqual([{ password: 'one' }, []]);
    await source.rotate(TWO);
    expect([await client.current(), closed]).toEqual([{ password: 'two' }, ['one']]);
    await client.close();
    expect(closed).toEqual(['one', 'two']);
  });
});

function passwordIn(data: unknown): string {
  return (data as { readonly password: string }).password;
}
