import type { TestFunctions } from '@keyturn/core/testing';

/** Runs a suite without a test runner; resolves with the tests that failed, by name, and why. */
export async function runSuite(declare: (functions: TestFunctions) => void): Promise<Map<string, string>> {
  const tests: [name: string, body: () => Promise<void>][] = [];
  declare({ describe: (_, body) => body(), it: (name, body) => void tests.push([name, body]) });
  const failed = new Map<string, string>();
  for (const [name, body] of tests) {
    await body().catch((error: Error) => failed.set(name, error.message));
  }
  return failed;
}
