import { readFileSync } from 'node:fs';
import { SecretManagerServiceClient } from '@google-cloud/secret-manager';
import { credentials, status } from '@grpc/grpc-js';
import { createSecrets } from '@keyturn/core';
import type { Provider, ProviderRef } from '@keyturn/core/provider';
import { gcpSecretManager, type SecretManagerClient } from '@keyturn/gcp-secret-manager';
import { PassThroughClient } from 'google-auth-library';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SecretManagerServer } from '../../../../test/servers/gcp.js';
import { failureOf, overGrpc, startStore, unhurried } from './calls.js';

const SECRET = 'projects/orders/secrets/key';

let store: SecretManagerServer;
let provider: Provider;
beforeEach(async () => {
  store = await startStore();
  provider = overGrpc(store.port);
});
afterEach(async () => {
  await provider.close?.();
  store.stop();
});

const fetch = (ref: ProviderRef) => provider.fetch(ref, unhurried);
const textOf = (data: unknown) => Buffer.from(data as Uint8Array).toString();

describe('F29: versions', () => {
  it('the version is the one in the answer, and no call but the access is made', async () => {
    store.add(SECRET, 'one');
    store.add(SECRET, 'two');
    const { data, version, metadata, lease } = await fetch({ path: 'key' });
    expect([textOf(data), version, lease]).toEqual(['two', '2', undefined]);
    expect(metadata).toEqual({ resource: 'projects/123456789012/secrets/key/versions/2' });
    expect(store.calls.map(({ name }) => name)).toEqual([`${SECRET}/versions/latest`]);
  });

  it('an alias is asked for as a stage, and gives the number that it stands for', async () => {
    store.add(SECRET, 'one');
    store.add(SECRET, 'two');
    store.aliases.set(`${SECRET}/aliases/prod`, 1);
    expect((await fetch({ path: 'key', stage: 'prod' })).version).toBe('1');
    store.aliases.set(`${SECRET}/aliases/prod`, 2);
    expect((await fetch({ path: 'key', stage: 'prod' })).version).toBe('2');
    expect((await failureOf(fetch({ path: 'key', stage: 'nope' }))).code).toBe('not-found');
  });

  it.each(['DISABLED', 'DESTROYED'] as const)(
    'F42: latest that is %s is not-found, told apart from an outage, and older ones stay readable',
    async (state) => {
      store.add(SECRET, 'one');
      store.add(SECRET, 'two');
      (store.secrets.get(SECRET)?.[1] as { state: string }).state = state;
      const error = await failureOf(fetch({ path: 'key' }));
      expect([error.code, error.status]).toEqual(['not-found', status.FAILED_PRECONDITION]);
      expect(error.message).toMatch(/disabled or destroyed/);
      expect(textOf((await fetch({ path: 'key', version: '1' })).data)).toBe('one');
    },
  );
});

