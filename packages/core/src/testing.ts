/**
 * For tests: of applications, of providers and of integrations. Needs no particular test runner.
 *
 * @module
 */
export { type ChaosProvider, chaosProvider, type Disturbance } from './testing/chaos-provider.js';
export { type FakeClock, fakeClock } from './testing/fake-clock.js';
export { type Credential, type IntegrationUnderTest, testIntegration } from './testing/integration-suite.js';
export { assertNoLeak, type LeakProbe, leakProbe } from './testing/leak-probe.js';
export {
  type DynamicPath,
  type MemoryProvider,
  memoryProvider,
  type SecretData,
  type StoreCall,
} from './testing/memory-provider.js';
export { type ProviderUnderTest, testProvider } from './testing/provider-suite.js';
export type { TestFunctions } from './testing/test-functions.js';
export { type TestSource, testSource } from './testing/test-source.js';
