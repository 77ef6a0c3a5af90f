import { skipTest, type TestFunctions } from '../test-functions.js';
import { ABORT_CHECKS } from './abort-checks.js';
import { BATCH_CHECKS } from './batch-checks.js';
import { GENERAL_CHECKS } from './general-checks.js';
import { LEASE_CHECKS } from './lease-checks.js';
import { LISTING_CHECKS } from './listing-checks.js';
import { PATH_CHECKS } from './path-checks.js';
import { ProviderBench } from './provider-bench.js';
import { notApplicable, type ProviderCheck } from './provider-check.js';
import type { ProviderUnderTest } from './provider-under-test.js';
import { READING_CHECKS } from './reading-checks.js';
import { SESSION_CHECKS } from './session-checks.js';
import { WATCH_CHECKS } from './watch-checks.js';

const CHECKS: readonly ProviderCheck[] = [
  ...GENERAL_CHECKS,
  ...READING_CHECKS,
  ...PATH_CHECKS,
  ...ABORT_CHECKS,
  ...BATCH_CHECKS,
  ...LISTING_CHECKS,
  ...WATCH_CHECKS,
  ...LEASE_CHECKS,
  ...SESSION_CHECKS,
];

/**
 * The conformance suite of providers: everything that the core relies on, one test each, before a real backend
 * wherever there is one. An optional method is tested when the provider has it; what cannot be tested is skipped by
 * name. Every value that the suite writes is a canary, looked for in all that the provider shows.
 *
 * ```ts
 * import { describe, it } from 'vitest';
 * testProvider({ describe, it }, 'memory', async () => {
 *   const store = memoryProvider();
 *   return {
 *     provider: store,
 *     capabilities: ['fetchMany', 'renew', 'revoke', 'watch', 'list'],
 *     put: (name, fields) => { store.set(name, fields); return { path: name }; },
 *     remove: ({ path }) => store.remove(path),
 *   };
 * });
 * ```
 *
 * @param functions of any test runner
 * @param name of the provider, and of how it is set up
 * @param create called for each test
 */
export function testProvider(
  { describe, it }: TestFunctions,
  name: string,
  create: () => Promise<ProviderUnderTest> | ProviderUnderTest,
): void {
  describe(`provider conformance: ${name}`, () => {
    for (const check of CHECKS) {
      // Rest parameters: jest takes a body with a named one for one that calls back.
      it(check.name, async (...[context]) => {
        const underTest = await create();
        const reason = notApplicable(check, underTest);
        if (reason === undefined) await runCheck(check, underTest);
        else {
          await underTest.provider.close?.();
          await underTest.stop?.();
          skipTest(context, reason);
        }
      });
    }
  });
}

async function runCheck(check: ProviderCheck, underTest: ProviderUnderTest): Promise<void> {
  const bench = await ProviderBench.open(underTest);
  try {
    await check.run(bench);
    bench.assertNothingShown();
  } finally {
    await bench.close();
  }
}
