// @ts-check

/**
 * What is read of vitest's JSON report.
 * @typedef {{ name: string, status: string, message?: string, assertionResults: { status: string }[] }} FileReport
 * @typedef {{ testResults: FileReport[] }} TestReport
 */

/**
 * Counts a run. A file that failed without a failed test (it did not load, or a hook threw) counts as one failure; so
 * does a run that ended badly for another reason (an unhandled error, no test at all, a crash).
 *
 * @param {TestReport | undefined} report undefined when vitest wrote none
 * @param {number} exitCode vitest's
 */
export function tally(report, exitCode) {
  const files = report?.testResults ?? [];
  const tests = files.flatMap(({ assertionResults }) => assertionResults);
  const of = (/** @type {string} */ status) => tests.filter((test) => test.status === status).length;
  const passed = of('passed');
  const broken = files.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
  );
  const problems = broken.map(({ name, message }) => `${name} could not run: ${message ?? ''}`.trim());
  let failed = of('failed') + broken.length;
  if (passed + failed === 0) {
    problems.push('no test ran');
    failed = 1;
  } else if (exitCode !== 0 && failed === 0) {
    problems.push(
      `every test passed, but the run ended with exit code ${exitCode} (an unhandled error, see above)`,
    );
    failed = 1;
  }
  return { passed, failed, skipped: tests.length - passed - of('failed'), problems };
}

/** @param {{ passed: number, failed: number, skipped: number }} counts */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/**
 * One line for each file with skipped tests, saying why.
 *
 * @param {TestReport | undefined} report
 * @param {string} reasons lines of `<file>\t<reason>`, as test/servers/require-server.ts leaves them
 * @param {string} rootDir
 */
export function skippedFiles(report, reasons, rootDir) {
  const why = new Map(
    reasons
      .split('\n')
      .filter((line) => line.includes('\t'))
      .map((line) => /** @type {[string, string]} */ (line.split('\t', 2))),
  );
  return (report?.testResults ?? []).flatMap(({ name, assertionResults }) => {
    const skipped = assertionResults.filter(
      ({ status }) => status !== 'passed' && status !== 'failed',
    ).length;
    if (skipped === 0) return [];
    const reason = why.get(name) ?? 'by the test itself';
    return [`skipped: ${skipped} of ${name.replace(`${rootDir}/`, '')}: ${reason}`];
  });
}
