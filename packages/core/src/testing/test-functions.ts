/** The functions of a test runner, as vitest, jest and node:test have them. The suites bring their own assertions. */
export interface TestFunctions {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
}

/** @throws Error with `message` when `condition` does not hold */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** What `call` rejects with. @throws Error when it does not reject */
export async function rejection(call: () => Promise<unknown>, what: string): Promise<unknown> {
  let outcome: unknown;
  try {
    outcome = await call();
  } catch (error) {
    return error;
  }
  throw new Error(`${what} must reject, but resolved${outcome === undefined ? '' : ' with something'}.`);
}
