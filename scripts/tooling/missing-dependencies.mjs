// @ts-check
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootDir } from './workspace-packages.mjs';

/** @typedef {Record<string, { version?: string, link?: boolean, optional?: boolean, peer?: boolean, resolved?: string }>} LockedPackages */

/**
 * What package-lock.json asks for and node_modules does not hold, or holds in another version.
 *
 * Compares the two lockfiles (npm keeps its own in node_modules) rather than dates, which a clone, a checkout and an
 * interrupted install all get wrong.
 *
 * @returns {string[]} places such as `node_modules/pg`
 */
export function missingDependencies() {
  const wanted = lockedPackages(join(rootDir, 'package-lock.json'));
  /** @type {LockedPackages} */
  let present;
  try {
    present = lockedPackages(join(rootDir, 'node_modules/.package-lock.json'));
  } catch {
    return ['node_modules'];
  }
  return Object.entries(wanted)
    .filter(([place]) => place.includes('node_modules/'))
    .filter(([place, { version, link, optional }]) => {
      const held = present[place];
      // What is for other platforms is not installed, and need not be.
      if (held === undefined) return optional !== true;
      return link !== true && held.version !== version;
    })
    .map(([place]) => place);
}

/** @param {string} file @returns {LockedPackages} */
function lockedPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}
