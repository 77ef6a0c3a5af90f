import { hostname } from 'node:os';
import { Refusals } from './cache/refusals.js';
import { SecretCache } from './cache/secret-cache.js';
import { type SecretsConfig, settingsOf } from './config.js';
import { Diagnostics } from './diagnostics.js';
import { LeaseManager } from './lease/lease-manager.js';
import { Revocations } from './lease/revocations.js';
import { Rotation } from './lease/rotation.js';
import { SessionKeeper } from './lease/session-keeper.js';
import { TimerQueue } from './lease/timer-queue.js';
import { TrackedTargets } from './lease/tracked.js';
import { Upkeep } from './lease/upkeep.js';
import { ProviderRuntime } from './provider/provider-runtime.js';
import { Router } from './provider/router.js';
import { Breaker } from './resilience/breaker.js';
import { Bulkhead } from './resilience/bulkhead.js';
import { RetryBudget } from './resilience/retry-budget.js';
import { Resolver } from './resolver.js';
import { Secrets } from './secrets.js';
import { shutdown } from './shutdown.js';
import { steadyClock } from './time/steady-clock.js';
import { systemClock } from './time/system-clock.js';

/**
 * Creates the live secrets of an application. Synchronous: nothing is fetched until something is asked for.
 *
 * ```ts
 * const secrets = createSecrets({ providers: { env: env() } });
 * const key = await secrets.getSecret('env:STRIPE_KEY');
 * ```
 *
 * @throws SecretsError `invalid-config` that names the setting
 */
export function createSecrets(config: SecretsConfig): Secrets {
  const settings = settingsOf(config);
  const { instance = hostname() } = config;
  const clock = steadyClock(config.clock ?? systemClock);
  const diagnostics = new Diagnostics();
  const queue = new TimerQueue(clock);
  const cache = new SecretCache(settings.cache.maxEntries);
  const refusals = new Refusals(settings.cache.maxEntries);

  const keepers: SessionKeeper[] = [];
  const routes = Object.entries(config.providers).map(([alias, provider]) => {
    const keeper = new SessionKeeper({
      alias,
      instance,
      leases: () => leases,
      queue,
      clock,
      limitMs: settings.guard.attemptTimeoutMs,
      diagnostics,
    });
    const runtime = new ProviderRuntime(
      alias,
      provider,
      clock,
      keeper,
      config.redactor,
      settings.plainFields,
    );
    if (runtime.session !== undefined) keeper.keep(runtime.session);
    keepers.push(keeper);
    const changed = (state: Breaker['state']) =>
      diagnostics.emit('breaker-changed', { provider: alias, state });
    const breaker = new Breaker(settings.breaker, clock, changed);
    const bulkhead = new Bulkhead(settings.concurrency);
    return [alias, { runtime, breaker, bulkhead, budget: new RetryBudget() }] as const;
  });
  const router = new Router(new Map(routes));

  const targets = new TrackedTargets(cache, queue, instance);
  const revocations = new Revocations({
    router,
    queue,
    clock,
    diagnostics,
    limitMs: settings.rotation.revokeMs,
  });
  const rotation = new Rotation({
    cache,
    router,
    targets,
    revocations,
    clock,
    diagnostics,
    limits: settings.rotation,
    published: (tracked, held) => upkeep.schedule(tracked, held),
  });
  const resolver = new Resolver({
    router,
    cache,
    refusals,
    admission: rotation,
    settings,
    clock,
    diagnostics,
  });
  const upkeep = new Upkeep({
    targets,
    cache,
    router,
    resolver,
    revocations,
    queue,
    clock,
    settings,
    diagnostics,
  });
  const leases: LeaseManager = new LeaseManager({
    targets,
    upkeep,
    cache,
    router,
    resolver,
    revocations,
    clock,
  });

  return new Secrets({
    resolver,
    leases,
    router,
    cache,
    diagnostics,
    clock,
    proofMs: settings.rotation.proofMs,
    maxEntries: settings.cache.maxEntries,
    shutdown: (reason) =>
      shutdown(reason, {
        resolver,
        rotation,
        leases,
        revocations,
        keepers,
        router,
        queue,
        cache,
        clock,
        limits: settings.rotation,
      }),
  });
}