describe('payloads', () => {
  it('bytes come as they are, also 64 KiB of them', async () => {
    const bytes = Buffer.from(Array.from({ length: 65_536 }, (_, place) => (place * 7) % 256));
    store.add(SECRET, bytes);
    expect(bytes.equals((await fetch({ path: 'key' })).data as Uint8Array)).toBe(true);
  });

  it('larger than Google takes comes as well, whole', async () => {
    store.add(SECRET, Buffer.alloc(5_000_000, 'x'));
    expect((await fetch({ path: 'key' })).data).toHaveLength(5_000_000);
  });

  it('JSON that is no object is a single value; an object has fields', async () => {
    store.add(SECRET, '["a", "b"]');
    store.add('projects/orders/secrets/object', '{"user": "app", "port": 5432}');
    const secrets = createSecrets({ providers: { gcp: provider } });
    try {
      expect((await secrets.getSecret('gcp:key')).reveal()).toBe('["a", "b"]');
      expect((await secrets.getSecret('gcp:object#port')).reveal()).toBe('5432');
      const error = await failureOf(secrets.getSecret('gcp:key#user'));
      expect(error.message).toMatch(/leave out the #field/);
    } finally {
      await secrets.close();
    }
  });

  it('F21: an empty payload is bad-response, so that a blank never replaces a value', async () => {
    store.add(SECRET, '');
    expect((await failureOf(fetch({ path: 'key' }))).code).toBe('bad-response');
  });
});

describe('checksums', () => {
  const tampered = (payload: { data: Buffer; dataCrc32c?: string } | null) => {
    store.tamper = (answer) => ({ ...answer, payload });
    return fetch({ path: 'key' });
  };
  beforeEach(() => void store.add(SECRET, 'value'));

  it('F21: a payload that was changed on its way is refused', async () => {
    const error = await failureOf(tampered({ data: Buffer.from('valuf'), dataCrc32c: '2118396862' }));
    expect([error.code, error.problem]).toEqual(['bad-response', expect.stringContaining('checksum')]);
  });

  it('a payload without a checksum is taken: the field is optional', async () => {
    expect(textOf((await tampered({ data: Buffer.from('valuf') })).data)).toBe('valuf');
  });

  it('a checksum of 0 is one', async () => {
    const error = await failureOf(tampered({ data: Buffer.from('value'), dataCrc32c: '0' }));
    expect(error.problem).toContain('checksum');
  });

  it('an answer without a payload is bad-response', async () => {
    expect((await failureOf(tampered(null))).code).toBe('bad-response');
  });

  it.each(['projects/1/secrets/other/versions/1', 'projects/1/secrets/key/versions/latest', ''])(
    'an answer that names %j is refused',
    async (name) => {
      store.tamper = (answer) => ({ ...answer, name });
      expect((await failureOf(fetch({ path: 'key' }))).code).toBe('bad-response');
    },
  );
});

it('F21: an answer of another version than the number that was asked for is refused', async () => {
  store.add(SECRET, 'one');
  store.add(SECRET, 'two');
  store.tamper = (answer) => ({ ...answer, name: `${SECRET}/versions/1` });
  expect((await failureOf(fetch({ path: 'key', version: '2' }))).code).toBe('bad-response');
  expect((await fetch({ path: 'key', version: '1' })).version).toBe('1');
});

describe('calls', () => {
  it('are made once: the core retries, not the SDK', async () => {
    store.faults.push(...Array.from({ length: 4 }, () => ({ code: status.UNAVAILABLE })));
    expect((await failureOf(fetch({ path: 'key' }))).code).toBe('unavailable');
    expect(store.calls).toHaveLength(1);
    const listing = provider.list?.('', unhurried)[Symbol.asyncIterator]() as AsyncIterator<ProviderRef>;
    expect((await failureOf(listing.next())).code).toBe('unavailable');
    expect(store.calls).toHaveLength(2);
  });

  it('an access that nobody waits for any more is cancelled at the server', async () => {
    store.isFrozen = true;
    const controller = new AbortController();
    const failure = failureOf(provider.fetch({ path: 'key' }, { ...unhurried, signal: controller.signal }));
    await expect.poll(() => store.calls.length).toBe(1);
    controller.abort();
    expect((await failure).code).toBe('aborted');
    await expect.poll(() => store.calls[0]?.isCancelled).toBe(true);
  });

  it('say who asks, and route by the name', async () => {
    store.add(SECRET, 'value');
    await fetch({ path: 'key' });
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    const metadata = store.calls[0]?.metadata ?? {};
    expect(metadata['x-goog-api-client']).toContain(`keyturn/${version}`);
    expect(metadata['x-goog-request-params']).toBe(`name=${encodeURIComponent(`${SECRET}/versions/latest`)}`);
  });

  it('a regional secret is asked for by its regional name', async () => {
    const regional = 'projects/orders/locations/europe-west3/secrets/key';
    store.add(regional, 'here');
    expect(textOf((await fetch({ path: regional })).data)).toBe('here');
    const other = overGrpc(store.port, { location: 'europe-west3' });
    expect(textOf((await other.fetch({ path: 'key' }, unhurried)).data)).toBe('here');
    await other.close?.();
  });

  it('F48: after close, which may be called twice, nothing is opened any more', async () => {
    store.add(SECRET, 'value');
    await fetch({ path: 'key' });
    await provider.close?.();
    await provider.close?.();
    expect((await failureOf(fetch({ path: 'key' }))).code).toBe('closed');
    expect(store.calls).toHaveLength(1);
  });
});

describe('list', () => {
  const listed = async (prefix: string) => {
    const paths: string[] = [];
    for await (const { path } of provider.list?.(prefix, unhurried) ?? []) paths.push(path);
    return paths;
  };
  beforeEach(() => {
    for (const name of ['a-1', 'a-2', 'a-3', 'b-1', 'b-2']) store.add(`projects/orders/secrets/${name}`, 'x');
    store.add('projects/other/secrets/a-4', 'x');
    store.add('projects/orders/locations/europe-west3/secrets/a-5', 'x');
    store.pageSize = 2;
  });

  it.each([
    ['', ['a-1', 'a-2', 'a-3', 'b-1', 'b-2'], 3],
    ['b-', ['b-1', 'b-2'], 3],
    ['c', [], 3],
    ['projects/other/secrets', ['projects/other/secrets/a-4'], 1],
    ['projects/other/secrets/', ['projects/other/secrets/a-4'], 1],
    ['projects/other/secrets/b', [], 1],
    [
      'projects/orders/locations/europe-west3/secrets/a',
      ['projects/orders/locations/europe-west3/secrets/a-5'],
      1,
    ],
    ['projects/other', [], 0],
    ['folders/x/secrets', [], 0],
  ])('%j names what begins with it, page by page', async (prefix, expected, calls) => {
    expect(await listed(prefix)).toEqual(expected);
    expect(store.calls).toHaveLength(calls);
  });

  it('asks for no page that its caller does not come to', async () => {
    for await (const _ of provider.list?.('', unhurried) ?? []) break;
    expect(store.calls).toHaveLength(1);
  });
});

it('pages that go in circles are an error, and are not followed for ever', async () => {
  let asked = 0;
  const client: SecretManagerClient = {
    accessSecretVersion: async () => [{}],
    async listSecrets() {
      asked++;
      return [[{ name: `projects/orders/secrets/s${asked}` }], null, { nextPageToken: 'again' }];
    },
  };
  const paths: string[] = [];
  const own = gcpSecretManager({ project: 'orders', client });
  const listing = async () => {
    for await (const { path } of own.list?.('', unhurried) ?? []) paths.push(path);
  };
  expect((await failureOf(listing())).code).toBe('bad-response');
  expect(paths).toEqual(['s1', 's2']);
});

describe('a client of the caller', () => {
  it('serves every reference, and stays open', async () => {
    store.add(SECRET, 'value');
    const client = new SecretManagerServiceClient({
      apiEndpoint: '127.0.0.1',
      port: store.port,
      sslCreds: credentials.createInsecure(),
      authClient: new PassThroughClient(),
      projectId: 'orders',
    });
    const own = gcpSecretManager({ project: 'orders', client });
    expect(textOf((await own.fetch({ path: 'key' }, unhurried)).data)).toBe('value');
    await own.close?.();
    expect((await client.accessSecretVersion({ name: `${SECRET}/versions/1` }))[0].name).toContain('/1');
    await client.close();
  });

  it('may be anything that answers like one', async () => {
    const client: SecretManagerClient = {
      accessSecretVersion: async ({ name }) => [
        { name: name.replace('latest', '7'), payload: { data: Buffer.from('value').toString('base64') } },
      ],
      listSecrets: async () => [[], null, {}],
    };
    const own = gcpSecretManager({ project: 'orders', client });
    const { data, version } = await own.fetch({ path: 'key' }, unhurried);
    expect([textOf(data), version]).toEqual(['value', '7']);
    await own.close?.();
  });
});
