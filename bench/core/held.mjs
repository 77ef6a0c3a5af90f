// @ts-check
import { setTimeout as pause } from 'node:timers/promises';

/*
 * A process that holds so many leases, or none and nothing of Keyturn, and tells the processor time of each window of
 * idling. Plain JavaScript: a loader that compiles would be a thread beside it with work of its own.
 */

const [count = 0, settleMs = 0, windowMs = 0, windows = 0] = process.argv.slice(2).map(Number);
const TTL_MS = 768 * 3_600_000;

/** @type {string[]} */
const warnings = [];
process.on('warning', ({ name }) => warnings.push(name));
let calls = 0;

async function hold() {
  const built = new URL('../../packages/core/dist/index.js', import.meta.url).href;
  /** @type {typeof import('@keyturn/core')} */
  const { createSecrets } = await import(built);
  const secrets = createSecrets({
    providers: {
      store: {
        name: 'bench',
        async fetch({ path }) {
          calls++;
          const lease = { ttlMs: TTL_MS, handle: { id: path, renewable: true } };
          return { data: { username: path, password: path }, version: path, lease };
        },
        async renew(_, { ttlMs }) {
          calls++;
          return { ttlMs };
        },
      },
    },
  });
  for (let index = 0; index < count; index++) await secrets.getSecret(`store:database/creds/role-${index}`);
  return secrets;
}

const held = count > 0 ? await hold() : undefined;
globalThis.gc?.();
await pause(settleMs);
/** @type {number[]} */
const spentUs = [];
for (let window = 0; window < windows; window++) {
  const began = process.cpuUsage();
  await pause(windowMs);
  const { user, system } = process.cpuUsage(began);
  spentUs.push(user + system);
}
process.send?.({ spentUs, warnings, calls, held: held?.inventory().length ?? 0 });
process.disconnect?.();
