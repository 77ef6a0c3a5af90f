import { hostname } from 'node:os';
import { Refusals } from './cache/refusals.js';
import { SecretCache } from './cache/secret-cache.js';
import { settingsOf } from './config.js';
import { Diagnostics } from './diagnostics.js';
import { Fetcher } from './fetcher.js';
import { LeaseManager } from './lease/lease-manager.js';
import { Revocations } from './lease/revocations.js';
import { Rotation } from './lease/rotation.js';
import { SessionKeeper } from './lease/session-keeper.js';
import { TimerQueue } from './lease/timer-queue.js';
import { TrackedTargets } from './lease/tracked.js';
import { Upkeep } from './lease/upkeep.js';
import type { Provider } from './provider/contract.js';
import { isFallback } from './provider/fallback.js';
import { ProviderRuntime } from './provider/provider-runtime.js';
import { type Route, Router, type Routes } from './provider/router.js';
import { Breaker } from './resilience/breaker.js';
import { Bulkhead } from './resilience/bulkhead.js';
import { Failover } from './resilience/failover.js';
import { RetryBudget } from './resilience/retry-budget.js';
import { Resolver } from './resolver.js';
import { Secrets } from './secrets.js';
import type { SecretsConfig } from './secrets-config.js';
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
  const queue = new TimerQueue(clock, settings.isLazy);
  const cache = new SecretCache(settings.maxEntries);
  const refusals = new Refusals(settings.maxEntries);

  const keepers: SessionKeeper[] = [];
  const routeOf = (alias: string, provider: Provider): Route => {
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
    const isOne = runtime.addresses.length === 1;
    const policy = isOne
      ? settings.breaker
      : { ...settings.breaker, resetAfterMs: settings.resetOfSeveralMs };
    const places = runtime.addresses.map((address) => {
      const changed = (state: Breaker['state']) =>
        diagnostics.emit('breaker-changed', { provider: alias, address, state });
      return { address, breaker: new Breaker(policy, clock, changed) };
    });
    const failover = new Failover(places, settings.breaker.resetAfterMs);
    if (runtime.session !== undefined) keeper.keep(runtime.session, failover);
    keepers.push(keeper);
    return { runtime, failover, bulkhead: new Bulkhead(settings.concurrency), budget: new RetryBudget() };
  };
  const routes = Object.entries(config.providers).map(([alias, given]): [string, Routes] => {
    const [first, ...others] = isFallback(given) ? given.providers : [given];
    return [
      alias,
      [routeOf(alias, first), ...others.map((other, place) => routeOf(`${alias}/${place + 2}`, other))],
    ];
  });
  const router = new Router(new Map(routes));

  const targets = new TrackedTargets(cache, queue, instance, (tracked) => upkeep.act(tracked));
  const revocations = new Revocations({
    queue,
    clock,
    diagnostics,
    limitMs: settings.rotation.revokeMs,
  });
  const rotation = new Rotation({
    cache,
    targets,
    revocations,
    clock,
    diagnostics,
    limits: settings.rotation,
    published: (tracked, held) => upkeep.schedule(tracked, held),
  });
  const fetcher = new Fetcher({ router, settings, clock, late: (entry) => rotation.giveUp(entry) });
  const resolver = new Resolver({
    fetcher,
    cache,
    refusals,
    admission: rotation,
    clock,
    diagnostics,
  });
  const upkeep = new Upkeep({
    targets,
    cache,
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
    followsHints: !settings.isLazy,
  });

  return new Secrets({
    resolver,
    leases,
    router,
    cache,
    diagnostics,
    queue,
    clock,
    proofMs: settings.rotation.proofMs,
    maxEntries: settings.maxEntries,
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
