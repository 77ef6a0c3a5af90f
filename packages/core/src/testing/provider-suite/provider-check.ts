import type { ProviderBench } from './provider-bench.js';
import type { ProviderCapability, ProviderUnderTest } from './provider-under-test.js';

/** What a check needs besides `fetch` and `put`. */
export type Need = ProviderCapability | 'leased' | 'remove' | 'disconnect' | 'freeze' | 'capabilities';

/** One thing that the core relies on. */
export interface ProviderCheck {
  readonly name: string;
  readonly needs?: readonly Need[];
  /** Rejects when it does not hold. */
  run(bench: ProviderBench): Promise<void>;
}

export const CAPABILITIES: readonly ProviderCapability[] = [
  'fetchMany',
  'renew',
  'revoke',
  'watch',
  'list',
  'session',
];

/** Why a check does not apply; undefined when it does. */
export function notApplicable(
  { needs = [] }: ProviderCheck,
  underTest: ProviderUnderTest,
): string | undefined {
  const missing = needs.find((need) =>
    isCapability(need) ? underTest.provider[need] === undefined : underTest[need] === undefined,
  );
  if (missing === undefined) return undefined;
  return isCapability(missing) ? `the provider has no ${missing}` : `the test was given no ${missing}`;
}

function isCapability(need: Need): need is ProviderCapability {
  return (CAPABILITIES as readonly string[]).includes(need);
}
