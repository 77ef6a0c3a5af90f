import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Provider } from '@keyturn/core/provider';
import { type Task, TimerQueue } from '../packages/core/src/lease/timer-queue.js';
import { createSecrets, fakeClock, systemClock } from './core/built.js';
import { heldBy } from './core/held-by.js';
import { medians, report } from './harness.js';

/*
 * Question: what do 10,000 leases cost while nothing happens, and does a ttl of 768 h (a month, and more than a host
 * timer can count) come out right?
 * Floors: a setTimeout for each; an empty process. Budgets: 50 B for each lease to be on the timer queue; 1.2 of an idle empty process; no call before 0.60 of the ttl, every lease renewed by 0.70 of it,
 * and no warning of a timer that overflows.
 *
 * An idle process takes its processor time for waking up at the end of a window, and after a while for a collection
 * of what its start left behind: of its windows the median counts. The second empty process says what is noise.
 */
const COUNT = 10_000;
const TTL_MS = 768 * 3_600_000;
const ROUNDS = 9;
const IDLE = { settleMs: 1_000, windowMs: 1_000, windows: 21 };

const leases = Array.from({ length: COUNT }, (_, index) => ({
  id: `lease-${index}`,
  dueMs: performance.now() + TTL_MS * (0.6 + 0.1 * Math.random()),
}));
let renewed = '';
function renew({ id }: { readonly id: string }): void {
  renewed = id;
}
/** A lease that has its place on the queue itself, as the lease manager's have. */
class QueuedLease implements Task {
  readonly id: string;
  readonly dueMs: number;
  atMs = 0;
  place = -1;
  constructor({ id, dueMs }: { readonly id: string; readonly dueMs: number }) {
    this.id = id;
    this.dueMs = dueMs;
  }
  run(): void {
    renew(this);
  }
}
const bytes = await medians(ROUNDS, {
  timers: async () => {
    let timers: NodeJS.Timeout[] = [];
    const held = await heldBy(() => {
      timers = leases.map((lease) => setTimeout(() => renew(lease), 2 ** 31 - 1).unref());
      return timers;
    });
    for (const timer of timers) clearTimeout(timer);
    return held.heap / COUNT;
  },
  plain: async () => (await heldBy(() => leases.map((lease) => ({ ...lease })))).heap / COUNT,
  queued: async () => {
    const queue = new TimerQueue(systemClock);
    const held = await heldBy(() => {
      const queued = leases.map((lease) => new QueuedLease(lease));
      for (const lease of queued) queue.put(lease, lease.dueMs);
      return [queue, queued];
    });
    queue.close();
    return held.heap / COUNT;
  },
});
if (renewed !== '') throw new Error(`${renewed} was renewed a month early.`);

interface Idled {
  readonly spentUs: readonly number[];
  readonly warnings: readonly string[];
  readonly calls: number;
  readonly held: number;
}
async function idling(count: number): Promise<Idled & { readonly medianUs: number }> {
  const child = fork(
    fileURLToPath(new URL('./core/held.mjs', import.meta.url)),
    [count, IDLE.settleMs, IDLE.windowMs, IDLE.windows].map(String),
    { execArgv: ['--expose-gc'] },
  );
  const [idled] = (await once(child, 'message')) as [Idled];
  const medianUs = [...idled.spentUs].sort((a, b) => a - b)[IDLE.windows >> 1] ?? Number.NaN;
  return { ...idled, medianUs };
}
// At the same time, so that whatever else the machine does meets all of them alike.
const [empty, again, holding] = await Promise.all([idling(0), idling(0), idling(COUNT)]);
if (holding.held !== COUNT) throw new Error(`The process held ${holding.held} leases.`);

/** A month in a moment: when each lease is renewed first, as a share of its ttl. */
const clock = fakeClock();
const begunMs = clock.monotonicMs();
const renewedAt = new Map<string, number>();
const provider: Provider = {
  name: 'bench',
  async fetch({ path }) {
    return { data: path, version: path, lease: { ttlMs: TTL_MS, handle: { id: path, renewable: true } } };
  },
  async renew(id, { ttlMs }) {
    if (!renewedAt.has(id)) renewedAt.set(id, (clock.monotonicMs() - begunMs) / TTL_MS);
    return { ttlMs };
  },
};
const secrets = createSecrets({ providers: { store: provider }, clock });
for (const { id } of leases) await secrets.getSecret(`store:database/creds/${id}`);
await clock.advance(0.599 * TTL_MS);
const early = renewedAt.size;
await clock.advance(0.102 * TTL_MS);
const late = COUNT - renewedAt.size;
const shares = [...renewedAt.values()].sort((a, b) => a - b);
await secrets.close();

const idle = (name: string, value: number) => ({ name, value, unit: 'µs/s', ratio: value / empty.medianUs });
report('leases', 'what do 10,000 leases of 768 h cost while nothing happens?', [
  { name: 'setTimeout, each', value: bytes.timers, unit: 'B' },
  { name: 'timer queue, each', value: bytes.queued - bytes.plain, unit: 'B', budget: { atMost: 50 } },
  idle('an empty process, idle', empty.medianUs),
  idle('an empty process again, idle', again.medianUs),
  { ...idle('10,000 leases, idle', holding.medianUs), budget: { atMost: 1.2 } },
  {
    name: 'calls beside the first 10,000',
    value: holding.calls - COUNT,
    unit: 'calls',
    budget: { atMost: 0 },
  },
  { name: 'warnings', value: holding.warnings.length, unit: 'warnings', budget: { atMost: 0 } },
  { name: 'first renewal, of the ttl', value: shares[0] ?? Number.NaN, unit: '' },
  { name: 'last renewal, of the ttl', value: shares.at(-1) ?? Number.NaN, unit: '' },
  { name: 'renewed before 0.60 of the ttl', value: early, unit: 'leases', budget: { atMost: 0 } },
  { name: 'not renewed by 0.70 of the ttl', value: late, unit: 'leases', budget: { atMost: 0 } },
]);
