// @ts-check
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { filesBelow } from './stale-builds.mjs';
import { rootDir, workspacePackages } from './workspace-packages.mjs';

/**
 * What every published package must say and ship.
 *
 * @returns {string[]} one line for each package and rule that it breaks
 */
export function brokenManifestRules() {
  const root = JSON.parse(readFileSync(join(rootDir, 'package.json'), 'utf8'));
  return workspacePackages().flatMap((one) => {
    const { manifest, folder, dir } = one;
    const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
    const used = importedPackages(dir).filter((name) => name.startsWith('@keyturn/') && name !== one.name);
    const entries = Object.entries(manifest.exports ?? {}).filter(
      ([subpath]) => subpath !== './package.json',
    );
    /** @type {[boolean, string][]} */
    const rules = [
      [/^@keyturn\/[a-z0-9-]+$/.test(one.name), 'name: must be @keyturn/…'],
      [manifest.name?.endsWith(`/${folder.split('/').at(-1)}`), 'name: must end like its folder'],
      [typeof manifest.description === 'string' && manifest.description !== '', 'description: is missing'],
      [manifest.license === root.license, `license: must be ${root.license}`],
      [manifest.engines?.node === root.engines.node, `engines.node: must be ${root.engines.node}`],
      [manifest.sideEffects === false, 'sideEffects: must be false'],
      [manifest.type === 'module', 'type: must be module'],
      [manifest.private !== true, 'private: a package below packages/ is published'],
      [
        ['dist', 'README.md', 'LICENSE'].every((file) => manifest.files?.includes(file)),
        'files: dist, README.md, LICENSE',
      ],
      [existsSync(join(dir, 'README.md')), 'README.md: is missing'],
      [existsSync(join(dir, 'LICENSE')), 'LICENSE: is missing'],
      [
        manifest.scripts?.postinstall === undefined && manifest.scripts?.install === undefined,
        'scripts: none at install',
      ],
      [entries.length > 0, 'exports: names no entry'],
      ...entries.map(
        ([subpath, target]) =>
          /** @type {[boolean, string]} */ ([
            isDual(target),
            `exports ${subpath}: import and require, types first in each`,
          ]),
      ),
      ...used.map(
        (name) =>
          /** @type {[boolean, string]} */ ([
            name in declared,
            `dependencies: ${name} is imported, not declared`,
          ]),
      ),
    ];
    return rules.filter(([holds]) => !holds).map(([, problem]) => `${folder}: ${problem}`);
  });
}

/** @param {any} target of one entry of `exports` */
function isDual(target) {
  return ['import', 'require'].every((condition) => {
    const keys = Object.keys(target?.[condition] ?? {});
    return keys[0] === 'types' && keys.includes('default');
  });
}

/** @param {string} dir @returns {string[]} names of the packages that its sources import */
function importedPackages(dir) {
  const specifiers = filesBelow(join(dir, 'src'))
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) =>
      ts.preProcessFile(readFileSync(file, 'utf8')).importedFiles.map(({ fileName }) => fileName),
    );
  const names = specifiers.map((specifier) => {
    const parts = specifier.split('/');
    return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
  });
  return [...new Set(names)].filter((name) => name !== undefined);
}
