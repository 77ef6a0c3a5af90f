import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mountedFiles } from '../src/index.js';
import { AtomicWriter, type Payload } from './atomic-writer.js';
import { failureOf, newFolder, realCall } from './workspace.js';

interface VectorFile {
  readonly mode: number;
  readonly data?: string;
  readonly dataB64?: string;
}

/** A case of the kubelet's own tests: payloads written one after another, and what a user sees after each. */
interface Vector {
  readonly id: string;
  readonly payloads: readonly Readonly<Record<string, VectorFile>>[];
  readonly valid: boolean;
  readonly changes?: boolean;
  readonly expectVisible: readonly Readonly<Record<string, VectorFile>>[];
}

const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('./vectors/kubelet-atomic-writer.json', import.meta.url), 'utf8'),
);

describe('F44: volumes as the kubelet writes them', () => {
  test('all cases are there', () => expect(vectors).toHaveLength(45));

  test.concurrent.each(vectors)('$id', async ({ payloads, valid, changes, expectVisible }) => {
    const parent = newFolder();
    const volume = join(parent, 'db');
    const writer = new AtomicWriter(volume);
    const atVolume = mountedFiles({ root: volume, trim: 'none' });
    const atParent = mountedFiles({ root: parent, trim: 'none' });
    const versions: string[] = [];
    const everVisible = new Set<string>();

    for (const [step, payload] of payloads.entries()) {
      if (!valid) {
        expect(() => writer.write(projected(payload))).toThrow(/path/);
        expect((await failureOf(atParent.fetch({ path: 'db' }, realCall()))).code).toBe('not-found');
        continue;
      }
      const wrote = writer.write(projected(payload));
      if (step > 0 && changes !== undefined) expect(wrote).toBe(changes);

      const visible = expectVisible[step] ?? {};
      for (const [path, { mode }] of Object.entries(visible)) {
        everVisible.add(path);
        expect(statSync(join(volume, path)).mode & 0o777).toBe(mode);
      }
      await Promise.all(
        Array.from(everVisible, async (path) => {
          const file = visible[path];
          for (const [provider, at] of [
            [atVolume, path],
            [atParent, `db/${path}`],
          ] as const) {
            const reading = provider.fetch({ path: at }, realCall());
            if (file === undefined) expect((await failureOf(reading)).code).toBe('not-found');
            else expect(Buffer.from((await reading).data as Uint8Array)).toEqual(bytesOf(file));
          }
        }),
      );

      const fields = Object.entries(visible).filter(([path]) => !path.includes('/'));
      const reading = atParent.fetch({ path: 'db' }, realCall());
      if (fields.length === 0) {
        expect((await failureOf(reading)).code).toBe('not-found');
        continue;
      }
      const { data, version } = await reading;
      expect(data).toEqual(Object.fromEntries(fields.map(([path, file]) => [path, bytesOf(file)])));
      versions.push(version);
    }
    if (changes === false && versions.length > 1) expect(new Set(versions).size).toBe(1);
  });
});

function projected(files: Readonly<Record<string, VectorFile>>): Payload {
  return Object.fromEntries(
    Object.entries(files).map(([path, file]) => [path, { data: bytesOf(file), mode: file.mode }]),
  );
}

function bytesOf({ data, dataB64 }: VectorFile): Buffer {
  return dataB64 === undefined ? Buffer.from(data ?? '') : Buffer.from(dataB64, 'base64');
}
