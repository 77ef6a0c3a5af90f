// @ts-check
import { setup } from './setup.mjs';
import { inParallel } from './tooling/in-parallel.mjs';
import { brokenManifestRules } from './tooling/manifest-rules.mjs';
import { runTool, seconds } from './tooling/run-command.mjs';
import { workspacePackages } from './tooling/workspace-packages.mjs';

/**
 * `npm run check`: everything that can be said about the sources without running them. One line for each step, what
 * a failed step had to say, and a last line with the counts.
 */

const { dependencies, builds } = await setup();
if (!dependencies) {
  console.log('check: 0 passed, 1 failed');
  process.exit(1);
}
// Needs typescript, which may not have been there before.
const { brokenSourceRules } = await import('./tooling/source-rules.mjs');

/** @typedef {{ name: string, run: () => Promise<string | undefined> }} Step a step resolves with its complaint */

/**
 * @param {string} name
 * @param {string} script
 * @param {readonly string[]} args
 * @param {string} [cwd]
 * @returns {Step}
 */
const tool = (name, script, args, cwd) => ({
  name,
  async run() {
    const { status, output } = await runTool(script, args, cwd === undefined ? {} : { cwd });
    return status === 0 ? undefined : output;
  },
});

/** @param {string} name @param {() => string[]} find @returns {Step} */
const rules = (name, find) => ({
  name,
  async run() {
    const broken = find();
    return broken.length === 0 ? undefined : broken.join('\n');
  },
});

const packages = workspacePackages();
/** @type {Step[]} */
const steps = [
  rules('build', () => (builds ? [] : ['a package could not be built, see above'])),
  tool('types', 'typescript/bin/tsc', ['-p', '.']),
  tool('lint and format', '@biomejs/biome/bin/biome', ['check', '.']),
  tool('layers', 'dependency-cruiser/bin/dependency-cruise.mjs', [
    'packages',
    '--config',
    '.dependency-cruiser.cjs',
  ]),
  rules('time, plaintext, timers', brokenSourceRules),
  rules('manifests', brokenManifestRules),
  ...packages.flatMap(({ name, dir }) => [
    tool(`publint ${name}`, 'publint/src/cli.js', ['--strict'], dir),
    // Node 10's resolution knows no subpaths; every Node that the packages support does.
    tool(`attw ${name}`, '@arethetypeswrong/cli/dist/index.js', ['--pack', '.', '--profile', 'node16'], dir),
  ]),
];

const passed = await inParallel(steps, async ({ name, run }) => {
  const startedMs = performance.now();
  const complaint = await run();
  const took = seconds(performance.now() - startedMs);
  console.log(
    complaint === undefined ? `ok      ${name} (${took})` : `FAILED  ${name} (${took})\n${complaint}`,
  );
  return complaint === undefined;
});
const failures = passed.filter((one) => !one).length;
process.exitCode = failures > 0 ? 1 : 0;
console.log(`check: ${passed.length - failures} passed, ${failures} failed`);
