import type { Route } from '../provider/router.js';
import type { Target } from '../provider/target.js';
import type { Clock } from '../time/clock.js';
import { refetchAfterMs } from './schedule.js';

/**
 * Follows a provider's hints that `target` may have changed, until `signal` aborts. A watch that fails or ends
 * is begun again after a wait. Hints may be missed, doubled or late; whoever follows them polls as well.
 */
export async function followHints(
  { runtime, failover }: Route,
  target: Target,
  {
    clock,
    signal,
    changed,
  }: { readonly clock: Clock; readonly signal: AbortSignal; readonly changed: () => Promise<void> },
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const address = failover.preferred(clock.monotonicMs());
      for await (const _ of runtime.watch(target, { signal, address })) {
        failures = 0;
        await changed();
      }
    } catch {
      // The poll reports what is wrong with the store; a broken watch alone costs only promptness.
    }
    await clock.sleep(refetchAfterMs(failures, clock.random()), { signal }).catch(() => {});
  }
}
