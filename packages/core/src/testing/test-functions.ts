/**
 * The two functions that a suite is registered with, as vitest, jest, mocha and node:test have them. The suites
 * bring their own assertions.
 */
export interface TestFunctions {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: (context?: unknown) => Promise<void>): unknown;
}

/**
 * Says that a test does not apply, where the runner can show that: `context` is what it gave to the test's body.
 * Where it can't, the test counts as passed.
 */
export function skipTest(context: unknown, why: string): void {
  const { skip } = (context ?? {}) as { readonly skip?: unknown };
  if (typeof skip === 'function') Reflect.apply(skip, context, [why]);
}
