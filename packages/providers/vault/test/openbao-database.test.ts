import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fakeClock } from '@keyturn/core/testing';
import { approle, token, vault } from '@keyturn/vault';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configureDatabaseEngine, type DatabaseEngine } from '../../../../test/servers/database-engine.js';
import { type OpenBaoServer, startOpenBao, until } from '../../../../test/servers/openbao.js';
import { type PostgresServer, startPostgres } from '../../../../test/servers/postgres.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { failureOf, logIn } from './calls.js';

/** Hands requests on to a store, and can hold an answer back on its way. */
async function answersHeld(address: string) {
  let held: { arrived: () => void; opened: Promise<void> } | undefined;
  const server = createServer((incoming, answer) => {
    const { method, url, headers } = incoming;
    const onward = request(`${address}${url}`, { method, headers, agent: false }, (response) => {
      const gate = held;
      held = undefined;
      gate?.arrived();
      void Promise.resolve(gate?.opened).then(() => {
        answer.writeHead(response.statusCode ?? 500, response.headers);
        response.pipe(answer);
      });
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Holds the next answer. */
    hold() {
      let open: () => void = () => {};
      const opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      const arrived = new Promise<void>((resolve) => {
        held = { arrived: resolve, opened };
      });
      return { arrived, open };
    },
    stop() {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

describe.skipIf(!requireServer('openbao', 'postgres'))('leases of OpenBao and PostgreSQL', () => {
  let bao: OpenBaoServer;
  let postgres: PostgresServer;
  let engine: DatabaseEngine;
  beforeAll(async () => {
    [bao, postgres] = await Promise.all([startOpenBao(), startPostgres()]);
    const target = { address: bao.address, token: bao.rootToken };
    engine = await configureDatabaseEngine(target, postgres, { ttl: '1h', maxTtl: '2h' });
  });
  afterAll(() => Promise.all([bao?.stop(), postgres?.stop()]));

  async function connect(secret?: string) {
    const auth = secret === undefined ? approle(engine.approle) : token({ token: secret });
    const provider = vault({ address: bao.address, auth });
    const options = await logIn(provider);
    return { provider, options, fetch: (path: string) => provider.fetch({ path }, options) };
  }

  async function opens({ username, password }: Record<string, unknown>): Promise<boolean> {
    const client = new pg.Client({ ...postgres, user: String(username), password: String(password) });
    try {
      await client.connect();
      await client.query('SELECT count(*) FROM orders');
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === '28P01') return false;
      throw error;
    } finally {
      await client.end();
    }
  }

  it('a credential opens the database, carries its lease and is another each time', async () => {
    const { fetch } = await connect();
    const [one, other] = [await fetch(engine.creds), await fetch(engine.creds)];
    expect(one.lease).toMatchObject({ ttlMs: 3_600_000, handle: { renewable: true } });
    expect(one.lease?.handle?.id).toBe(`database/creds/app/${one.version}`);
    expect(one.version).not.toBe(other.version);
    expect(await opens(one.data as Record<string, unknown>)).toBe(true);
  });

  it('F7 F22: a renewal past the maximum grants less, under the same id', async () => {
    const path = await engine.addDynamicRole('short', { ttl: '10s', maxTtl: '20s' });
    const { provider, options, fetch } = await connect();
    const { lease } = await fetch(path);
    const id = lease?.handle?.id ?? '';
    expect(await provider.renew?.(id, { ...options, ttlMs: 4_200 })).toEqual({
      ttlMs: 5_000,
      handle: { id, renewable: true },
    });
    const last = await provider.renew?.(id, { ...options, ttlMs: 3_600_000 });
    expect(last?.ttlMs).toBeGreaterThan(15_000);
    expect(last?.ttlMs).toBeLessThanOrEqual(20_000);
  });

  it('F12: a lease that was revoked ends its credential, twice over, and cannot be renewed', async () => {
    const { provider, options, fetch } = await connect();
    const { lease, data } = await fetch(engine.creds);
    const id = lease?.handle?.id ?? '';
    await provider.revoke?.(id, options);
    expect(await opens(data as Record<string, unknown>)).toBe(false);
    await provider.revoke?.(id, options);
    await provider.revoke?.('database/creds/app/never-there', options);
    const error = await failureOf(provider.renew?.(id, { ...options, ttlMs: 1_000 }) as Promise<unknown>);
    expect(error).toMatchObject({ code: 'lease-lost', status: 400 });
  });

  it('whoever leaves before the answer leaves no lease behind', async () => {
    const held = await answersHeld(bao.address);
    const provider = vault({ address: held.address, auth: token({ token: bao.rootToken }) });
    const options = await logIn(provider);
    const leases = async () =>
      (await bao.api('LIST', `sys/leases/lookup/${engine.creds}`)).data.keys as string[];
    await provider.fetch({ path: engine.creds }, options);
    const before = await leases();
    const gate = held.hold();
    const caller = new AbortController();
    const reading = provider.fetch({ path: engine.creds }, { ...options, signal: caller.signal });
    await gate.arrived;
    expect(await leases()).toHaveLength(before.length + 1);
    caller.abort(new Error('the caller left'));
    expect(await failureOf(reading)).toMatchObject({ code: 'aborted' });
    const closed = provider.close?.();
    gate.open();
    await closed;
    expect(await leases()).toHaveLength(before.length);
    await held.stop();
  });

  it('a lease that the store cannot revoke now is an outage', async () => {
    const { provider, options, fetch } = await connect(bao.rootToken);
    await bao.api('POST', 'database/roles/stuck', {
      db_name: 'postgres',
      default_ttl: '1h',
      creation_statements: [`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'`],
      revocation_statements: ['SELECT no_such_function()'],
    });
    const { lease } = await fetch('database/creds/stuck');
    const error = await failureOf(provider.revoke?.(lease?.handle?.id ?? '', options) as Promise<unknown>);
    expect(error.code).toBe('unavailable');
    expect(error.policy.retry).toBe(true);
  });

  it('a static role lasts until it is rotated, and has another version afterwards', async () => {
    const { fetch } = await connect();
    const before = await fetch(engine.staticCreds);
    expect(before.lease?.end).toBe('rotates');
    expect(before.lease?.ttlMs).toBeGreaterThan(86_000_000);
    expect(before.lease?.handle).toBeUndefined();
    expect(before.data).toEqual({ username: engine.staticUser, password: expect.any(String) });
    expect((await fetch(engine.staticCreds)).version).toBe(before.version);
    expect(await opens(before.data as Record<string, unknown>)).toBe(true);
    await engine.rotateStatic();
    const after = await fetch(engine.staticCreds);
    expect(after.version).not.toBe(before.version);
    expect(await opens(after.data as Record<string, unknown>)).toBe(true);
    expect(await opens(before.data as Record<string, unknown>)).toBe(false);
  });

  it('F26: a static role at its boundary gives a usable value or is asked again, and never a ttl of nothing', async () => {
    const path = await engine.addStaticRole('boundary', 5);
    const { fetch } = await connect();
    const versions = new Set<string>();
    await until('three rotations', async () => {
      const answer = await fetch(path).catch((error) => error);
      if (answer.code !== undefined)
        expect(answer).toMatchObject({ code: 'unavailable', retryAfterMs: 1_000 });
      else {
        expect(answer.lease.ttlMs).toBeGreaterThan(0);
        versions.add(answer.version);
      }
      return versions.size >= 3;
    });
  });

  it('a role that is unknown, and one that the connection does not allow, are told apart', async () => {
    const { fetch } = await connect(bao.rootToken);
    expect((await failureOf(fetch('database/creds/nobody'))).code).toBe('not-found');
    expect((await failureOf(fetch('database/static-creds/nobody'))).code).toBe('not-found');
    await bao.api('POST', 'database/config/strict', {
      plugin_name: 'postgresql-database-plugin',
      connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${postgres.port}/app?sslmode=disable`,
      username: postgres.superuser,
      password: postgres.password,
      allowed_roles: ['other'],
    });
    await bao.api('POST', 'database/roles/forbidden', {
      db_name: 'strict',
      creation_statements: ['SELECT 1'],
    });
    const error = await failureOf(fetch('database/creds/forbidden'));
    expect(error.code).toBe('permission-denied');
    expect(error.message).toContain('allowed_roles');
  });

  it('F49: a database that the store cannot reach leaks no connection string', async () => {
    await bao.api('POST', 'database/config/nowhere', {
      plugin_name: 'postgresql-database-plugin',
      connection_url: 'postgresql://{{username}}:{{password}}@127.0.0.1:1/app',
      username: 'CANARY-user',
      password: 'CANARY-password',
      allowed_roles: ['*'],
      verify_connection: false,
    });
    await bao.api('POST', 'database/roles/nowhere', {
      db_name: 'nowhere',
      creation_statements: ['SELECT 1'],
    });
    const { fetch } = await connect(bao.rootToken);
    const error = await failureOf(fetch('database/creds/nowhere'));
    expect(error.code).toBe('unavailable');
    expect(JSON.stringify(error) + error.stack).not.toContain('CANARY');
  });

  it('F16: under a batch token a lease ends with the token', async () => {
    const request = { type: 'batch', policies: [engine.policy], ttl: '30s' };
    const { auth } = await bao.api('POST', 'auth/token/create', request);
    const { provider, options, fetch } = await connect(auth.client_token);
    const { lease } = await fetch(engine.creds);
    expect(lease?.ttlMs).toBeLessThanOrEqual(30_000);
    const renewed = await provider.renew?.(lease?.handle?.id ?? '', { ...options, ttlMs: 3_600_000 });
    expect(renewed?.ttlMs).toBeLessThanOrEqual(30_000);
  });

  describe('certificates', () => {
    beforeAll(async () => {
      await bao.api('POST', 'sys/mounts/pki', { type: 'pki' });
      await bao.api('POST', 'pki/root/generate/internal', { common_name: 'ca', ttl: '24h', key_type: 'ec' });
      const role = { allow_any_name: true, key_type: 'ec', ttl: '1h' };
      await bao.api('POST', 'pki/roles/web', role);
      await bao.api('POST', 'pki/roles/leased', { ...role, generate_lease: true });
    });

    it.each([
      ['web', false],
      ['leased', true],
    ])('of the role %s are issued anew for each read (with a lease: %s)', async (role, hasLease) => {
      const path = `pki/issue/${role}`;
      const parameters = { [path]: { common_name: 'orders.internal' } };
      const provider = vault({ address: bao.address, auth: token({ token: bao.rootToken }), parameters });
      const options = { ...(await logIn(provider)), clock: fakeClock({ wallMs: Date.now() }) };
      const one = await provider.fetch({ path }, options);
      expect(one.data).toMatchObject({ certificate: expect.stringContaining('BEGIN CERTIFICATE') });
      expect(one.lease?.ttlMs).toBeGreaterThan(3_500_000);
      expect(one.lease?.ttlMs).toBeLessThanOrEqual(3_600_000);
      expect(one.lease?.handle !== undefined).toBe(hasLease);
      expect(one.lease?.handle?.renewable ?? false).toBe(false);
      expect((await provider.fetch({ path }, options)).version).not.toBe(one.version);
    });
  });
});
