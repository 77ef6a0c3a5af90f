import type { Clock } from '../time/clock.js';

/** What a provider can be asked to do; the session's own methods under names of their own. */
export type ProviderMethod =
  | 'fetch'
  | 'fetchMany'
  | 'renew'
  | 'revoke'
  | 'watch'
  | 'list'
  | 'login'
  | 'renewLogin'
  | 'revokeLogin'
  | 'isAlive'
  | 'close';

/** One call of a provider. */
export interface ProviderCall {
  readonly method: ProviderMethod;
  /** The path, prefix or lease id; of `fetchMany` the paths, joined by commas; empty for logins and `close`. */
  readonly subject: string;
  /** When it came, on the monotonic clock. */
  readonly atMs: number;
}

/** What a test may ask about the calls that a provider has seen. */
export interface CallRecord {
  /** Every call so far, in order, however it ended. */
  readonly calls: readonly ProviderCall[];
  /** How many calls of `method` there were, of all subjects or of one. */
  count(method: ProviderMethod, subject?: string): number;
  /** The most calls of `method` that were ever under way at once, for any one subject or for the given one. */
  peak(method: ProviderMethod, subject?: string): number;
}

/** Writes down calls, and how many of the same kind run at once. */
export class CallLog implements CallRecord {
  readonly calls: ProviderCall[] = [];
  readonly #clock: Clock;
  readonly #underWay = new Map<string, number>();
  readonly #peaks = new Map<string, { readonly method: ProviderMethod; most: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Writes down a call that has no end of its own. */
  note(method: ProviderMethod, subject: string): ProviderCall {
    const call = { method, subject, atMs: this.#clock.monotonicMs() };
    this.calls.push(call);
    return call;
  }

  /** Runs a call and writes it down. */
  async run<Result>(
    method: ProviderMethod,
    subject: string,
    act: (call: ProviderCall) => Promise<Result>,
  ): Promise<Result> {
    const call = this.note(method, subject);
    const key = `${method} ${subject}`;
    const underWay = (this.#underWay.get(key) ?? 0) + 1;
    this.#underWay.set(key, underWay);
    this.#peaks.set(key, { method, most: Math.max(underWay, this.#peaks.get(key)?.most ?? 0) });
    try {
      return await act(call);
    } finally {
      this.#underWay.set(key, (this.#underWay.get(key) ?? 1) - 1);
    }
  }

  count(method: ProviderMethod, subject?: string): number {
    return this.calls.filter(
      (call) => call.method === method && (subject === undefined || call.subject === subject),
    ).length;
  }

  peak(method: ProviderMethod, subject?: string): number {
    if (subject !== undefined) return this.#peaks.get(`${method} ${subject}`)?.most ?? 0;
    const peaks = [...this.#peaks.values()].filter((peak) => peak.method === method);
    return Math.max(0, ...peaks.map(({ most }) => most));
  }
}
