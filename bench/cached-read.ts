import { subscribe } from 'node:diagnostics_channel';
import type { Provider } from '@keyturn/core/provider';
import { createSecrets } from './core/built.js';
import { type Loop, timed } from './core/loops.js';
import { bentocache, lruCache, memoized, powertools } from './core/peers.js';
import { medians, report } from './harness.js';

/*
 * Question: what does getSecret cost when the secret is held and fresh?
 * Floors, in the same run: what a right answer cannot do without. Both clocks and a Map.get for peekSecret; with the
 * await of a promise made before for getSecret, of a leased secret and with every event listened to. Budgets: 1.3 of
 * these, and 250 B for getSecret. Why no less: docs/decisions/0010-a-read-asks-both-clocks.md.
 * Peers: lru-cache's fetch, memoizee, Powertools and bentocache, each with its value cached and not expired.
 *
 * In the loops nothing waits for the outside, so they are one turn of the event loop from end to end. A server reads
 * once or twice in a turn: what that costs is shown beside, as what it takes longer than a plain value there.
 */
const ROUNDS = 31;
const REF = 'store:orders/production#stripe_key';
const LEASED = 'store:database/creds/orders';
const VALUE = 'sk-bench-0123456789abcdef';
const EVENTS = [
  'secret-loaded',
  'secret-rotated',
  'lease-renewed',
  'refresh-failed',
  'stale-served',
] as const;

const provider: Provider = {
  name: 'bench',
  fetch: async ({ path }) => ({
    data: { stripe_key: VALUE },
    version: '1',
    ...(path.startsWith('database')
      ? { lease: { ttlMs: 3_600_000, handle: { id: path, renewable: true } } }
      : {}),
  }),
  renew: async (_, { ttlMs }) => ({ ttlMs }),
};
const secrets = createSecrets({ providers: { store: provider } });
for (const event of EVENTS) {
  secrets.on(event, () => {});
  subscribe(`keyturn.${event}`, () => {});
}
const many = Array.from({ length: 100 }, (_, index) => `store:service-${index}/production#stripe_key`);
await secrets.preload([REF, LEASED, ...many]);

const load = async () => VALUE;
const lru = lruCache(load);
const memo = memoized(load);
const tools = powertools(load);
const bento = bentocache(load);

const plainValue = { held: VALUE };
const storedPromise = Promise.resolve(plainValue);
const map = new Map([REF, LEASED, ...many].map((ref) => [ref, plainValue]));
const turn = () => new Promise(setImmediate);

const loops = {
  plain: async (count) => {
    for (let n = 0; n < count; n++) await plainValue;
  },
  stored: async (count) => {
    for (let n = 0; n < count; n++) await storedPromise;
  },
  floor: async (count) => {
    for (let n = 0; n < count; n++) {
      if (performance.now() + Date.now() < 0 || map.get(LEASED) === undefined) throw new Error('no time');
      await storedPromise;
    }
  },
  leased: async (count) => {
    for (let n = 0; n < count; n++) await secrets.getSecret(LEASED);
  },
  unleased: async (count) => {
    for (let n = 0; n < count; n++) await secrets.getSecret(REF);
  },
  hundred: async (count) => {
    for (let n = 0; n < count; n++) await secrets.getSecret(many[n % 100] as string);
  },
  lru: async (count) => {
    for (let n = 0; n < count; n++) await lru.fetch(REF);
  },
  memo: async (count) => {
    for (let n = 0; n < count; n++) await memo(REF);
  },
  tools: async (count) => {
    for (let n = 0; n < count; n++) await tools(REF);
  },
  bento: async (count) => {
    for (let n = 0; n < count; n++) await bento(REF);
  },
  mapGet: (count) => {
    let found = 0;
    for (let n = 0; n < count; n++) if (map.get(LEASED) !== undefined) found++;
    return found;
  },
  peekFloor: (count) => {
    let found = 0;
    for (let n = 0; n < count; n++)
      if (performance.now() + Date.now() > 0 && map.get(LEASED) !== undefined) found++;
    return found;
  },
  peek: (count) => {
    let found = 0;
    for (let n = 0; n < count; n++) if (secrets.peekSecret(LEASED) !== undefined) found++;
    return found;
  },
  plainInTurn: async (count) => {
    for (let n = 0; n < count; n++) {
      await turn();
      await plainValue;
    }
  },
  leasedInTurn: async (count) => {
    for (let n = 0; n < count; n++) {
      await turn();
      await secrets.getSecret(LEASED);
    }
  },
} satisfies Record<string, Loop>;
type Name = keyof typeof loops;
const names = Object.keys(loops) as Name[];

const cases: [Name, () => Promise<number>][] = [];
for (const name of names) cases.push([name, await timed(loops[name])]);
const ns = await medians(ROUNDS, Object.fromEntries(cases) as Record<Name, () => Promise<number>>);

/**
 * Bytes that one pass of `loop` allocates: what the heap grows by over so few passes that no collection comes between,
 * from just after one. Of the rounds in which one came all the same the median is rid.
 */
async function allocated(loop: Loop): Promise<number> {
  const PASSES = 1_000;
  await loop(PASSES);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  await loop(PASSES);
  return (process.memoryUsage().heapUsed - before) / PASSES;
}
const bytes = await medians(ROUNDS, {
  plain: () => allocated(loops.plain),
  leased: () => allocated(loops.leased),
  lru: () => allocated(loops.lru),
  memo: () => allocated(loops.memo),
  tools: () => allocated(loops.tools),
  bento: () => allocated(loops.bento),
});
await secrets.close();

const read = (name: string, loop: Name, floor: Name = 'floor') => ({
  name,
  value: ns[loop],
  unit: 'ns',
  ratio: ns[loop] / ns[floor],
});
report('cached-read', 'what does a cached secret cost to read?', [
  read('await of a plain value', 'plain'),
  read('await of a stored promise', 'stored'),
  read('both clocks, Map.get, that await', 'floor'),
  { ...read('getSecret, leased, events on', 'leased'), budget: { atMost: 1.3 } },
  read('getSecret, without a lease', 'unleased'),
  read('getSecret, 100 references in turn', 'hundred'),
  {
    name: 'getSecret, first in a turn of the loop',
    value: ns.leasedInTurn - ns.plainInTurn,
    unit: 'ns more',
  },
  read('lru-cache fetch', 'lru'),
  read('memoizee', 'memo'),
  read('Powertools', 'tools'),
  read('bentocache', 'bento'),
  read('Map.get', 'mapGet', 'peekFloor'),
  read('both clocks, Map.get', 'peekFloor', 'peekFloor'),
  { ...read('peekSecret, leased', 'peek', 'peekFloor'), budget: { atMost: 1.3 } },
  { name: 'await of a plain value, allocated', value: bytes.plain, unit: 'B' },
  { name: 'getSecret, allocated', value: bytes.leased, unit: 'B', budget: { atMost: 250 } },
  { name: 'lru-cache fetch, allocated', value: bytes.lru, unit: 'B' },
  { name: 'memoizee, allocated', value: bytes.memo, unit: 'B' },
  { name: 'Powertools, allocated', value: bytes.tools, unit: 'B' },
  { name: 'bentocache, allocated', value: bytes.bento, unit: 'B' },
]);
