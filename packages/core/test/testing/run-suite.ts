import type { TestFunctions } from '@keyturn/core/testing';

/** What came of a suite. */
export interface SuiteReport {
  readonly passed: readonly string[];
  /** Why each failed, by name. */
  readonly failed: ReadonlyMap<string, string>;
  /** Why each was skipped, by name. */
  readonly skipped: ReadonlyMap<string, string>;
}

/** Runs a suite without a test runner; only the tests that `only` picks, if given. */
export async function runSuite(
  declare: (functions: TestFunctions) => void,
  only: (name: string) => boolean = () => true,
): Promise<SuiteReport> {
  const tests: [name: string, body: (context?: unknown) => Promise<void>][] = [];
  declare({ describe: (_, body) => body(), it: (name, body) => void tests.push([name, body]) });
  const passed: string[] = [];
  const failed = new Map<string, string>();
  const skipped = new Map<string, string>();
  for (const [name, body] of tests.filter(([name]) => only(name))) {
    try {
      await body({ skip: (why: string) => skipped.set(name, why) });
      if (!skipped.has(name)) passed.push(name);
    } catch (error) {
      failed.set(name, error instanceof Error ? error.message : String(error));
    }
  }
  return { passed, failed, skipped };
}
