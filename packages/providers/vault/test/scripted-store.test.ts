import { approle, token, type VaultConfig, vault } from '@keyturn/vault';
import { afterEach, describe, expect, it } from 'vitest';
import { failureOf, logIn, unhurried } from './calls.js';
import { asStore, json, type Script, type ScriptedServer, startScripted } from './scripted-server.js';

const servers: ScriptedServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function connect(script: Script, config: Partial<VaultConfig> = {}) {
  const server = await startScripted(asStore(script));
  servers.push(server);
  const provider = vault({ address: server.address, auth: token({ token: 't' }), ...config });
  return { server, provider };
}

describe('a renewal', () => {
  const renew = async (answer: unknown) => {
    const { provider } = await connect((_, response) => json(response, 200, answer));
    return provider.renew?.('database/creds/a/b', { ...(await logIn(provider)), ttlMs: 60_000 });
  };

  it('F22: takes over the id that the store gives', async () => {
    expect(await renew({ lease_id: 'database/creds/a/c', lease_duration: 30, renewable: false })).toEqual({
      ttlMs: 30_000,
      handle: { id: 'database/creds/a/c', renewable: false },
    });
  });

  it.each([{}, { lease_id: 'a/b', data: null }, { lease_duration: 'soon' }])(
    'F21: with %j is a bad response',
    async (answer) => {
      expect((await failureOf(renew(answer))).code).toBe('bad-response');
    },
  );

  it.each([0, -5])('F9: that grants %i seconds means that the lease is over', async (lease_duration) => {
    expect((await failureOf(renew({ lease_id: 'a/b', lease_duration, renewable: true }))).code).toBe(
      'lease-lost',
    );
  });

  it('asks for whole seconds, at least one', async () => {
    const { server, provider } = await connect((_, response) => json(response, 200, { lease_duration: 9 }));
    const options = await logIn(provider);
    for (const ttlMs of [1, 4_200, 3_600_000]) await provider.renew?.('a/b', { ...options, ttlMs });
    const asked = server.seen.flatMap(({ url, body }) =>
      url.endsWith('renew') ? [JSON.parse(body).increment] : [],
    );
    expect(asked).toEqual([1, 5, 3_600]);
  });
});

describe('a login', () => {
  const logInWith = async (answer: unknown) => {
    const auth = approle({ roleId: 'r', secretId: 's' });
    const { provider } = await connect((_, response) => json(response, 200, answer), { auth });
    return provider.session?.login(unhurried);
  };

  it.each([{}, { auth: null }, { auth: { client_token: '' } }, { data: { ttl: 9 } }])(
    'F21: answered with %j is a bad response',
    async (answer) => {
      expect((await failureOf(logInWith(answer))).code).toBe('bad-response');
    },
  );

  it('that asks for a second factor is refused with what to do', async () => {
    const auth = { client_token: '', mfa_requirement: { mfa_request_id: 'x' } };
    expect((await failureOf(logInWith({ auth }))).message).toMatch(
      /unauthenticated.*second factor.*approle/s,
    );
  });

  it('without an end has no lease', async () => {
    const grant = await logInWith({ auth: { client_token: 't', lease_duration: 0, renewable: false } });
    expect(grant?.lease).toBeUndefined();
  });
});

describe('a renewal of the login', () => {
  it.each([{}, { auth: null }, { auth: { lease_duration: 0 } }])(
    'F21: answered with %j is a bad response',
    async (answer) => {
      const { provider } = await connect((_, response) => json(response, 200, answer));
      const { session } = await logIn(provider);
      const renewing = provider.session?.renew?.(session, { ...unhurried, ttlMs: 1_000 }) as Promise<unknown>;
      expect((await failureOf(renewing)).code).toBe('bad-response');
    },
  );
});

describe('the namespace', () => {
  const healthy =
    (health: object): Script =>
    (request, response) => {
      if (request.url.startsWith('/v1/sys/health')) json(response, 200, health);
      else json(response, 404, { errors: [] });
    };

  it('is refused by the community edition of Vault, which would answer from the root', async () => {
    const { provider, server } = await connect(healthy({ initialized: true, enterprise: false }), {
      namespace: 'team',
    });
    expect((await failureOf(logIn(provider))).message).toMatch(
      /invalid-config.*community edition.*namespace/s,
    );
    expect(server.seen.map(({ headers }) => headers['x-vault-namespace'])).toEqual([undefined]);
    expect(server.seen[0]?.headers['x-vault-token']).toBeUndefined();
  });

  it.each([{ enterprise: true }, { version: '2.7.2' }])(
    'is checked once for a server that says %j',
    async (health) => {
      const { provider, server } = await connect(healthy(health), { namespace: 'team' });
      await logIn(provider);
      await logIn(provider);
      expect(server.seen.filter(({ url }) => url.startsWith('/v1/sys/health')).length).toBe(1);
      expect(server.seen.at(-1)?.headers['x-vault-namespace']).toBe('team');
    },
  );

  it('is believed where the health is hidden, and asked again where the server was down', async () => {
    const hidden = await connect((_, response) => json(response, 403, { errors: ['no'] }), {
      namespace: 'team',
    });
    await logIn(hidden.provider);
    const down = await connect((_, response) => json(response, 502, {}), { namespace: 'team' });
    expect((await failureOf(logIn(down.provider))).code).toBe('unavailable');
  });
});

describe('a listing', () => {
  it('asks by GET, which every proxy lets through, and only as far as it is read', async () => {
    const { provider, server } = await connect((request, response) => {
      const keys = request.url.includes('deep') ? ['two'] : ['one', 'deep/'];
      json(response, 200, { data: { keys } });
    });
    const options = await logIn(provider);
    server.seen.length = 0;
    for await (const ref of provider.list?.('secret/app', options) ?? []) {
      expect(ref).toEqual({ path: 'secret/app/one' });
      break;
    }
    expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /v1/sys/internal/ui/mounts/secret/app',
      'GET /v1/secret/metadata/app?list=1',
    ]);
  });

  it.each(['..', '../../sys', 'a/../b'])('does not follow the name %s', async (name) => {
    const { provider, server } = await connect((_, response) =>
      json(response, 200, { data: { keys: [`${name}/`] } }),
    );
    const options = await logIn(provider);
    const listing = (async () => {
      for await (const _ of provider.list?.('secret/app', options) ?? []);
    })();
    expect((await failureOf(listing)).code).toBe('invalid-ref');
    expect(server.seen.filter(({ url }) => url.includes('list=1')).length).toBe(1);
  });
});
