import { describe, expect, test } from 'vitest';
import { contractSuite } from './contract-suite.js';

contractSuite('system', {}, (server) => {
  describe('mounts', () => {
    test('an engine is mounted, described, tuned and unmounted', async () => {
      const { call } = server();
      const mounted = await call('POST', 'sys/mounts/team/kv', {
        body: { type: 'kv-v2', description: 'theirs', config: { max_lease_ttl: '2h' } },
      });
      expect(mounted.status).toBe(204);
      expect((await call('GET', 'sys/mounts')).body.data['team/kv/']).toMatchObject({
        type: 'kv',
        options: { version: '2' },
        description: 'theirs',
        config: { default_lease_ttl: 0, max_lease_ttl: 7_200 },
      });
      await call('POST', 'sys/mounts/team/kv/tune', { body: { default_lease_ttl: '1h' } });
      expect((await call('GET', 'sys/mounts/team/kv/tune')).body.data).toMatchObject({
        default_lease_ttl: 3_600,
        max_lease_ttl: 7_200,
      });
      await call('POST', 'team/kv/data/a', { body: { data: { v: 1 } } });
      await call('DELETE', 'sys/mounts/team/kv');
      expect((await call('GET', 'team/kv/data/a')).body.errors).toEqual([
        'no handler for route "team/kv/data/a". route entry not found.',
      ]);
    });

    test('the limits of a mount cap its tokens', async () => {
      const { call } = server();
      await call('POST', 'sys/auth/short', { body: { type: 'approle', config: { max_lease_ttl: '5m' } } });
      await call('POST', 'auth/short/role/r', { body: { token_ttl: '1h' } });
      const { role_id } = (await call('GET', 'auth/short/role/r/role-id')).body.data;
      const { secret_id } = (await call('PUT', 'auth/short/role/r/secret-id')).body.data;
      const { body } = await call('PUT', 'auth/short/login', { token: null, body: { role_id, secret_id } });
      expect(body.auth.lease_duration).toBe(300);
      expect(body.warnings).toEqual([
        'TTL of "1h" exceeded the effective max_ttl of "5m"; TTL value is capped accordingly',
      ]);
    });

    test('a mount may not stand in the way of another', async () => {
      const { call } = server();
      await call('POST', 'sys/mounts/taken', { body: { type: 'kv' } });
      const inside = await call('POST', 'sys/mounts/taken/inside', { body: { type: 'kv' } });
      expect(inside.body.errors).toEqual(['path is already in use at taken/']);
      expect((await call('POST', 'sys/mounts/sys', { body: { type: 'kv' } })).status).toBe(400);
      expect((await call('DELETE', 'sys/auth/token')).status).toBe(400);
    });

    test('a client learns about the mount of a path that it may use, and of no other', async () => {
      const { call } = server();
      await call('PUT', 'sys/policies/acl/one-path', {
        body: { policy: 'path "secret/data/app/*" { capabilities = ["read"] }' },
      });
      await call('POST', 'sys/mounts/hidden', { body: { type: 'kv' } });
      const { body } = await call('POST', 'auth/token/create', { body: { policies: ['one-path'] } });
      const ask = (path: string) =>
        call('GET', `sys/internal/ui/mounts/${path}`, { token: body.auth.client_token });
      expect((await ask('secret/data/app/db')).body.data).toMatchObject({
        path: 'secret/',
        options: { version: '2' },
      });
      expect((await ask('hidden/x')).status).toBe(403);
      expect((await call('GET', 'sys/internal/ui/mounts/secret', { token: null })).status).toBe(403);
    });
  });

  describe('rate limits', () => {
    const fill = async (path: string, times: number) => {
      const statuses: number[] = [];
      for (let index = 0; index < times; index++) statuses.push((await server().call('GET', path)).status);
      return statuses;
    };

    test('F19: requests beyond the rate are answered 429 until the interval is over', async () => {
      const { call, eventually } = server();
      await call('POST', 'sys/quotas/rate-limit/few', { body: { rate: 2, interval: '1s', path: 'secret/' } });
      expect(await fill('secret/data/none', 3)).toEqual([404, 404, 429]);
      expect((await call('GET', 'sys/health')).status).toBe(200);
      expect((await call('GET', 'sys/mounts')).status).toBe(200);
      await eventually(async () => (await call('GET', 'secret/data/none')).status === 404);
      await call('DELETE', 'sys/quotas/rate-limit/few');
    });

    test('F19: with headers it says how long to wait', async () => {
      const { call } = server();
      await call('POST', 'sys/quotas/config', { body: { enable_rate_limit_response_headers: true } });
      await call('POST', 'sys/quotas/rate-limit/few', {
        body: { rate: 1, interval: '1s', block_interval: '3s', path: 'secret/' },
      });
      await fill('secret/data/none', 1);
      const { status, headers, body } = await call('GET', 'secret/data/none');
      expect(status).toBe(429);
      expect(body.errors).toEqual(['request path "secret/data/none": rate limit quota exceeded']);
      expect(headers).toMatchObject({ 'retry-after': '2', 'x-ratelimit-limit': '1' });
      await call('DELETE', 'sys/quotas/rate-limit/few');
      await call('POST', 'sys/quotas/config', { body: { enable_rate_limit_response_headers: false } });
    });
  });

  describe('health and seal', () => {
    test('health, leader and seal status need no token', async () => {
      const { call } = server();
      expect((await call('GET', 'sys/health', { token: null })).body).toMatchObject({
        initialized: true,
        sealed: false,
        standby: false,
      });
      expect((await call('GET', 'sys/health?activecode=204', { token: null })).status).toBe(204);
      expect((await call('HEAD', 'sys/health', { token: null })).status).toBe(200);
      expect((await call('GET', 'sys/leader', { token: null })).body.ha_enabled).toBe(false);
    });

    test('F18: sealed answers 503 to all but its status, and knows everything after the unseal', async () => {
      const { call, unsealKey } = server();
      await call('POST', 'secret/data/kept', { body: { data: { v: 1 } } });
      expect((await call('PUT', 'sys/seal', { token: 'nobody' })).status).toBe(403);
      expect((await call('PUT', 'sys/seal')).status).toBe(204);
      for (const path of ['secret/data/kept', 'auth/token/lookup-self', 'nowhere']) {
        expect(await call('GET', path)).toMatchObject({ status: 503, body: { errors: ['Vault is sealed'] } });
      }
      expect((await call('GET', 'sys/health', { token: null })).status).toBe(503);
      expect((await call('GET', 'sys/seal-status', { token: null })).body.sealed).toBe(true);

      const wrong = Buffer.alloc(32, 7).toString('base64');
      expect((await call('PUT', 'sys/unseal', { token: null, body: { key: wrong } })).status).toBe(400);
      const opened = await call('PUT', 'sys/unseal', { token: null, body: { key: unsealKey } });
      expect(opened.body.sealed).toBe(false);
      expect((await call('GET', 'secret/data/kept')).body.data.data).toEqual({ v: 1 });
    });
  });
});
