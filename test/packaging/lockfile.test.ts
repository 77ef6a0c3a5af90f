import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rootDir, workspacePackages } from '../../scripts/tooling/workspace-packages.mjs';

interface LockedPackage {
  readonly version?: string;
  readonly link?: boolean;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Record<string, string>;
}

const read = (file: string) => JSON.parse(readFileSync(join(rootDir, file), 'utf8'));
const locked = read('package-lock.json').packages as Record<string, LockedPackage>;
const external = Object.entries(locked).filter(
  ([place, { link }]) => place.includes('node_modules/') && link !== true,
);
const nameOf = (place: string) => place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);

test('every install script is allowed or refused by name', () => {
  const decided = Object.keys(read('package.json').allowScripts);
  const scripted = external
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([place]) => nameOf(place));
  expect(decided).toEqual(expect.arrayContaining(scripted));
});

test('the packages of all platforms are in the lockfile, so that npm ci works on each', () => {
  const names = new Set(external.map(([place]) => nameOf(place)));
  const missing = external.flatMap(([, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !names.has(name)),
  );
  expect(missing).toEqual([]);
});

test('every package is pinned by its hash and names no registry', () => {
  for (const [place, { integrity, resolved }] of external) {
    expect(integrity, place).toMatch(/^sha512-/);
    expect(resolved, place).toBeUndefined();
  }
});

test('the packages ask for versions of each other that are in this repository', () => {
  const packages = workspacePackages();
  const versions = new Map(packages.map(({ name, manifest }) => [name, String(manifest.version)]));
  for (const { name, manifest } of packages) {
    const asked = { ...manifest.dependencies, ...manifest.peerDependencies };
    for (const [other, range] of Object.entries<string>(asked)) {
      const version = versions.get(other);
      if (version === undefined) continue;
      const accepts = range.split(' || ').some((part) => caretAccepts(part, version));
      expect(accepts, `${name} asks for ${other} ${range}, which is ${version}`).toBe(true);
    }
  }
});

/** Whether `^a.b.c` takes a version: the first number that is not 0 stays, the rest may only grow. */
function caretAccepts(range: string, version: string): boolean {
  const [least, given] = [range.slice(1), version].map((text) => text.split('.').map(Number));
  if (!range.startsWith('^') || least === undefined || given === undefined) return false;
  const fixed = least.findIndex((part) => part !== 0);
  if (least.slice(0, fixed + 1).some((part, index) => part !== given[index])) return false;
  const differs = given.findIndex((part, index) => part !== least[index]);
  return differs === -1 || (given[differs] ?? 0) > (least[differs] ?? 0);
}
