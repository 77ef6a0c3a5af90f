import type { Provider, ProviderRef } from '../../provider/contract.js';
import type { Clock } from '../../time/clock.js';

/** What a provider may be able to do besides `fetch`. */
export type ProviderCapability = 'fetchMany' | 'renew' | 'revoke' | 'watch' | 'list' | 'session';

/** A provider before a backend that the suite may write to: a fresh one for each test. */
export interface ProviderUnderTest {
  readonly provider: Provider;
  /**
   * Given to every call. Default the host's. A `fakeClock()` is moved by the suite where it waits, so give one only
   * when the backend lives in it as well.
   */
  readonly clock?: Clock;
  /**
   * Writes `fields` to the backend under `name` (small letters, digits, `-` and `/`), in the place of what it had.
   * A backend without fields is given their JSON text. Resolves, once readers see it, with what to ask for; the
   * same for the same name.
   */
  put(name: string, fields: Readonly<Record<string, string>>): Promise<ProviderRef> | ProviderRef;
  /** What the provider is able to do. When given, one that it has lost, or has gained untold, fails the suite. */
  readonly capabilities?: readonly ProviderCapability[];
  /** What to ask for to be given a new lease each time, where the backend has leases. */
  readonly leased?: ProviderRef;
  /** Deletes what `put` wrote. */
  remove?(ref: ProviderRef): Promise<void> | void;
  /** Makes the backend unreachable. */
  disconnect?(): Promise<void> | void;
  /** Makes the backend take calls and answer none. */
  freeze?(): Promise<void> | void;
  /** What the provider itself logs in with (tokens, passwords): it must not show them anywhere. */
  readonly credentials?: readonly string[];
  /** Called at the end of each test, after `provider.close()`. */
  stop?(): Promise<void> | void;
}
