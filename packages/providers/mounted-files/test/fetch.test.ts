import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSecretsError } from '@keyturn/core/provider';
import { describe, expect, test } from 'vitest';
import { type MountedFilesOptions, mountedFiles } from '../src/index.js';
import { AtomicWriter } from './atomic-writer.js';
import { failureOf, fieldsOf, newFolder, realCall, textOf } from './workspace.js';

function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const root = newFolder();
  for (const [path, data] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), data);
  }
  return root;
}

describe.concurrent('what is read', () => {
  test('a file is its bytes, also where they are not text', async () => {
    const bytes = Uint8Array.from([0xff, 0x00, 0x80, 0x0a]);
    const provider = mountedFiles({ root: folderWith({ 'keys/aes': bytes }) });
    const { data } = await provider.fetch({ path: 'keys/aes' }, realCall());
    expect(data).toEqual(Buffer.from(bytes));
  });

  test('a file of one line loses its line end, unless every byte is asked for', async () => {
    const root = folderWith({ password: 'hunter2\n', 'tls.crt': 'BEGIN\nAAAA\nEND\n' });
    expect(await textOf(mountedFiles({ root }), 'password')).toBe('hunter2');
    expect(await textOf(mountedFiles({ root }), 'tls.crt')).toBe('BEGIN\nAAAA\nEND\n');
    expect(await textOf(mountedFiles({ root, trim: 'none' }), 'password')).toBe('hunter2\n');
  });

  test('a folder is its regular files, without the folders in it', async () => {
    const root = folderWith({ 'db/user': 'u\n', 'db/.pgpass': 'a:b', 'db/replica/user': 'r' });
    symlinkSync('user', join(root, 'db/alias'));
    expect(await fieldsOf(mountedFiles({ root }), 'db')).toEqual({ '.pgpass': 'a:b', alias: 'u', user: 'u' });
  });

  test('a field may have the name of a property of every object', async () => {
    const root = folderWith({ 'db/__proto__': 'p', 'db/constructor': 'c' });
    const { data } = await mountedFiles({ root }).fetch({ path: 'db' }, realCall());
    expect(Object.keys(data)).toEqual(['__proto__', 'constructor']);
  });

  test('a volume shows one generation, named in the metadata, and not its bookkeeping', async () => {
    const root = newFolder();
    new AtomicWriter(join(root, 'db')).write({ user: { data: 'u', mode: 0o644 } });
    const provider = mountedFiles({ root });
    for (const path of ['db', 'db/user']) {
      const { metadata } = await provider.fetch({ path }, realCall());
      expect(metadata).toEqual({ path: join(root, path), generation: expect.stringMatching(/^\.\.\d{4}_/) });
    }
  });

  test('the version is equal for equal data, and of this provider alone', async () => {
    const root = folderWith({ a: 'same\n', b: 'same', c: 'other', 'd/a': 'same' });
    const provider = mountedFiles({ root });
    const version = async (path: string) => (await provider.fetch({ path }, realCall())).version;
    const [a, b, c, d] = await Promise.all([version('a'), version('b'), version('c'), version('d')]);
    expect(a).toBe(b);
    expect(new Set([a, c, d]).size).toBe(3);
    expect((await mountedFiles({ root }).fetch({ path: 'a' }, realCall())).version).not.toBe(a);
  });

  test('a root that is a link, and links inside it', async () => {
    const real = folderWith({ 'releases/2/password': 'two' });
    symlinkSync('releases/2', join(real, 'current'));
    const root = join(newFolder(), 'link');
    symlinkSync(real, root);
    expect(await textOf(mountedFiles({ root }), 'current/password')).toBe('two');
  });

  test('as large as maxBytes allows, and no larger, folders as a whole', async () => {
    const root = folderWith({ 'db/a': 'x'.repeat(60), 'db/b': 'x'.repeat(41) });
    const provider = mountedFiles({ root, maxBytes: 100 });
    expect(await textOf(provider, 'db/a')).toHaveLength(60);
    const error = await failureOf(provider.fetch({ path: 'db' }, realCall()));
    expect(error.code).toBe('bad-response');
    expect(error.message).toContain('101 bytes');
    expect(error.message).toContain('maxBytes');
    const large = folderWith({ a: new Uint8Array(1_048_577), b: new Uint8Array(1_048_576).fill(1) });
    expect((await failureOf(mountedFiles({ root: large }).fetch({ path: 'a' }, realCall()))).code).toBe(
      'bad-response',
    );
    expect(await textOf(mountedFiles({ root: large }), 'b')).toHaveLength(1_048_576);
  });
});

