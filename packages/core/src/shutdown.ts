import type { SecretCache } from './cache/secret-cache.js';
import { sharedAbort } from './concurrency/shared-abort.js';
import type { SecretsError } from './errors/secrets-error.js';
import type { LeaseManager } from './lease/lease-manager.js';
import type { Revocations } from './lease/revocations.js';
import type { Rotation } from './lease/rotation.js';
import type { SessionKeeper } from './lease/session-keeper.js';
import type { TimerQueue } from './lease/timer-queue.js';
import type { Route, Router } from './provider/router.js';
import { withDeadline } from './resilience/deadline.js';
import type { Resolver } from './resolver.js';
import type { Clock } from './time/clock.js';

interface ShutdownParts {
  readonly resolver: Resolver;
  readonly rotation: Rotation;
  readonly leases: LeaseManager;
  readonly revocations: Revocations;
  readonly keepers: readonly SessionKeeper[];
  readonly router: Router;
  readonly queue: TimerQueue;
  readonly cache: SecretCache;
  readonly clock: Clock;
  readonly limits: { readonly drainMs: number; readonly revokeMs: number };
}

/**
 * Ends everything in the only safe order: no new lease, what is under way settled or aborted, consumers
 * drained, leases revoked, the logins after them, connections closed, no timer left. Each step is bounded;
 * what cannot be revoked in time ends with its lease at the store. Never rejects.
 */
export async function shutdown(reason: SecretsError, parts: ShutdownParts): Promise<void> {
  const { resolver, rotation, leases, revocations, keepers, router, queue, cache, clock, limits } = parts;
  leases.stop(reason);
  rotation.stop(reason);
  for (const keeper of keepers) keeper.stop(reason);
  await resolver.close(reason);

  const cut = sharedAbort();
  const drained = Promise.all([leases.releaseConsumers(cut.signal), rotation.settled()]);
  await withDeadline(() => drained, { limitMs: limits.drainMs, clock }).catch((late) => {
    cut.abort(late);
    rotation.cutDrains(late);
  });

  const endMs = clock.monotonicMs() + limits.revokeMs;
  const revoked = Promise.all([leases.revokeAll(), rotation.settled()]);
  cache.clear();
  await withDeadline(() => revoked, { limitMs: limits.revokeMs, clock }).catch((late) =>
    revocations.cut(late),
  );
  const leftMs = Math.max(500, endMs - clock.monotonicMs());
  await Promise.all(keepers.map((keeper) => keeper.end(reason, leftMs)));
  await Promise.all(router.all.map((route) => disconnect(route, limits.revokeMs, clock)));
  queue.close();
}

async function disconnect({ runtime, failover }: Route, limitMs: number, clock: Clock): Promise<void> {
  for (const { breaker } of failover.places) breaker.close();
  await withDeadline(() => runtime.close(), { limitMs, clock }).catch(() => {});
}
