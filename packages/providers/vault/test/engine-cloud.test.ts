import { createSecrets } from '@keyturn/core';
import { token, vault } from '@keyturn/vault';
import { afterEach, describe, expect, it } from 'vitest';
import { asStore, json, type ScriptedServer, startScripted } from './scripted-server.js';

let server: ScriptedServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** Answers as the documentation of Vault shows them; neither engine can be had here. */
const ANSWERS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'aws/creds/orders': {
    lease_id: 'aws/creds/orders/f3e92392-7d9c-09c8-c921-575d62fe80d8',
    renewable: true,
    lease_duration: 768,
    data: { access_key: 'AKIAEXAMPLE', secret_key: 'an-example', security_token: null },
  },
  'aws/sts/orders': {
    lease_id: 'aws/sts/orders/c2d3a6ae-1a2b-4c3d-8e9f-000000000001',
    renewable: false,
    lease_duration: 900,
    data: { access_key: 'ASIAEXAMPLE', secret_key: 'an-example', security_token: 'a-session' },
  },
  'gcp/roleset/orders/key': {
    lease_id: 'gcp/key/orders/ce563a99-5e55-389b-9f1e-000000000001',
    renewable: true,
    lease_duration: 3_600,
    data: {
      private_key_data: 'e30=',
      key_algorithm: 'KEY_ALG_RSA_2048',
      key_type: 'TYPE_GOOGLE_CREDENTIALS_FILE',
    },
  },
  'azure/creds/orders': {
    lease_id: 'azure/creds/orders/1afd0969-ad23-73e2-f974-962f7ac1c2b4',
    renewable: true,
    lease_duration: 3_600,
    data: { client_id: '408bf248-dd4e-4be5-919a-7f6207a307ab', client_secret: 'an-example' },
  },
};

/** The engines at their mounts; every other call is granted. */
async function open() {
  const scripted = await startScripted(
    asStore(({ url }, response) => {
      const path = url.replace('/v1/', '');
      const [, mount = ''] = /^sys\/internal\/ui\/mounts\/(\w+)/.exec(path) ?? [];
      if (mount !== '') json(response, 200, { data: { path: `${mount}/`, type: mount } });
      else if (path in ANSWERS) json(response, 200, ANSWERS[path]);
      else if (path === 'gcp/roleset/orders/token') {
        const data = { token: 'ya29.example', token_ttl: 3_599, expires_at_seconds: 1_537_400_046 };
        json(response, 200, { lease_id: '', renewable: false, lease_duration: 0, data });
      } else if (path === 'identity/oidc/token/orders') {
        json(response, 200, { lease_id: '', data: { client_id: 'orders', token: 'an.id.token', ttl: 600 } });
      } else json(response, 204, undefined);
    }),
  );
  server = scripted;
  const auth = token({ token: 's.example' });
  const secrets = createSecrets({ providers: { vault: vault({ address: scripted.address, auth }) } });
  return { secrets, seen: scripted.seen };
}

describe('credentials of clouds', () => {
  it.each(Object.entries(ANSWERS))(
    '%s: fields and lease come through, and it is revoked',
    async (path, answer) => {
      const { secrets, seen } = await open();
      const secret = await secrets.getSecret(`vault:${path}`);
      const given = Object.entries(answer.data as object).filter(([, value]) => value !== null);
      expect(secret.revealFields()).toEqual(Object.fromEntries(given));
      const lastsMs = Number(secret.expiresAt) - Date.now();
      const leaseMs = Number(answer.lease_duration) * 1_000;
      expect(lastsMs).toBeGreaterThan(leaseMs - 30_000);
      expect(lastsMs).toBeLessThanOrEqual(leaseMs);
      await secrets.close();
      const revocations = seen.filter(({ url }) => url === '/v1/sys/leases/revoke');
      expect(revocations.map(({ body }) => JSON.parse(body).lease_id)).toEqual([answer.lease_id]);
    },
  );

  it.each([
    ['gcp/roleset/orders/token', 3_599],
    ['identity/oidc/token/orders', 600],
  ])('%s has no lease, and lasts as long as the token says', async (path, ttlS) => {
    const { secrets, seen } = await open();
    const secret = await secrets.getSecret(`vault:${path}`);
    const lastsMs = Number(secret.expiresAt) - Date.now();
    expect(lastsMs).toBeGreaterThan((ttlS - 30) * 1_000);
    expect(lastsMs).toBeLessThanOrEqual(ttlS * 1_000);
    await secrets.close();
    expect(seen.filter(({ url }) => url === '/v1/sys/leases/revoke')).toEqual([]);
  });
});
