// @ts-check
import { existsSync, mkdirSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { setup } from './setup.mjs';
import { exclusively } from './tooling/exclusively.mjs';
import { runCommand, runTool, seconds } from './tooling/run-command.mjs';
import { rootDir } from './tooling/workspace-packages.mjs';

/**
 * `node scripts/node-matrix.mjs [major…]`: runs what needs no server on other versions of Node: each package's own
 * tests, and every entry imported and required from its tarball. The default is every release line after the oldest
 * one that the packages support, which `npm test` itself should run on.
 *
 * The versions come from npm packages that carry the binary, in a folder of their own: in the project's node_modules
 * one of them would take the place of `node`.
 */
const MAJORS = ['22', '24', '26'];
const matrixDir = join(rootDir, '.matrix');

const asked = process.argv.slice(2);
const majors = asked.length > 0 ? asked : MAJORS;
const { dependencies, builds } = await setup();
if (!dependencies || !builds || !(await exclusively('node-matrix', () => install(majors)))) process.exit(1);

let failed = 0;
for (const major of majors) {
  const version = (await runCommand(nodeOf(major), ['--version'])).output.trim();
  // The suites start other Nodes as `process.execPath`, so it is this version all the way down.
  const { status, output, tookMs } = await runTool(
    'vitest/vitest.mjs',
    ['run', '--reporter=default', 'packages/', 'test/packaging/entries.test.ts'],
    {
      node: nodeOf(major),
      env: { ...process.env, KEYTURN_WITHOUT_SERVERS: '1', NO_COLOR: '1' },
      label: `node ${version}`,
    },
  );
  if (status !== 0) failed += 1;
  const summary = output.split('\n').filter((line) => /^ *(?:Test Files|Tests) /.test(line));
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'}  node ${version} (${seconds(tookMs)})`);
  console.log(status === 0 ? summary.join('\n') : failuresOf(output));
}
process.exitCode = failed > 0 ? 1 : 0;
console.log(`matrix: ${majors.length - failed} passed, ${failed} failed`);

/** What vitest says of the tests that failed, which it does last; all that it said when it did not come to that.
 * @param {string} output */
function failuresOf(output) {
  return output.slice(Math.max(0, output.search(/^.*Failed (?:Suites|Tests) \d/m)));
}

/** @param {string} major */
function nodeOf(major) {
  return join(matrixDir, `node_modules/node${major}/bin/node`);
}

/** @param {readonly string[]} wanted @returns {Promise<boolean>} */
async function install(wanted) {
  const missing = wanted.filter((major) => !existsSync(nodeOf(major)));
  if (missing.length === 0) return true;
  mkdirSync(matrixDir, { recursive: true });
  const { status, output } = await runCommand(
    'npm',
    [
      ...['install', '--prefix', matrixDir, '--no-bin-links', '--ignore-scripts', '--no-audit', '--no-fund'],
      ...wanted.map((major) => `node${major}@npm:node-${platform()}-${arch()}@${major}`),
    ],
    { cwd: matrixDir, label: 'matrix: npm install' },
  );
  if (status !== 0) console.log(`matrix: Node ${missing.join(', ')} cannot be installed\n${output}`);
  return status === 0;
}
