import { skipTest, type TestFunctions } from '../test-functions.js';
import { IntegrationBench } from './integration-bench.js';
import { INTEGRATION_CHECKS, type IntegrationCheck } from './integration-checks.js';
import type { IntegrationUnderTest } from './integration-under-test.js';

/**
 * The suite that every integration passes, before a real backend: nothing fails while credentials rotate under
 * load, its limit on connections holds, a credential is let go of before it is revoked, a bad one changes nothing,
 * work under way survives a swap, a missed rotation heals, close closes, and no credential shows.
 *
 * ```ts
 * testIntegration({ describe, it }, 'pg', async () => ({
 *   backend: { issue, revoke, liveConnections },
 *   max: 10,
 *   open(source, ref) {
 *     const pool = createPool(source, ref, { host, database, max: 10 });
 *     return {
 *       use: async () => (await pool.query('select current_user')).rows[0].current_user,
 *       close: async () => { if (!pool.ending) await pool.end(); },
 *       exposed: [pool],
 *     };
 *   },
 * }));
 * ```
 *
 * @param functions of any test runner
 * @param name of the integration
 * @param create called for each test
 */
export function testIntegration(
  { describe, it }: TestFunctions,
  name: string,
  create: () => Promise<IntegrationUnderTest> | IntegrationUnderTest,
): void {
  describe(`integration conformance: ${name}`, () => {
    for (const check of INTEGRATION_CHECKS) {
      // Rest parameters: jest takes a body with a named one for one that calls back.
      it(check.name, async (...[context]) => {
        const reason = await runCheck(check, await create());
        if (reason !== undefined) skipTest(context, reason);
      });
    }
  });
}

/** Runs `check`; resolves with why it does not apply, if so. */
async function runCheck(
  check: IntegrationCheck,
  underTest: IntegrationUnderTest,
): Promise<string | undefined> {
  const bench = await IntegrationBench.open(underTest);
  try {
    const reason = check.notApplicable?.(underTest, bench.opened);
    if (reason !== undefined) return reason;
    await check.run(bench);
    bench.assertNothingShown();
    return undefined;
  } finally {
    await bench.close();
  }
}
