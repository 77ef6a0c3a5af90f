import { token, type VaultConfig, vault } from '@keyturn/vault';
import { afterEach, describe, expect, it } from 'vitest';
import { failureOf, logIn } from './calls.js';
import { json, kv, type Script, type ScriptedServer, startScripted } from './scripted-server.js';

const servers: ScriptedServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

const LOOKUP = '/v1/sys/internal/ui/mounts/';
const MOUNTS: Record<string, object> = {
  secret: { type: 'kv', options: { version: '2' } },
  old: { type: 'kv', options: null },
  ancient: { type: 'generic', options: null },
  'team/db': { type: 'database', options: {} },
  'team/kv': { type: 'kv', options: { version: '2' } },
};

/** A store with the mounts above, where paths that end in `denied` may not be seen. */
const store =
  (mounts = MOUNTS): Script =>
  (request, response) => {
    if (request.url === '/v1/auth/token/lookup-self') json(response, 200, { data: { ttl: 0 } });
    else if (request.url.startsWith(LOOKUP)) {
      const path = request.url.slice(LOOKUP.length);
      const mount = Object.keys(mounts).find((name) => path.startsWith(`${name}/`));
      if (mount === undefined || path.endsWith('denied')) json(response, 403, { errors: ['preflight'] });
      else json(response, 200, { data: { path: `${mount}/`, ...mounts[mount] } });
    } else if (request.url.includes('/none')) json(response, 404, { errors: [] });
    else if (request.url.includes('/data/') || request.url.includes('/metadata'))
      json(response, 200, kv({ a: 'b' }));
    else json(response, 200, { lease_id: '', data: { a: 'b' } });
  };

async function setUp(config: Partial<VaultConfig> = {}, script: Script = store()) {
  const server = await startScripted(script);
  servers.push(server);
  const provider = vault({ address: server.address, auth: token({ token: 't' }), ...config });
  const options = await logIn(provider);
  server.seen.length = 0;
  return {
    server,
    provider,
    options,
    fetch: (path: string, version?: string) => {
      const { signal } = new AbortController();
      return provider.fetch({ path, ...(version === undefined ? {} : { version }) }, { ...options, signal });
    },
    lookups: () => server.seen.filter(({ url }) => url.startsWith(LOOKUP)).length,
    reads: () =>
      server.seen.filter(({ url }) => !url.startsWith(LOOKUP)).map(({ url }) => url.slice('/v1/'.length)),
  };
}

