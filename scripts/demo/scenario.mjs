import { setTimeout as sleep } from 'node:timers/promises';

/** The lease of the demo's credentials: renewed once at most, so that they are replaced every ten seconds or so. */
export const LEASE = { ttl: '15s', maxTtl: '20s' };
/** How long the demo drives the service. */
export const DEMO_MS = 40_000;
const OUTAGE_MS = 10_000;

/**
 * What happens to the service's credentials while it serves. Leases also come to their maximum by themselves.
 *
 * @param {{ event: (text: string) => void }} screen
 * @param {{ canRotate: boolean, rotate: () => void, revokeAll: () => Promise<void>, store: { set: (mode: 'refuse' | 'pass') => Promise<void> } }} hands
 */
export async function playScenario(screen, { canRotate, rotate, revokeAll, store }) {
  const startMs = performance.now();
  const at = (ms) => sleep(Math.max(0, startMs + ms - performance.now()));

  await at(5_000);
  if (canRotate) {
    screen.event('── rotation by hand (SIGHUP): a new credential, the old one drained and revoked');
    rotate();
  } else {
    screen.event('── rotation by hand: this service cannot; it would have to be restarted');
  }

  await at(16_000);
  screen.event('── every lease is revoked from outside: the roles are dropped under live connections');
  await revokeAll();

  await at(17_000);
  screen.event(`── the store goes down for ${OUTAGE_MS / 1_000} s`);
  await store.set('refuse');
  await at(17_000 + OUTAGE_MS);
  screen.event('── the store is back');
  await store.set('pass');

  await at(DEMO_MS);
}
