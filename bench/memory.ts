import type { Provider } from '@keyturn/core/provider';
import { LRUCache } from 'lru-cache';
import { createSecrets } from './core/built.js';
import { heldBy } from './core/held-by.js';
import { medians, type Row, report } from './harness.js';

/*
 * Question: what does the process hold for each cached secret, beside its value?
 * Floor: a Map, and lru-cache with a time to live, from the same references to the same bytes in a Buffer each.
 * Budget: 1,900 B of the JavaScript heap and of what it has outside together, less the bytes of the value. Why no
 * less: docs/decisions/0012-what-a-cached-key-holds.md.
 *
 * The references are the caller's: made before, and not counted. What is made of them is. So is the Buffer that each
 * value is in, which is beside the value, though its bytes are not.
 */
const ROUNDS = 7;
const COUNT = 10_000;
const VALUE_BYTES = 32;

const refs = Array.from({ length: COUNT }, (_, index) => `store:service-${index}/production`);
const provider: Provider = {
  name: 'bench',
  fetch: async ({ path }) => ({ data: path.padEnd(VALUE_BYTES, '.').slice(0, VALUE_BYTES), version: '1' }),
};
const secretOf = (ref: string) => Buffer.allocUnsafeSlow(VALUE_BYTES).fill(ref);

const holding = {
  async getSecret() {
    const secrets = createSecrets({ providers: { store: provider } });
    for (const ref of refs) await secrets.getSecret(ref);
    return secrets;
  },
  async preload() {
    const secrets = createSecrets({ providers: { store: provider } });
    await secrets.preload(refs);
    return secrets;
  },
  map: async () => new Map(refs.map((ref) => [ref, secretOf(ref)])),
  async lru() {
    const cache = new LRUCache<string, Buffer>({ max: COUNT, ttl: 300_000 });
    for (const ref of refs) cache.set(ref, secretOf(ref));
    return cache;
  },
  buffers: async () => refs.map((ref) => secretOf(ref)),
};
type Name = keyof typeof holding;

/** Bytes for each secret: of the heap, and outside it beside the value. */
async function ofEach(make: () => unknown): Promise<{ readonly heap: number; readonly outside: number }> {
  const { heap, outside } = await heldBy(make);
  return { heap: heap / COUNT, outside: outside / COUNT - VALUE_BYTES };
}

const outsideOf = {} as Record<Name, number>;
const inHeap = await medians(
  ROUNDS,
  Object.fromEntries(
    (Object.keys(holding) as Name[]).map((name) => [
      name,
      async () => {
        const { heap, outside } = await ofEach(holding[name]);
        outsideOf[name] = outside;
        return heap;
      },
    ]),
  ) as Record<Name, () => Promise<number>>,
);

const rows = (label: string, name: Name): Row[] => [
  { name: `${label}, in the heap`, value: inHeap[name], unit: 'B' },
  { name: `${label}, outside it`, value: outsideOf[name], unit: 'B' },
];
report('memory', 'what is held for each cached secret, beside its value?', [
  ...rows('a Buffer', 'buffers'),
  ...rows('Map', 'map'),
  ...rows('lru-cache', 'lru'),
  ...rows('getSecret', 'getSecret'),
  ...rows('preload', 'preload'),
  {
    name: 'getSecret, together',
    value: inHeap.getSecret + outsideOf.getSecret,
    unit: 'B',
    budget: { atMost: 1_900 },
  },
]);
