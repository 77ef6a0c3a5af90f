// @ts-check
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, without a trailing slash. */
export const rootDir = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * @typedef {object} WorkspacePackage
 * @property {string} name such as `@keyturn/core`
 * @property {string} dir absolute
 * @property {string} folder relative to the root, such as `packages/core`
 * @property {any} manifest its package.json
 * @property {readonly string[]} needs names of the packages of this repository that must be built before it
 */

/**
 * Every package that is published: what has a package.json in `packages/*` or one folder below.
 *
 * @returns {WorkspacePackage[]} in an order in which they can be built one after the other
 */
export function workspacePackages() {
  const folders = subfolders('packages').flatMap((folder) =>
    existsSync(join(rootDir, folder, 'package.json')) ? [folder] : subfolders(folder),
  );
  const found = folders
    .filter((folder) => existsSync(join(rootDir, folder, 'package.json')))
    .map((folder) => {
      const manifest = JSON.parse(readFileSync(join(rootDir, folder, 'package.json'), 'utf8'));
      return { name: /** @type {string} */ (manifest.name), dir: join(rootDir, folder), folder, manifest };
    });
  const names = new Set(found.map(({ name }) => name));
  const packages = found.map((one) => {
    const { dependencies, peerDependencies, devDependencies } = one.manifest;
    const declared = Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies });
    return { ...one, needs: declared.filter((name) => names.has(name)) };
  });
  return inBuildOrder(packages);
}

/** @param {WorkspacePackage[]} packages */
function inBuildOrder(packages) {
  /** @type {WorkspacePackage[]} */
  const ordered = [];
  const waiting = new Set(packages);
  while (waiting.size > 0) {
    const placed = new Set(ordered.map(({ name }) => name));
    const ready = [...waiting].filter(({ needs }) => needs.every((name) => placed.has(name)));
    if (ready.length === 0) {
      throw new Error(`These packages need each other: ${[...waiting].map(({ name }) => name).join(', ')}`);
    }
    for (const one of ready) waiting.delete(one);
    ordered.push(...ready);
  }
  return ordered;
}

/** @param {string} folder */
function subfolders(folder) {
  return readdirSync(join(rootDir, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
    .map((entry) => `${folder}/${entry.name}`)
    .sort();
}
