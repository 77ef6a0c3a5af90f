import { join } from 'node:path';
import type { Provider } from '@keyturn/core/provider';
import { describe, expect, test } from 'vitest';
import { mountedFiles } from '../src/index.js';
import { AtomicWriter } from './atomic-writer.js';
import { fieldsOf, newFolder, observe, until } from './workspace.js';
import { writers } from './writers.js';

const SINGLE = 100;
const BURSTS = 20;
const BURST_SIZE = 5;

/** Long enough for several writes, and recognizable at both ends. */
function value(n: number): string {
  return `${n}:${'x'.repeat(8_000)}:${n}`;
}

/** The number of a whole value; undefined for a torn one. */
function numberOf(text: string): number | undefined {
  const [, n, end] = /^(\d+):x{8000}:(\d+)$/.exec(text) ?? [];
  return n === end && n !== undefined ? Number(n) : undefined;
}

describe.concurrent.each(writers)('200 rotations by $name', ({ create }) => {
  test('F44: one event each, none stale, none torn', async () => {
    const folder = join(newFolder(), 'secrets');
    const write = create(folder);
    await write(value(0));
    await using watch = await observe(mountedFiles({ root: folder }), 'password');
    expect(watch.seen).toEqual([value(0)]);

    let n = 0;
    for (let single = 1; single <= SINGLE; single++) {
      n++;
      await write(value(n));
      await until(() => watch.seen.at(-1) === value(n), `rotation ${n}`);
    }
    expect(watch.events()).toBe(SINGLE);

    let stale = 0;
    for (let burst = 0; burst < BURSTS; burst++) {
      for (let i = 0; i < BURST_SIZE; i++) await write(value(++n));
      await until(() => watch.seen.at(-1) === value(n), `the end of burst ${burst}`).catch(() => stale++);
    }
    expect(n).toBe(SINGLE + BURSTS * BURST_SIZE);
    expect(stale).toBe(0);

    const numbers = watch.seen.map(numberOf);
    expect(numbers.filter((number) => number === undefined)).toEqual([]);
    expect(numbers).toEqual(numbers.toSorted((a, b) => Number(a) - Number(b)));
    expect(watch.events()).toBeLessThanOrEqual(n);
    expect(watch.events()).toBeGreaterThanOrEqual(SINGLE + BURSTS);
  });
});

test('F25: user and password of a folder are never of different versions', async () => {
  const parent = newFolder();
  const writer = new AtomicWriter(join(parent, 'db'));
  const rotate = (n: number) =>
    writer.write({
      user: { data: `user-${n}`, mode: 0o644 },
      password: { data: `password-${n}`, mode: 0o644 },
    });
  rotate(0);
  const provider = mountedFiles({ root: parent });

  let n = 0;
  let reads = 0;
  let mixed = 0;
  const seen = new Set<string>();
  const read = async () => {
    const { user, password } = await fieldsOf(provider, 'db');
    reads++;
    seen.add(user ?? '');
    if (user?.replace('user', 'password') !== password) mixed++;
  };
  // A rotation lands at any point of the reads under way, because their file operations run beside this loop.
  while (n < 100) {
    const reading = [read(), read(), read()];
    let done = false;
    const all = Promise.all(reading).finally(() => {
      done = true;
    });
    await until(() => {
      rotateAtTimes();
      return done;
    }, 'the reads');
    await all;
  }
  function rotateAtTimes(): void {
    if (Math.random() < 0.05) rotate(++n);
  }
  expect(mixed).toBe(0);
  expect(reads).toBeGreaterThan(50);
  expect(seen.size).toBeGreaterThan(10);
});

test('F25: a rotation of a folder in a volume is one event, with both fields of it', async () => {
  const root = newFolder();
  const writer = new AtomicWriter(root);
  const rotate = (n: number) =>
    writer.write({
      'db/user': { data: `user-${n}`, mode: 0o644 },
      'db/password': { data: `password-${n}`, mode: 0o644 },
    });
  const tuple = async (provider: Provider, path: string) => {
    const { user, password } = await fieldsOf(provider, path);
    return `${user} ${password}`;
  };
  rotate(0);
  await using watch = await observe(mountedFiles({ root }), 'db', tuple);
  for (let n = 1; n <= 20; n++) {
    rotate(n);
    await until(() => watch.events() === n, `rotation ${n}`);
    await until(() => watch.seen.length === n + 1, `the read after rotation ${n}`);
  }
  expect(watch.seen).toEqual(Array.from({ length: 21 }, (_, n) => `user-${n} password-${n}`));
});
