/**
 * What each error code means to the machinery: the one table that retry, breaker and stale-serving read.
 *
 * - `retry`: the same call may succeed shortly; a waiting caller tries again.
 * - `tripsBreaker`: counts as a failure of the backend. Not `bad-response`: an empty secret says nothing of the others.
 * - `serveStale`: within `maxStale`, the value held before may be handed out in its place.
 */
export const ERROR_POLICY = {
  'not-found': { retry: false, tripsBreaker: false, serveStale: false },
  'permission-denied': { retry: false, tripsBreaker: false, serveStale: false },
  'lease-lost': { retry: false, tripsBreaker: false, serveStale: false },
  unauthenticated: { retry: false, tripsBreaker: false, serveStale: true },
  'circuit-open': { retry: false, tripsBreaker: false, serveStale: true },
  'rate-limited': { retry: true, tripsBreaker: false, serveStale: true },
  timeout: { retry: true, tripsBreaker: true, serveStale: true },
  unavailable: { retry: true, tripsBreaker: true, serveStale: true },
  'bad-response': { retry: false, tripsBreaker: false, serveStale: true },
  unsupported: { retry: false, tripsBreaker: false, serveStale: false },
  'invalid-ref': { retry: false, tripsBreaker: false, serveStale: false },
  'invalid-config': { retry: false, tripsBreaker: false, serveStale: false },
  'invalid-value': { retry: false, tripsBreaker: false, serveStale: false },
  aborted: { retry: false, tripsBreaker: false, serveStale: false },
  closed: { retry: false, tripsBreaker: false, serveStale: false },
} as const satisfies Record<string, ErrorPolicy>;

/** One row of {@link ERROR_POLICY}. */
export interface ErrorPolicy {
  readonly retry: boolean;
  readonly tripsBreaker: boolean;
  readonly serveStale: boolean;
}

/** The closed set of reasons why Keyturn can fail. */
export type ErrorCode = keyof typeof ERROR_POLICY;
