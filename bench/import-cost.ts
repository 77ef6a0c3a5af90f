import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { medians, report } from './harness.js';

/*
 * Question: what does importing each package cost a process that starts?
 * Floor: a process whose module is empty. Budget: 10 ms for the core; no SDK or driver is loaded before its first use.
 */

const folder = mkdtempSync(fileURLToPath(new URL('import-cost-', import.meta.url)));
process.on('exit', () => rmSync(folder, { recursive: true }));

/** A process that runs nothing but `script`, as a module or, by its extension, as a script. */
function starting(name: string, script: string): () => number {
  const file = join(folder, name);
  writeFileSync(file, script);
  return () => {
    const beganMs = performance.now();
    const { status } = spawnSync(process.execPath, [file]);
    if (status !== 0) throw new Error(`node ${name} failed: ${script}; run npm run build first`);
    return performance.now() - beganMs;
  };
}

const PACKAGES = [
  '@keyturn/core',
  '@keyturn/vault',
  '@keyturn/mounted-files',
  '@keyturn/env',
  '@keyturn/redact',
  'pg',
  '@keyturn/pg',
] as const;
const importing = Object.fromEntries(
  PACKAGES.map((name, number) => [name, starting(`${number}.mjs`, `import '${name}'`)]),
) as Record<(typeof PACKAGES)[number], () => number>;

const took = await medians(21, {
  empty: starting('empty.mjs', ''),
  emptyRequired: starting('empty.cjs', ''),
  coreRequired: starting('core.cjs', "require('@keyturn/core')"),
  ...importing,
});
const budget = { atMost: 10 };

report('import-cost', 'how much longer does a process take that imports …?', [
  { name: 'an empty module', value: took.empty, unit: 'ms' },
  ...PACKAGES.map((name) => ({
    name: name === '@keyturn/pg' ? `${name} (with pg)` : name,
    value: took[name] - took.empty,
    unit: 'ms more',
    ...(name === '@keyturn/core' ? { budget } : {}),
  })),
  {
    name: '@keyturn/core, required',
    value: took.coreRequired - took.emptyRequired,
    unit: 'ms more',
    budget,
  },
]);
