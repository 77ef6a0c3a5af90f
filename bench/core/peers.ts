import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { LRUCache } from 'lru-cache';
import memoizee from 'memoizee';

/** Reads one value from its store. */
export type Load = (key: string) => Promise<string>;

/** Reads it through a cache. */
export type Read = (key: string) => Promise<unknown>;

const TTL_MS = 300_000;
const MOST_ENTRIES = 10_000;

/** What a service might keep its secrets in otherwise, over `load`; each for as long as ours does by default. */
export function lruCache(load: Load): LRUCache<string, string> {
  return new LRUCache({ max: MOST_ENTRIES, ttl: TTL_MS, fetchMethod: (key) => load(key) });
}

/** Each hit, once its first answer has come, has a task to do at the end of the turn of the event loop. */
export function memoized(load: Load): Read {
  return memoizee(load, { promise: true, maxAge: TTL_MS, primitive: true });
}

/** Over a client of the SDK that asks `load` in the place of AWS. */
export function powertools(load: Load): Read {
  const client = new SecretsManagerClient({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  });
  const send = async ({ input }: { readonly input: { readonly SecretId: string } }) => ({
    SecretString: await load(input.SecretId),
  });
  const provider = new SecretsProvider({ awsSdkV3Client: Object.assign(client, { send }) });
  return (key) => provider.get(key, { maxAge: TTL_MS / 1_000 });
}

export function bentocache(load: Load): Read {
  const memory = bentostore().useL1Layer(memoryDriver({ maxItems: MOST_ENTRIES }));
  const cache = new BentoCache({ default: 'memory', stores: { memory } });
  return (key) => cache.getOrSet({ key, ttl: TTL_MS, factory: () => load(key) });
}
