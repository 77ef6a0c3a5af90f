// @ts-check
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where `npm test` unpacks Debian packages to. */
export const unpackedDir = fileURLToPath(new URL('../../.servers/debian', import.meta.url));

/**
 * A program and what it takes to run it.
 *
 * @typedef {object} Program
 * @property {string} command its absolute path
 * @property {string | undefined} baseDir what it was built to find at `/usr`; undefined when it is there
 * @property {Record<string, string | undefined>} env
 */

/**
 * Finds `name` among what `npm test` has unpacked, else where this machine has it.
 *
 * @param {string} name
 * @returns {Program | undefined}
 */
export function findProgram(name) {
  const baseDir = join(unpackedDir, 'usr');
  const [own, system] = [
    ['bin', 'sbin'].map((dir) => join(baseDir, dir)),
    [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'],
  ];
  const command = [...own, ...system].map((dir) => join(dir, name)).find((file) => existsSync(file));
  if (command === undefined) return undefined;
  // Settings of the person's shell must not reach it.
  const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
  if (!command.startsWith(baseDir)) return { command, baseDir: undefined, env };
  const libraries = join(baseDir, 'lib');
  // Libraries lie in a folder that is named after the machine: x86_64-linux-gnu.
  const path = readdirSync(libraries).map((dir) => join(libraries, dir));
  return {
    command,
    baseDir,
    env: { ...env, PATH: [...own, env.PATH].join(delimiter), LD_LIBRARY_PATH: path.join(delimiter) },
  };
}
