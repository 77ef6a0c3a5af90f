/** What is published is measured: run from its sources, the loops lose what the build lets the compiler know. */
const built = new URL('../../packages/core/dist/', import.meta.url);
export const { createSecrets } = (await import(
  new URL('index.js', built).href
)) as typeof import('@keyturn/core');
export const { SecretsError, systemClock } = (await import(
  new URL('provider.js', built).href
)) as typeof import('@keyturn/core/provider');
export const { fakeClock } = (await import(
  new URL('testing.js', built).href
)) as typeof import('@keyturn/core/testing');
