import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, systemClock } from '@keyturn/core/provider';
import { describe, expect, test } from 'vitest';
import { mountedFiles } from '../src/index.js';
import { readStable } from '../src/stable-read.js';
import { survey } from '../src/survey.js';
import { AtomicWriter } from './atomic-writer.js';
import { failureOf, newFolder } from './workspace.js';
import { replaceFile } from './writers.js';

/** A clock that makes something happen in each wait of a read, in place of time passing. */
function interfering(happen: (wait: number) => void): Clock & { readonly waits: number } {
  let waits = 0;
  return {
    ...systemClock,
    sleep: async () => happen(++waits),
    get waits() {
      return waits;
    },
  };
}

function fetchText(root: string, path: string, clock: Clock): Promise<string> {
  const { signal } = new AbortController();
  return mountedFiles({ root })
    .fetch({ path }, { clock, signal })
    .then(({ data }) => Buffer.from(data as Uint8Array).toString('utf8'));
}

describe('a single file', () => {
  test('at rest is read after one wait', async () => {
    const root = newFolder();
    writeFileSync(join(root, 'password'), 'value');
    const clock = interfering(() => {});
    expect(await fetchText(root, 'password', clock)).toBe('value');
    expect(clock.waits).toBe(1);
  });

  test('F44: written in two halves is read whole', async () => {
    const root = newFolder();
    const file = join(root, 'password');
    writeFileSync(file, 'first ');
    const clock = interfering((wait) => {
      if (wait === 1) writeFileSync(file, 'first half, second half');
    });
    expect(await fetchText(root, 'password', clock)).toBe('first half, second half');
    expect(clock.waits).toBe(2);
  });

  test('F44: written anew with the same length is read anew', async () => {
    const root = newFolder();
    const file = join(root, 'password');
    writeFileSync(file, 'aaaa');
    const clock = interfering((wait) => wait < 5 && writeFileSync(file, `bbb${wait}`));
    expect(await fetchText(root, 'password', clock)).toBe('bbb4');
  });

  test('F44: renamed over at every wait but the last is the last', async () => {
    const root = newFolder();
    const file = join(root, 'password');
    writeFileSync(file, '0');
    const clock = interfering((wait) => wait < 20 && replaceFile(file, String(wait)));
    expect(await fetchText(root, 'password', clock)).toBe('19');
    expect(clock.waits).toBe(20);
  });

  test('F44: that never holds still is unavailable, after a bounded number of attempts', async () => {
    const root = newFolder();
    const file = join(root, 'password');
    writeFileSync(file, '0');
    const clock = interfering((wait) => writeFileSync(file, `value-${wait}`));
    const error = await failureOf(fetchText(root, 'password', clock));
    expect(error.code).toBe('unavailable');
    expect(clock.waits).toBe(20);
    expect(error.message).not.toContain('value-');
  });

  test('F21: truncated is waited for, and a blank never read', async () => {
    const root = newFolder();
    const file = join(root, 'password');
    writeFileSync(file, 'old');
    const clock = interfering((wait) => {
      if (wait === 1) truncateSync(file);
      if (wait === 10) writeFileSync(file, 'new');
    });
    expect(await fetchText(root, 'password', clock)).toBe('new');
  });

  test('F21: that stays empty is a bad response', async () => {
    const root = newFolder();
    writeFileSync(join(root, 'password'), '');
    const error = await failureOf(
      fetchText(
        root,
        'password',
        interfering(() => {}),
      ),
    );
    expect(error).toMatchObject({ code: 'bad-response', problem: 'The file behind password is empty.' });
  });

  test('F21: that holds only a line end is empty', async () => {
    const root = newFolder();
    writeFileSync(join(root, 'password'), '\n');
    expect(
      (
        await failureOf(
          fetchText(
            root,
            'password',
            interfering(() => {}),
          ),
        )
      ).code,
    ).toBe('bad-response');
  });

  test('F44: deleted and created anew within two waits is not missed', async () => {
    const root = newFolder();
    const file = join(root, 'password');
    writeFileSync(file, 'old');
    const clock = interfering((wait) => {
      if (wait === 1) rmSync(file);
      if (wait === 3) writeFileSync(file, 'new');
    });
    expect(await fetchText(root, 'password', clock)).toBe('new');
  });

  test('missing is believed when it was looked for five times', async () => {
    const clock = interfering(() => {});
    expect((await failureOf(fetchText(newFolder(), 'password', clock))).code).toBe('not-found');
    expect(clock.waits).toBe(5);
  });
});

describe('a folder', () => {
  test('F25: swung to the next generation during the read is of the next generation', async () => {
    const root = newFolder();
    const writer = new AtomicWriter(join(root, 'db'));
    const rotate = (n: number) =>
      writer.write({ user: { data: `u${n}`, mode: 0o644 }, password: { data: `p${n}`, mode: 0o644 } });
    rotate(0);
    for (const swings of [1, 2, 10]) {
      const clock = interfering((wait) => wait <= swings && rotate(wait + 100 * swings));
      const { data } = await mountedFiles({ root }).fetch(
        { path: 'db' },
        { clock, signal: new AbortController().signal },
      );
      const n = 101 * swings;
      expect(data).toEqual({ user: Buffer.from(`u${n}`), password: Buffer.from(`p${n}`) });
    }
  });

  test('F25: without generations, with one file of two replaced, is read again', async () => {
    const root = newFolder();
    const write = (name: string, text: string) => replaceFile(join(root, name), text);
    const provider = mountedFiles({ root: join(root, '..') });
    write('user', 'u1');
    write('password', 'p1');
    const clock = interfering((wait) => {
      if (wait === 1) write('user', 'u2');
      if (wait === 2) write('password', 'p2');
    });
    const { data } = await provider.fetch(
      { path: root.split('/').at(-1) as string },
      { clock, signal: new AbortController().signal },
    );
    expect(data).toEqual({ user: Buffer.from('u2'), password: Buffer.from('p2') });
  });

  test('F21: with an empty file is a bad response that names it', async () => {
    const root = newFolder();
    new AtomicWriter(join(root, 'db')).write({
      user: { data: 'u', mode: 0o644 },
      password: { data: '', mode: 0o644 },
    });
    expect(
      await failureOf(
        fetchText(
          root,
          'db',
          interfering(() => {}),
        ),
      ),
    ).toMatchObject({
      code: 'bad-response',
      problem: 'The file password in the folder db is empty.',
    });
  });
});

test('a read is given up when its signal aborts', async () => {
  const root = newFolder();
  writeFileSync(join(root, 'password'), 'value');
  const end = new AbortController();
  const reason = new Error('nobody waits');
  const reading = mountedFiles({ root }).fetch(
    { path: 'password' },
    { clock: systemClock, signal: end.signal },
  );
  end.abort(reason);
  await expect(reading).rejects.toBe(reason);
  await expect(
    mountedFiles({ root }).fetch({ path: 'password' }, { clock: systemClock, signal: end.signal }),
  ).rejects.toBe(reason);
});

test('F44: what is written between the reading and the second look is read again', async () => {
  const root = newFolder();
  const file = join(root, 'password');
  writeFileSync(file, 'old');
  let looks = 0;
  const look = () => {
    if (++looks === 2) writeFileSync(file, 'new');
    return survey(root, 'password', 100);
  };
  const { data } = await readStable('password', { look, settle: async () => {}, trim: 'none' });
  expect(data).toEqual(Buffer.from('new'));
  expect(looks).toBe(3);
});
