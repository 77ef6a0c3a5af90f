// @ts-check
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setup } from './setup.mjs';
import { closingLine, skippedFiles, tally } from './tooling/test-report.mjs';
import { rootDir } from './tooling/workspace-packages.mjs';

const USAGE = `npm test [-- filter…]

  filter   run only the test files whose path contains it; what begins with a dash goes to vitest

  KEYTURN_REQUIRE_SERVERS=1   fail where a server cannot be had, instead of skipping
  KEYTURN_WITHOUT_SERVERS=1   leave the real servers out, for a quick look
  KEYTURN_BAO=/path/to/bao    the OpenBao to use

A full run takes five to ten minutes on two cores.`;

/**
 * `npm test [-- filter…]`: sets the clone up and runs every suite, or those whose path contains a filter. Arguments
 * that begin with a dash go to vitest. Coverage is measured on a full run.
 *
 * The last line reads `N passed, N failed, N skipped`. No test at all is a failure.
 */
async function main() {
  const asked = process.argv.slice(2);
  const { dependencies, builds } = await setup();
  if (!dependencies) return { passed: 0, failed: 1, skipped: 0 };

  const reportDir = mkdtempSync(join(tmpdir(), 'keyturn-test-'));
  const reportFile = join(reportDir, 'report.json');
  const skipsFile = join(reportDir, 'skips.txt');
  try {
    const status = await vitest(
      [
        'run',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${reportFile}`,
        ...(asked.some((word) => !word.startsWith('-')) ? [] : ['--coverage']),
        ...asked,
      ],
      { ...process.env, KEYTURN_SKIPS_FILE: skipsFile },
    );
    const report = readJson(reportFile);
    const { problems, ...counts } = tally(report, status);
    for (const line of skippedFiles(report, readText(skipsFile), rootDir)) console.log(line);
    for (const problem of problems) console.log(`test: ${problem}`);
    if (builds) return counts;
    console.log('test: a package could not be built, see above');
    return { ...counts, failed: counts.failed + 1 };
  } finally {
    rmSync(reportDir, { recursive: true, force: true });
  }
}

/**
 * @param {readonly string[]} args
 * @param {Record<string, string | undefined>} env
 * @returns {Promise<number>} the exit code
 */
function vitest(args, env) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(rootDir, 'node_modules/vitest/vitest.mjs'), ...args], {
      cwd: rootDir,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
      // A group of its own: vitest alone would leave its workers behind, in the middle of a test.
      detached: true,
    });
    const passOn = (/** @type {NodeJS.Signals} */ signal) => {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    };
    for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT', 'SIGHUP'])) process.once(signal, passOn);
    child.on('error', () => resolve(1));
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** @param {string} file */
function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** @param {string} file */
function readJson(file) {
  const text = readText(file);
  return text === '' ? undefined : JSON.parse(text);
}

if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
  console.log(USAGE);
  process.exit();
}
const counts = await main();
process.exitCode = counts.failed > 0 ? 1 : 0;
console.log(closingLine(counts));
