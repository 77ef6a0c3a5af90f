import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { DirectoryWatcher } from '../src/directory-watcher.js';
import { AtomicWriter } from './atomic-writer.js';
import { newFolder, until } from './workspace.js';

/** A watcher that counts its hints. */
function counting(root: string, path: string) {
  let hints = 0;
  const watcher = new DirectoryWatcher(root, path, () => {
    hints++;
  });
  return {
    async arm() {
      hints = 0;
      await watcher.arm();
    },
    hinted: (what: string) => until(() => hints > 0, `a hint of ${what}`),
    forget() {
      hints = 0;
    },
    [Symbol.asyncDispose]: () => watcher.close(),
  };
}

describe.concurrent('the watcher of folders', () => {
  test('hints when it is in place, and at each write', async () => {
    const root = newFolder();
    await using watcher = counting(root, 'password');
    await watcher.arm();
    await watcher.hinted('being ready');
    for (let i = 0; i < 10; i++) {
      watcher.forget();
      writeFileSync(join(root, 'password'), String(i));
      await watcher.hinted(`write ${i}`);
    }
  });

  test('F44: is armed anew for a folder that was recreated, even with the inode of the old one', async () => {
    const parent = newFolder();
    const root = join(parent, 'secrets');
    mkdirSync(root);
    await using watcher = counting(root, 'password');
    await watcher.arm();
    await watcher.hinted('being ready');
    for (let i = 0; i < 10; i++) {
      rmSync(root, { recursive: true });
      mkdirSync(root);
      await watcher.hinted('the deletion');
      await watcher.arm();
      await watcher.hinted('being ready');
      watcher.forget();
      writeFileSync(join(root, 'password'), String(i));
      await watcher.hinted(`the write to folder ${i}`);
    }
  });

  test('F44: watches the folder above a missing root until it appears', async () => {
    const root = join(newFolder(), 'secrets');
    await using watcher = counting(root, 'password');
    await watcher.arm();
    await watcher.hinted('being ready');
    watcher.forget();
    mkdirSync(root);
    await watcher.hinted('the root');
    await watcher.arm();
    await watcher.hinted('being ready');
    watcher.forget();
    writeFileSync(join(root, 'password'), 'x');
    await watcher.hinted('the file');
  });

  test('F44: sees each swap of a volume without being armed anew', async () => {
    const root = newFolder();
    const writer = new AtomicWriter(root);
    const rotate = (n: number) => writer.write({ 'db/password': { data: `p${n}`, mode: 0o644 } });
    rotate(0);
    await using watcher = counting(root, 'db/password');
    await watcher.arm();
    await watcher.hinted('being ready');
    for (let n = 1; n <= 10; n++) {
      watcher.forget();
      rotate(n);
      await watcher.hinted(`rotation ${n}`);
    }
  });
});
