import { chmodSync, chownSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mountedFiles } from '../src/index.js';
import { AtomicWriter } from './atomic-writer.js';
import { newFolder, observe, textOf, until } from './workspace.js';
import { deleteFolder, replaceFile, writers } from './writers.js';

/** Below the poll's interval: what comes sooner came by an event. */
const BEFORE_POLL_MS = 4_500;

describe.concurrent.each(writers)('a folder deleted and recreated, with $name', ({ create }) => {
  test('F44: the watch goes on, at once and after a gap', async () => {
    const folder = join(newFolder(), 'secrets');
    await create(folder)('first');
    await using watch = await observe(mountedFiles({ root: folder, pollInterval: '300ms' }), 'password');

    deleteFolder(folder);
    const write = create(folder);
    await write('recreated at once');
    await until(() => watch.seen.at(-1) === 'recreated at once', 'the new file');
    await write('written after it');
    await until(() => watch.seen.at(-1) === 'written after it', 'the write after it');

    deleteFolder(folder);
    await until(() => watch.seen.at(-1) === 'not-found', 'its absence');
    const writeAgain = create(folder);
    await writeAgain('recreated after a gap');
    await until(() => watch.seen.at(-1) === 'recreated after a gap', 'the new file');
    for (const value of ['a', 'b', 'c']) {
      await writeAgain(value);
      await until(() => watch.seen.at(-1) === value, `the write of ${value}`);
    }
    expect(watch.seen.slice(-3)).toEqual(['a', 'b', 'c']);
  });
});

describe.concurrent('folders', () => {
  test('F44: a root that is deleted and recreated is seen by events alone', async () => {
    const folder = join(newFolder(), 'secrets');
    const [, , renameOver] = writers;
    await renameOver?.create(folder)('first');
    await using watch = await observe(mountedFiles({ root: folder, pollInterval: '1h' }), 'password');
    deleteFolder(folder);
    await renameOver?.create(folder)('second');
    await until(() => watch.seen.at(-1) === 'second', 'the new file');
    await renameOver?.create(folder)('third');
    await until(() => watch.seen.at(-1) === 'third', 'the write after it');
  });

  test('F44: missing at the start, with its parent, and appearing later', async () => {
    const folder = join(newFolder(), 'not', 'yet', 'mounted');
    await using watch = await observe(mountedFiles({ root: folder, pollInterval: '100ms' }), 'db/password');
    expect(watch.seen).toEqual(['not-found']);
    const writer = new AtomicWriter(folder);
    writer.write({ 'db/password': { data: 'one', mode: 0o644 } });
    await until(() => watch.seen.at(-1) === 'one', 'the file');
    writer.write({ 'db/password': { data: 'two', mode: 0o644 } });
    await until(() => watch.seen.at(-1) === 'two', 'the rotation');
    expect(watch.seen).toEqual(['not-found', 'one', 'two']);
    expect(watch.events()).toBe(2);
  });

  test('F44: a file missing in a folder that is there is seen by an event', async () => {
    const folder = newFolder();
    await using watch = await observe(mountedFiles({ root: folder }), 'db/password');
    mkdirSync(join(folder, 'db'));
    writeFileSync(join(folder, 'db/password'), 'one');
    await until(() => watch.seen.at(-1) === 'one', 'the file', BEFORE_POLL_MS);
  });

  test('F44: subPath: a file that is mounted by itself is seen when it is written in place', async () => {
    // A second name of the same file behaves as a bind mount of it: no event in the folder that we watch.
    const source = join(newFolder(), 'source');
    const folder = newFolder();
    writeFileSync(source, 'first');
    linkSync(source, join(folder, 'password'));
    await using watch = await observe(mountedFiles({ root: folder }), 'password');
    writeFileSync(source, 'second');
    await until(() => watch.seen.at(-1) === 'second', 'the new content', BEFORE_POLL_MS);
    writeFileSync(source, 'third');
    await until(() => watch.seen.at(-1) === 'third', 'the next content', BEFORE_POLL_MS);
    expect(await textOf(mountedFiles({ root: folder }), 'password')).toBe('third');
  });

  test('F44: a root that is a link follows its target when the link is swung', async () => {
    const parent = newFolder();
    for (const release of ['1', '2']) {
      mkdirSync(join(parent, release));
      writeFileSync(join(parent, release, 'password'), `release ${release}`);
    }
    const root = join(parent, 'current');
    symlinkSync('1', root);
    await using watch = await observe(mountedFiles({ root, pollInterval: '100ms' }), 'password');
    expect(watch.seen).toEqual(['release 1']);
    rmSync(root);
    symlinkSync('2', root);
    await until(() => watch.seen.at(-1) === 'release 2', 'the other folder');
    replaceFile(join(parent, '2', 'password'), 'release 2b');
    await until(() => watch.seen.at(-1) === 'release 2b', 'the write to it');
  });

  test('what happens to other files of the folder is no event', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'password'), 'same');
    await using watch = await observe(mountedFiles({ root: folder }), 'password');
    for (let i = 0; i < 20; i++) writeFileSync(join(folder, 'other'), String(i));
    replaceFile(join(folder, 'password'), 'same');
    replaceFile(join(folder, 'password'), 'same\n');
    replaceFile(join(folder, 'password'), 'last');
    await until(() => watch.seen.at(-1) === 'last', 'the only change', BEFORE_POLL_MS);
    expect(watch.events()).toBe(1);
  });
});

test.skipIf(process.platform === 'win32')('F44: permissions taken away and given back', async () => {
  const folder = newFolder();
  const file = join(folder, 'password');
  writeFileSync(file, 'first');
  actAsOwner(folder, file);
  await using watch = await observe(mountedFiles({ root: folder, pollInterval: '100ms' }), 'password');
  chmodSync(file, 0o000);
  await until(() => watch.seen.at(-1) === 'permission-denied', 'the denial of the file');
  chmodSync(file, 0o600);
  await until(() => watch.seen.at(-1) === 'first', 'the file again');
  chmodSync(folder, 0o000);
  await until(() => watch.seen.at(-1) === 'permission-denied', 'the denial of the folder');
  chmodSync(folder, 0o700);
  await until(() => watch.seen.at(-1) === 'first', 'the folder again');
  writeFileSync(file, 'second');
  await until(() => watch.seen.at(-1) === 'second', 'the write after it');
});

/** Root reads whatever the mode says: becomes an ordinary user who owns the files until the test is over. */
function actAsOwner(...paths: readonly string[]): void {
  if (process.geteuid?.() !== 0) return;
  const nobody = 65_534;
  for (const path of paths) chownSync(path, nobody, nobody);
  chmodSync(dirname(paths[0] as string), 0o1777);
  process.seteuid?.(nobody);
  onTestFinished(() => process.seteuid?.(0));
}
