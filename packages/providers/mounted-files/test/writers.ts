import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@keyturn/core/provider';
import { AtomicWriter } from './atomic-writer.js';

/** Writes a new value to the file `password` in a folder, the way that one kind of software does. */
export interface Writer {
  readonly name: string;
  readonly create: (folder: string) => (value: string) => Promise<void>;
}

/** The three ways in which secret files are written in the field. */
export const writers: readonly Writer[] = [
  {
    name: 'AtomicWriter (Kubernetes volume)',
    create(folder) {
      const writer = new AtomicWriter(folder);
      return async (value) => void writer.write({ password: { data: value, mode: 0o644 } });
    },
  },
  {
    name: 'slow in-place writes (CSI driver, shell)',
    create(folder) {
      mkdirSync(folder, { recursive: true });
      return async (value) => {
        const half = Math.ceil(value.length / 2);
        const file = openSync(join(folder, 'password'), 'w');
        await systemClock.sleep(2, { hold: true });
        writeSync(file, value.slice(0, half));
        await systemClock.sleep(2, { hold: true });
        writeSync(file, value.slice(half));
        closeSync(file);
      };
    },
  },
  {
    name: 'rename-over (templating agents)',
    create(folder) {
      mkdirSync(folder, { recursive: true });
      return async (value) => replaceFile(join(folder, 'password'), value);
    },
  },
];

/** Writes beside a file and renames over it. */
export function replaceFile(path: string, value: string): void {
  writeFileSync(`${path}.tmp`, value);
  renameSync(`${path}.tmp`, path);
}

/** Deletes a folder with all in it. */
export function deleteFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
