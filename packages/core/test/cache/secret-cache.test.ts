import { expect, it } from 'vitest';
import { Entry } from '../../src/cache/entry.js';
import { SecretCache } from '../../src/cache/secret-cache.js';
import { SecretValue } from '../../src/model/secret-value.js';
import type { Route } from '../../src/provider/router.js';

/** Nothing here asks the store that it came from. */
const NOWHERE = {} as Route;

const entryOf = (ref: string) =>
  new Entry({
    target: { ref, alias: 's', at: { path: ref } },
    route: NOWHERE,
    value: SecretValue.wrap('x'),
    version: '1',
    metadata: {},
    lease: undefined,
    grant: undefined,
    term: { sentMs: 0, sentWallMs: 0, freshUntilMs: 1_000, usableUntilMs: 2_000 },
  });
const refsOf = (cache: SecretCache) => Array.from(cache.entries(), (entry) => entry.target.ref).sort();

it('lets the least recently used go, and ends it, but not what is kept', () => {
  const cache = new SecretCache(2);
  const [kept, a, b, c] = ['kept', 'a', 'b', 'c'].map(entryOf) as [Entry, Entry, Entry, Entry];
  cache.put(kept, true);
  for (const entry of [a, b, c]) cache.put(entry, false);
  expect(refsOf(cache)).toEqual(['b', 'c', 'kept']);
  expect(a.usableUntilMs).toBe(Number.NEGATIVE_INFINITY);
  expect(b.usableUntilMs).toBe(2_000);
});

it('moves an entry between the kept and the others', () => {
  const cache = new SecretCache(1);
  const entry = entryOf('a');
  cache.put(entry, false);
  cache.keep('a', true);
  cache.put(entryOf('b'), false);
  expect(cache.get('a')).toBe(entry);
  cache.keep('a', false);
  expect(refsOf(cache)).toEqual(['a']);
  cache.keep('nothing', true);
});

it('drops an entry only while it is the one in place', () => {
  const cache = new SecretCache(2);
  const [one, two] = [entryOf('a'), entryOf('a')];
  cache.put(one, false);
  cache.put(two, true);
  cache.drop(one);
  expect(cache.get('a')).toBe(two);
  cache.drop(two);
  expect(cache.get('a')).toBeUndefined();
});

it('ends everything when it is cleared', () => {
  const cache = new SecretCache(2);
  const [a, b] = [entryOf('a'), entryOf('b')];
  cache.put(a, true);
  cache.put(b, false);
  cache.clear();
  expect(refsOf(cache)).toEqual([]);
  expect([a, b].every((entry) => entry.usableUntilMs === Number.NEGATIVE_INFINITY)).toBe(true);
});