describe.concurrent('what is refused', () => {
  test.each([
    '../outside',
    'db/../../outside',
    'db/..',
    './db',
    'db//password',
    '/etc/passwd',
    'db/',
    '',
    '..data/password',
    '..2026_01_31_00_00_00.1/password',
    'db\\..\\password',
    'db/pass\0word',
  ])('the path %j, before any I/O', async (path) => {
    const provider = mountedFiles({ root: '/nowhere' });
    const { signal } = new AbortController();
    const clock = { ...realCall().clock, sleep: () => Promise.reject(new Error('waited')) };
    expect((await failureOf(provider.fetch({ path }, { clock, signal }))).code).toBe('invalid-ref');
    const watch = provider.watch?.({ path }, { clock, signal })[Symbol.asyncIterator]();
    expect((await failureOf(watch?.next() ?? Promise.resolve())).code).toBe('invalid-ref');
  });

  test('versions and stages', async () => {
    const provider = mountedFiles({ root: '/nowhere' });
    for (const ref of [
      { path: 'a', version: '1' },
      { path: 'a', stage: 'AWSCURRENT' },
    ]) {
      expect((await failureOf(provider.fetch(ref, realCall()))).code).toBe('unsupported');
    }
  });

  test('links that lead out of the root: of a file, a folder, and a file in a folder', async () => {
    const outside = folderWith({ 'db/password': 'outside-canary' });
    const siblings = folderWith({ 'root/mixed/user': 'u', 'root-too/password': 'outside-canary' });
    const root = join(siblings, 'root');
    symlinkSync(join(outside, 'db/password'), join(root, 'file'));
    symlinkSync(join(outside, 'db'), join(root, 'folder'));
    symlinkSync(join(outside, 'db/password'), join(root, 'mixed/password'));
    mkdirSync(join(root, 'volume'));
    symlinkSync(join(outside, 'db'), join(root, 'volume/..data'));
    symlinkSync(join(siblings, 'root-too/password'), join(root, 'sibling'));
    const provider = mountedFiles({ root });
    for (const path of ['file', 'folder', 'folder/password', 'mixed', 'volume', 'sibling']) {
      const error = await failureOf(provider.fetch({ path }, realCall()));
      expect(error).toMatchObject({ code: 'permission-denied', remedy: expect.stringContaining('root') });
      expect(error.message).not.toContain('canary');
    }
  });

  test.skipIf(process.platform === 'win32')('a pipe, without hanging', async () => {
    const root = newFolder();
    execFileSync('mkfifo', [join(root, 'pipe')]);
    expect((await failureOf(mountedFiles({ root }).fetch({ path: 'pipe' }, realCall()))).code).toBe(
      'bad-response',
    );
  });
});

describe.concurrent('what is missing', () => {
  test.each([
    ['the root', '/nowhere/at/all', 'password', 'the setting root'],
    ['the file', undefined, 'password', 'password does not exist'],
    ['a folder on the way', undefined, 'db/password', 'db/password does not exist'],
    ['all, for a file on the way', undefined, 'file/password', 'a part of its path is a file'],
    ['files, in an empty folder', undefined, 'empty', 'has no files'],
    ['the target of a link', undefined, 'dangling', 'does not exist'],
  ])('%s', async (_, root, path, message) => {
    const folder = folderWith({ file: 'x' });
    mkdirSync(join(folder, 'empty'));
    symlinkSync('nothing', join(folder, 'dangling'));
    const error = await failureOf(mountedFiles({ root: root ?? folder }).fetch({ path }, realCall()));
    expect(error.code).toBe('not-found');
    expect(error.message).toContain(message);
  });

  test('links in a circle', async () => {
    const root = newFolder();
    symlinkSync('b', join(root, 'a'));
    symlinkSync('a', join(root, 'b'));
    expect((await failureOf(mountedFiles({ root }).fetch({ path: 'a' }, realCall()))).code).toBe(
      'bad-response',
    );
  });

  test('a name too long for the file system', async () => {
    const error = await failureOf(
      mountedFiles({ root: newFolder() }).fetch({ path: 'x'.repeat(300) }, realCall()),
    );
    expect(error.code).toBe('invalid-ref');
  });
});

describe('options', () => {
  test.each<[string, Partial<Record<keyof MountedFilesOptions, unknown>>]>([
    ['root', {}],
    ['root', { root: '' }],
    ['root', { root: 'a\0b' }],
    ['trim', { root: '/x', trim: 'all' }],
    ['maxBytes', { root: '/x', maxBytes: 0 }],
    ['maxBytes', { root: '/x', maxBytes: 1.5 }],
    ['pollInterval', { root: '/x', pollInterval: 'soon' }],
    ['pollInterval', { root: '/x', pollInterval: 0 }],
    ['pollInterval', { root: '/x', pollInterval: '30d' }],
  ])('%s in %j is refused by name', (setting, options) => {
    try {
      mountedFiles(options as unknown as MountedFilesOptions);
      expect.unreachable();
    } catch (error) {
      expect(isSecretsError(error) && error.code).toBe('invalid-config');
      expect((error as Error).message).toContain(setting);
    }
  });
});
