/** Reads time and waits for a caller. Everything that decides from time takes one of these. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch; may jump. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start; never goes back, may stand still while a host is suspended. */
  monotonicMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /**
   * Resolves after `delayMs` milliseconds; rejects with the signal's reason as soon as it aborts.
   *
   * Does not keep the process alive, unless `hold` is set because a caller is waiting for the outcome.
   */
  sleep(delayMs: number, options?: SleepOptions): Promise<void>;
}

export interface SleepOptions {
  readonly signal?: AbortSignal;
  readonly hold?: boolean;
}

/** Calls back later. Only the lease manager's timer queue takes this. Never keeps the process alive. */
export interface Timers {
  /** Calls `callback` once after `delayMs` milliseconds, which must lie in [0, 2^31 − 1]. */
  arm(delayMs: number, callback: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** What the composition root is given: the host's time, or a test's. */
export interface HostClock extends Clock, Timers {}
