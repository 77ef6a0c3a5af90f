import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { targets } from '../../scripts/tooling/stale-builds.mjs';
import { workspacePackages } from '../../scripts/tooling/workspace-packages.mjs';
import { type PackedPackages, packPackages } from './packed-packages.js';

const run = promisify(execFile);
const published = workspacePackages();
const entries = published.flatMap(({ name, manifest }) =>
  Object.keys(manifest.exports)
    .filter((subpath) => subpath !== './package.json')
    .map((subpath) => ({ name, entry: name + subpath.slice(1), peers: neededPeers(manifest) })),
);

let packed: PackedPackages;
beforeAll(async () => {
  packed = await packPackages();
}, 300_000);
afterAll(() => packed?.remove());

describe.each(published)('the tarball of $name', ({ name, manifest }) => {
  test('holds every file that exports names, the licence and the README, and no source or test', () => {
    const files = packed.files(name);
    const named = targets(manifest.exports).map((target) => target.replace(/^\.\//, ''));
    expect(files).toEqual(expect.arrayContaining([...named, 'LICENSE', 'README.md']));
    expect(files.filter((file) => /^(?:src|test)\/|\.env|\.npmrc|tsconfig/.test(file))).toEqual([]);
  });
});

describe.each(entries)('$entry', ({ name, entry, peers }) => {
  test('gives the same names to import and require, leaves nothing behind, and needs only what is declared', async () => {
    const folder = packed.installAlone(name);
    const [esm, cjs] = await Promise.all([
      loaded(folder, 'probe.mjs', peers, (name) => `await import(${JSON.stringify(name)})`, entry),
      loaded(folder, 'probe.cjs', peers, (name) => `require(${JSON.stringify(name)})`, entry),
    ]);
    expect(esm.names).toEqual(cjs.names);
    expect(esm.names).not.toHaveLength(0);
    expect(esm.names).not.toContain('default');
    for (const { globals, listeners, resources } of [esm, cjs]) {
      expect({ globals, listeners, resources }).toEqual({ globals: [], listeners: [], resources: [] });
    }
  });
});

test('an error of one format is recognized by the other', async () => {
  const folder = packed.installAlone('@keyturn/core');
  const file = join(folder, 'both.mjs');
  writeFileSync(
    file,
    `import { createRequire } from 'node:module';
     import { isSecretsError, SecretsError } from '@keyturn/core';
     const cjs = createRequire(import.meta.url)('@keyturn/core');
     const error = new cjs.SecretsError('closed', { problem: 'a', remedy: 'b' });
     console.log(isSecretsError(error), cjs.isSecretsError(new SecretsError('closed', { problem: 'a', remedy: 'b' })));`,
  );
  expect((await run(process.execPath, [file])).stdout.trim()).toBe('true true');
});

test('a redactor of one format is one to the other', async () => {
  const folder = packed.installAlone('@keyturn/redact');
  const file = join(folder, 'redactors.mjs');
  writeFileSync(
    file,
    `import { createRequire } from 'node:module';
     import { createRedactor } from '@keyturn/redact';
     import { checkRedactor } from '@keyturn/redact/http';
     const cjs = createRequire(import.meta.url);
     checkRedactor(cjs('@keyturn/redact').createRedactor());
     cjs('@keyturn/redact/http').checkRedactor(createRedactor());
     console.log('both');`,
  );
  expect((await run(process.execPath, [file])).stdout.trim()).toBe('both');
});

test('no package carries a copy of the core', () => {
  for (const { name, dir, manifest } of published.filter((one) => one.name !== '@keyturn/core')) {
    const outputs = targets(manifest.exports).filter((target) => /\.c?js$/.test(target));
    for (const output of outputs) {
      const copies = readFileSync(join(dir, output), 'utf8').match(/class \w*SecretsError\w*/g) ?? [];
      expect(copies, `${name} ${output}`).toEqual([]);
    }
  }
});

interface Probe {
  readonly names: readonly string[];
  readonly globals: readonly string[];
  readonly listeners: readonly string[];
  readonly resources: readonly string[];
}

/** What the user has beside the package, and what leaves traces of its own. */
function neededPeers({ peerDependencies = {}, peerDependenciesMeta = {} }): string[] {
  const meta: Readonly<Record<string, { readonly optional?: boolean }>> = peerDependenciesMeta;
  return Object.keys(peerDependencies).filter(
    (name) => !name.startsWith('@keyturn/') && !meta[name]?.optional,
  );
}

/** Loads an entry in a process of its own and tells what it exports and what it has left in the process. */
async function loaded(
  folder: string,
  fileName: string,
  peers: readonly string[],
  load: (name: string) => string,
  entry: string,
): Promise<Probe> {
  const file = join(folder, fileName);
  writeFileSync(
    file,
    `${peers.map((peer) => `${load(peer)};`).join('\n')}
     void [process.stdout, process.stderr]; // Made at their first use, by anybody.
     const globals = new Set(Object.getOwnPropertyNames(globalThis));
     const listeners = new Set(process.eventNames());
     const resources = process.getActiveResourcesInfo().length;
     const api = ${load(entry)};
     const names = Object.keys(api).filter((name) => name !== 'module.exports').sort();
     console.log(JSON.stringify({
       names,
       globals: Object.getOwnPropertyNames(globalThis).filter((name) => !globals.has(name)),
       listeners: process.eventNames().filter((name) => !listeners.has(name)).map(String),
       resources: process.getActiveResourcesInfo().slice(resources),
     }));`,
  );
  const { stdout } = await run(process.execPath, [file], { cwd: folder });
  return JSON.parse(stdout) as Probe;
}
