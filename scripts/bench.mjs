// @ts-check
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setup } from './setup.mjs';

/*
 * npm run bench [-- name …]: measures, prints a table for each bench, and fails when a budget is missed by more
 * than 15 %. Ratios are to a floor or a peer of the same run.
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const names = readdirSync(`${root}/bench`)
  .filter((file) => file.endsWith('.ts') && file !== 'harness.ts')
  .map((file) => file.slice(0, -'.ts'.length));
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !names.includes(name));
if (unknown !== undefined) {
  console.error(`There is no bench ${unknown}. There are: ${names.join(', ')}.`);
  process.exit(2);
}

const { dependencies, builds } = await setup();
if (!dependencies || !builds) process.exit(1);
for (const name of asked.length > 0 ? asked : names) {
  const { status } = spawnSync(process.execPath, ['--expose-gc', '--import', 'tsx', `bench/${name}.ts`], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
