import { readFileSync } from 'node:fs';
import { createDevServer, type DevServer } from '@keyturn/dev-server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RawAnswer, type RawClient, rawClient } from './raw-client.js';

interface CatalogueEntry {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: readonly string[];
  readonly when: string;
}

const VECTORS = new URL('../vectors/vault-errors.json', import.meta.url);
const catalogue = JSON.parse(readFileSync(VECTORS, 'utf8')) as {
  readonly errors: readonly CatalogueEntry[];
  readonly health: readonly { readonly state: string; readonly status: number }[];
};

/** How each kind of answer comes about, by the start of its description. */
const PRODUCED: Readonly<Record<string, () => Promise<RawAnswer>>> = {
  'any request on a sealed node': () => {
    server.seal();
    return call('GET', 'secret/data/any');
  },
  'standby that cannot forward': () => {
    server.standby(true);
    return call('GET', 'secret/data/any');
  },
  'no token at all': () => call('GET', 'secret/data/any', { token: null }),
  'write or delete sent to a standby': () => {
    server.standby({ redirect: 'http://127.0.0.1:1' });
    return call('POST', 'secret/data/any', { body: {} });
  },
  'sys/leases/revoke of an unknown lease': () =>
    call('PUT', 'sys/leases/revoke', { body: { lease_id: 'unknown/id' } }),
  'kv v1 read': async () => {
    await call('POST', 'sys/mounts/v1', { body: { type: 'kv' } });
    await call('POST', 'v1/a', { body: { data: 'bar' } });
    return call('GET', 'v1/a');
  },
  'unknown/expired/revoked token': () => call('GET', 'secret/data/any', { token: 'unknown' }),
  'GET on a KV path that does not exist': () => call('GET', 'secret/data/none'),
  'LIST with no keys': () => call('LIST', 'secret/metadata/none'),
  'unknown mount': () => call('GET', 'foo/bar'),
  'wrong verb': async () => {
    await call('POST', 'sys/auth/jwt', { body: { type: 'jwt' } });
    return call('GET', 'auth/jwt/login', { token: null });
  },
  'kv v2 write with stale cas': () =>
    call('POST', 'secret/data/a', { body: { data: {}, options: { cas: 7 } } }),
  'kv v2 with cas_required': async () => {
    await call('POST', 'secret/config', { body: { cas_required: true } });
    return call('POST', 'secret/data/a', { body: { data: {} } });
  },
  'sys/leases/renew or lookup of an unknown lease': () =>
    call('PUT', 'sys/leases/renew', { body: { lease_id: 'unknown/id' } }),
  'renew of a non-renewable': async () => {
    const { body } = await call('POST', 'auth/token/create', { body: { renewable: false, ttl: '1m' } });
    return call('POST', 'auth/token/renew-self', { token: body.auth.client_token });
  },
  'unwrap twice': () => call('POST', 'sys/wrapping/unwrap', { body: { token: 'used' } }),
  'AppRole login failure': async () => {
    await call('POST', 'sys/auth/approle', { body: { type: 'approle' } });
    return call('POST', 'auth/approle/login', { token: null, body: { role_id: 'a', secret_id: 'b' } });
  },
  'database creds of an unknown role': async () => {
    await call('POST', 'sys/mounts/database', { body: { type: 'database' } });
    return call('GET', 'database/creds/nope');
  },
  'rate-limit quota': async () => {
    await call('POST', 'sys/quotas/config', { body: { enable_rate_limit_response_headers: true } });
    await call('POST', 'sys/quotas/rate-limit/one', { body: { rate: 1, interval: '1m', path: 'secret/' } });
    await call('GET', 'secret/data/x');
    return call('GET', 'secret/data/x');
  },
  'lease quota': () => injected(429, 'lease count quota exceeded'),
  'Vault Enterprise adaptive overload': () =>
    injected(503, '1 error occurred:\n\t* Vault server temporarily overloaded\n\n'),
  'Vault Enterprise X-Vault-Index': () => injected(412, 'required index state not present'),
  'third party': () => injected(502, 'upstream rate limited'),
  'body over 32 MiB': () => call('POST', 'secret/data/a', { raw: 'x'.repeat((32 << 20) + 1) }),
  'unknown X-Vault-Namespace': () =>
    call('GET', 'secret/data/a', { headers: { 'X-Vault-Namespace': 'other' } }),
};

/** Entries that the dev server does not answer so, each with the reason. */
const NOT_PRODUCED: Readonly<Record<string, string>> = {
  'request in a sealed namespace': 'no namespaces',
  'locked namespace': 'no namespaces',
  'lookup-self of the root token': 'Vault leaves the issue time out; OpenBao and the dev server print it',
  'kv v1 style GET on a kv v2 mount': "names Vault's command line; OpenBao and the dev server name their own",
  'kv v2 GET of a soft-deleted version':
    'an example from documentation; the recorded answers hold a real one',
  'renew after expiry': 'OpenBao answers "lease not found" here',
  'renew with an empty/bad id': 'OpenBao asks for the lease_id by name',
};

let server: DevServer;
let call: RawClient;

beforeEach(async () => {
  server = await createDevServer().start();
  call = rawClient(server.address, server.rootToken);
});
afterEach(() => server.close());

test.each(catalogue.errors.map((entry) => [entry.status, entry.when, entry] as const))(
  '%i: %s',
  async (_status, when, entry) => {
    const known = Object.keys(NOT_PRODUCED).find((start) => when.includes(start));
    const start = Object.keys(PRODUCED).find((each) => when.startsWith(each));
    expect([known, start].filter((each) => each !== undefined)).toHaveLength(1);
    if (start === undefined) return;
    const answer = await (PRODUCED[start] as () => Promise<RawAnswer>)();
    expect(answer.status).toBe(entry.status);
    for (const name of entry.headers ?? []) expect(Object.keys(answer.headers)).toContain(name.toLowerCase());
    if (entry.body === null) expect(answer.body).toBeNull();
    else expect({ ...answer.body, request_id: '*' }).toEqual({ request_id: '*', ...(entry.body as object) });
  },
);

test('the catalogue is covered, but for seven entries', () => {
  expect(catalogue.errors).toHaveLength(32);
  expect(Object.keys(NOT_PRODUCED)).toHaveLength(7);
});

test.each([
  ['active', '', () => {}],
  ['standby', '', () => server.standby(true)],
  ['standby ?standbyok=true', '?standbyok=true', () => server.standby(true)],
  ['sealed', '', () => server.seal()],
])('sys/health: %s', async (state, query, prepare) => {
  prepare();
  const expected = catalogue.health.find((entry) => entry.state === state)?.status;
  expect((await call('GET', `sys/health${query}`, { token: null })).status).toBe(expected);
});

function injected(status: number, error: string): Promise<RawAnswer> {
  server.inject({ answer: status, errors: [error], times: 1 });
  return call('GET', 'secret/data/any');
}
