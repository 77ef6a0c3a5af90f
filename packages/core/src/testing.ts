/**
 * For tests: of applications, of providers and of integrations. Needs no particular test runner.
 *
 * @module
 */
export type { CallRecord, ProviderCall, ProviderMethod } from './testing/call-log.js';
export type { BadAnswer } from './testing/chaos/bad-answer.js';
export type { FailureFacts, Fault, FaultScope, Moment } from './testing/chaos/fault.js';
export { type ChaosProvider, chaosProvider } from './testing/chaos-provider.js';
export { type FakeClock, fakeClock } from './testing/fake-clock.js';
export type {
  BackendCredential,
  IntegrationBackend,
  IntegrationUnderTest,
  OpenedIntegration,
} from './testing/integration-suite/integration-under-test.js';
export { testIntegration } from './testing/integration-suite/test-integration.js';
export { assertNoLeak, type Leak, type LeakProbe, leakProbe } from './testing/leak-probe.js';
export type { LeaseTerms, StoreLease } from './testing/memory/lease-book.js';
export type { Login, LoginPolicy } from './testing/memory/login-book.js';
export type { LeasedPath, PlainTerms, RotatingPath, SecretData } from './testing/memory/secret-shelf.js';
export {
  type MemoryProvider,
  type MemoryProviderOptions,
  memoryProvider,
} from './testing/memory-provider.js';
export type { ProviderCapability, ProviderUnderTest } from './testing/provider-suite/provider-under-test.js';
export { testProvider } from './testing/provider-suite/test-provider.js';
export type { TestFunctions } from './testing/test-functions.js';
export { type TestSource, type TestSourceOptions, testSource } from './testing/test-source.js';
