// @ts-check
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { rootDir, workspacePackages } from './workspace-packages.mjs';

/** The packages whose `dist` lacks a file that their `exports` name, or is older than what it was built from. */
export function staleBuilds() {
  return workspacePackages().filter((one) => {
    const outputs = targets(one.manifest.exports).filter((target) => target.startsWith('./dist/'));
    const inputs = [
      ...['package.json', 'tsup.config.ts'].map((name) => join(one.dir, name)),
      ...filesBelow(join(one.dir, 'src')),
      join(rootDir, 'tsup.base.ts'),
    ];
    const builtMs = Math.min(...outputs.map((target) => modifiedMs(join(one.dir, target))));
    return Math.max(...inputs.map(modifiedMs)) > builtMs;
  });
}

/**
 * Every file that an `exports` field names.
 *
 * @param {unknown} exports
 * @returns {string[]}
 */
export function targets(exports) {
  if (typeof exports === 'string') return [exports];
  if (typeof exports !== 'object' || exports === null) return [];
  return Object.values(exports).flatMap(targets);
}

/**
 * @param {string} dir
 * @returns {string[]}
 */
export function filesBelow(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** @param {string} file */
function modifiedMs(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY;
}
