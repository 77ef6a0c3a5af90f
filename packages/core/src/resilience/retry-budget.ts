/** How many retries may be made before any call has succeeded, and how many can be saved up. */
const MOST = 10;
/** What each call earns towards a retry. */
const EARNED = 0.1;

/**
 * Bounds the retries of one store to a tenth of its calls, and ten: when everything fails, three attempts for each
 * caller would be three times the load on a store that is in trouble already.
 *
 * The token bucket of gRPC (proposal A6, retry throttling) and Finagle.
 */
export class RetryBudget {
  #left = MOST;

  /** A call begins, not counting retries. */
  earn(): void {
    this.#left = Math.min(MOST, this.#left + EARNED);
  }

  /** Whether one more retry may be made; counts it if so. */
  spend(): boolean {
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
