import { setTimeout as delay } from 'node:timers/promises';
import type { ErrorCode, Provider } from '@keyturn/core/provider';
import { createSecrets, SecretsError } from './core/built.js';
import { bentocache, type Load, lruCache, memoized, powertools, type Read } from './core/peers.js';
import { medians, type Row, report } from './harness.js';

/*
 * Question: what does a store see, and how long do the callers wait, when so many ask at once for one secret that
 * nobody holds? And when the store fails?
 * Floor: one call of a store that answers after 20 ms on a timer, by itself in the same run; the time of all callers
 * together is to that. Budgets: one call, and 1.2 of its time; one call also for a failure that a retry cannot mend,
 * and as many as there are attempts for one that it might; then none until the reference may be tried again.
 * Peers: lru-cache's fetch, memoizee, Powertools and bentocache; they see 1,000 callers, and none retries.
 */
const ROUNDS = 9;
const STORE_MS = 20;
const PEER_CALLERS = 1_000;
const ATTEMPTS = 3;

const KEY = 'orders/production';

/** Counts the calls for `KEY` of a store that answers after a while, or refuses at once. */
function countingStore(refusal?: () => Error) {
  const counted = { calls: 0 };
  const load: Load = async (key) => {
    if (key !== KEY) return 'read at the start';
    counted.calls++;
    await delay(refusal === undefined ? STORE_MS : 1);
    if (refusal !== undefined) throw refusal();
    return 'sk-bench-0123456789abcdef';
  };
  return { load, counted };
}

/** What each of the contenders makes of `load`: a function that reads one key. */
const contenders = {
  getSecret(load: Load) {
    const provider: Provider = {
      name: 'bench',
      fetch: async ({ path }) => ({ data: await load(path), version: '1' }),
    };
    const secrets = createSecrets({
      providers: { store: provider },
      resilience: { attempts: ATTEMPTS, firstRetryDelay: '20ms' },
    });
    return (key) => secrets.getSecret(`store:${key}`);
  },
  'lru-cache fetch': (load: Load) => {
    const cache = lruCache(load);
    return (key) => cache.fetch(key);
  },
  memoizee: memoized,
  Powertools: powertools,
  bentocache,
} satisfies Record<string, (load: Load) => Read>;
type Name = keyof typeof contenders;
const peers = (Object.keys(contenders) as Name[]).filter((name) => name !== 'getSecret');

/** The contender, in a process that has read something else with it. */
async function warm(name: Name, load: Load): Promise<Read> {
  const read = contenders[name](load);
  await read('other');
  return read;
}

const allAtOnce = (read: Read, callers: number) =>
  Promise.allSettled(Array.from({ length: callers }, () => read(KEY)));

/** Milliseconds until all of so many callers have their answer, and the most calls that the store saw in a round. */
function cold(name: Name, callers: number) {
  const seen = { most: 0 };
  const round = async () => {
    const { load, counted } = countingStore();
    const read = await warm(name, load);
    const beganMs = performance.now();
    await allAtOnce(read, callers);
    const tookMs = performance.now() - beganMs;
    seen.most = Math.max(seen.most, counted.calls);
    return tookMs;
  };
  return { seen, round };
}

const thousand = cold('getSecret', 1_000);
const tenThousand = cold('getSecret', 10_000);
const ofPeers = peers.map((name) => ({ name, ...cold(name, PEER_CALLERS) }));
const tookMs = await medians(ROUNDS, {
  floor: async () => {
    const beganMs = performance.now();
    await countingStore().load(KEY);
    return performance.now() - beganMs;
  },
  alone: cold('getSecret', 1).round,
  thousand: thousand.round,
  tenThousand: tenThousand.round,
  ...(Object.fromEntries(ofPeers.map(({ name, round }) => [name, round])) as Record<
    Exclude<Name, 'getSecret'>,
    () => Promise<number>
  >),
});

/** The calls that a failing store sees of so many callers at once, and of as many who come a moment later. */
async function failing(
  name: Name,
  callers: number,
  code: ErrorCode,
): Promise<[first: number, again: number]> {
  const { load, counted } = countingStore(
    () => new SecretsError(code, { problem: 'The store refused.', remedy: 'None; it is measured.' }),
  );
  const read = await warm(name, load);
  await allAtOnce(read, callers);
  const first = counted.calls;
  await delay(10);
  await allAtOnce(read, callers);
  return [first, counted.calls - first];
}

const time = (name: string, value: number): Row => ({ name, value, unit: 'ms', ratio: value / tookMs.floor });
const calls = (name: string, value: number): Row => ({ name, value, unit: 'calls' });
const denied = await failing('getSecret', 10_000, 'permission-denied');
const down = await failing('getSecret', 10_000, 'unavailable');
const rows: Row[] = [
  time('one call of the store', tookMs.floor),
  time('getSecret, 1 caller', tookMs.alone),
  { ...time('getSecret, 1,000 callers', tookMs.thousand), budget: { atMost: 1.2 } },
  { ...time('getSecret, 10,000 callers', tookMs.tenThousand), budget: { atMost: 1.2 } },
  ...peers.map((name) => time(`${name}, 1,000 callers`, tookMs[name])),
  { ...calls('getSecret, 1,000 callers', thousand.seen.most), budget: { atMost: 1 } },
  { ...calls('getSecret, 10,000 callers', tenThousand.seen.most), budget: { atMost: 1 } },
  ...ofPeers.map(({ name, seen }) => calls(`${name}, 1,000 callers`, seen.most)),
  { ...calls('getSecret, 10,000 callers, denied', denied[0]), budget: { atMost: 1 } },
  { ...calls('getSecret, 10,000 more', denied[1]), budget: { atMost: 0 } },
  {
    ...calls(`getSecret, 10,000 callers, down, ${ATTEMPTS} attempts`, down[0]),
    budget: { atMost: ATTEMPTS },
  },
  { ...calls('getSecret, 10,000 more', down[1]), budget: { atMost: 0 } },
];
for (const name of peers) {
  const [first, again] = await failing(name, PEER_CALLERS, 'permission-denied');
  rows.push(calls(`${name}, 1,000 callers, denied`, first), calls(`${name}, 1,000 more`, again));
}
report('cold-reads', 'what does the store see when all ask at once?', rows);