describe('what is mounted where', () => {
  it('is asked once and decides how a path is read', async () => {
    const { fetch, reads, lookups } = await setUp();
    await fetch('secret/a/b');
    await fetch('secret/c', '3');
    await fetch('old/a');
    await fetch('ancient/a');
    await fetch('team/db/creds/x');
    await fetch('team/kv/x');
    expect(reads()).toEqual([
      'secret/data/a/b',
      'secret/data/c?version=3',
      'old/a',
      'ancient/a',
      'team/db/creds/x',
      'team/kv/data/x',
    ]);
    expect(lookups()).toBe(5);
  });

  it('F24: is asked once for a thousand cold reads', async () => {
    const { fetch, lookups } = await setUp();
    await Promise.all(Array.from({ length: 1_000 }, (_, number) => fetch(`secret/${number}`)));
    expect(lookups()).toBe(1);
  });

  it('is asked once a mount when mounts share their first segment', async () => {
    const { fetch, lookups } = await setUp();
    const paths = Array.from(
      { length: 100 },
      (_, number) => `team/${number % 2 === 0 ? 'db/creds' : 'kv'}/${number}`,
    );
    await Promise.all(paths.map((path) => fetch(path)));
    expect(lookups()).toBe(2);
  });

  it('is not asked where it is configured, nor for what every store has', async () => {
    const mounts = { secret: 'kv2', old: 'kv1', team: 'kv2', 'team/db/': 'database' } as const;
    const { fetch, reads, lookups } = await setUp({ mounts });
    await fetch('secret/a');
    await fetch('old/a');
    await fetch('team/db/creds/x');
    await fetch('cubbyhole/a');
    expect(reads()).toEqual(['secret/data/a', 'old/a', 'team/db/creds/x', 'cubbyhole/a']);
    expect(lookups()).toBe(0);
  });

  it('that is denied is said, with the setting that helps, to its own caller alone', async () => {
    const { fetch } = await setUp();
    const outcomes = await Promise.allSettled([fetch('secret/denied'), fetch('secret/a'), fetch('secret/b')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    const error = await failureOf((await setUp()).fetch('secret/denied'));
    expect(error.code).toBe('permission-denied');
    expect(error.message).toMatch(/secret\/denied.*setting mounts/);
  });

  it('is asked again after a read found nothing: the mount may be another one now', async () => {
    const mounts: Record<string, object> = { secret: { type: 'kv', options: { version: '2' } } };
    const { fetch, reads, lookups } = await setUp({}, store(mounts));
    await fetch('secret/a');
    mounts.secret = { type: 'kv', options: null };
    expect((await failureOf(fetch('secret/none'))).code).toBe('not-found');
    await fetch('secret/a');
    expect(reads()).toEqual(['secret/data/a', 'secret/data/none', 'secret/a']);
    expect(lookups()).toBe(2);
  });

  it('a caller that leaves does not end the question for the others; the last one does', async () => {
    const held: (() => void)[] = [];
    const answer = store();
    const { provider, options, server } = await setUp({}, (request, response) => {
      if (request.url.startsWith(LOOKUP)) held.push(() => answer(request, response));
      else answer(request, response);
    });
    const first = new AbortController();
    const leaving = failureOf(provider.fetch({ path: 'secret/a' }, { ...options, signal: first.signal }));
    const staying = provider.fetch({ path: 'secret/b' }, options);
    await expect.poll(() => held.length).toBe(1);
    first.abort();
    expect((await leaving).code).toBe('aborted');
    held[0]?.();
    expect((await staying).data).toEqual({ a: 'b' });
    expect(server.seen.length).toBe(2);
  });

  it('an answer that does not say what is mounted is a bad response', async () => {
    const { fetch } = await setUp({}, (request, response) => {
      if (request.url.startsWith(LOOKUP)) json(response, 200, { data: { path: 'other/', type: 'kv' } });
      else json(response, 200, { data: { ttl: 0 } });
    });
    expect((await failureOf(fetch('secret/a'))).message).toMatch(/bad-response.*mounts/s);
  });
});

describe('references', () => {
  it.each([
    ['secret/data/orders', undefined, /Leave out data\/: write secret\/orders/],
    ['secret', undefined, /mount, not a secret/],
    ['old', undefined, /mount, not a secret/],
    ['old/a', '1', /only KV v2/],
    ['team/db/creds/x', '1', /only KV v2/],
    ['secret/a', '0', /whole number/],
    ['secret/a', '-1', /whole number/],
    ['secret/a', '1&x=y', /whole number/],
  ])('%s of version %s is refused', async (path, version, problem) => {
    const { fetch, reads } = await setUp({ mounts: { secret: 'kv2', old: 'kv1', 'team/db': 'database' } });
    const error = await failureOf(fetch(path, version));
    expect(error.code).toBe('invalid-ref');
    expect(error.message).toMatch(problem);
    expect(reads()).toEqual([]);
  });

  it('with a stage are refused', async () => {
    const { provider, options } = await setUp();
    const error = await failureOf(provider.fetch({ path: 'secret/a', stage: 'AWSCURRENT' }, options));
    expect(error.message).toMatch(/invalid-ref.*no stages/s);
  });
});

describe('parameters', () => {
  it('make a read a write', async () => {
    const parameters = { 'pki/issue/web': { common_name: 'orders.internal', ttl: '24h' } };
    const { fetch, server } = await setUp({ parameters, mounts: { pki: 'pki' } });
    await fetch('pki/issue/web');
    expect(server.seen[0]).toMatchObject({
      method: 'POST',
      url: '/v1/pki/issue/web',
      body: '{"common_name":"orders.internal","ttl":"24h"}',
    });
  });

  it.each(['secret/a', 'old/a'])('never overwrite the KV secret %s', async (path) => {
    const { fetch, reads } = await setUp({ parameters: { [path]: { a: 'b' } } });
    expect((await failureOf(fetch(path))).message).toMatch(/invalid-config.*overwrite/s);
    expect(reads()).toEqual([]);
  });
});
