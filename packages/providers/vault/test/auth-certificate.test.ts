import { leakProbe } from '@keyturn/core/testing';
import { type CertificateConfig, certificate, type VaultTls } from '@keyturn/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBaoServer, startOpenBao } from '../../../../test/servers/openbao.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { failureOf } from './calls.js';
import { authority } from './certificates.js';
import { keepLogin, sessionOf } from './kept-login.js';

describe.skipIf(!requireServer('openbao'))('a client certificate on OpenBao', () => {
  let bao: OpenBaoServer;
  let orders: VaultTls & { readonly key: string };
  let stranger: VaultTls;

  beforeAll(async () => {
    bao = await startOpenBao({ tls: true });
    await bao.api('POST', 'secret/data/orders', { data: { a: 'b' } });
    await bao.api('PUT', 'sys/policies/acl/orders', {
      policy: 'path "secret/*" { capabilities = ["read"] }',
    });
    const [clients, others] = [await authority(bao, 'clients'), await authority(bao, 'others')];
    const server = { caFile: bao.caPath as string };
    const clientOf = ({ cert, key }: { cert: string; key: string }) => ({ ...server, cert, key });
    orders = clientOf(await clients.issue({ name: 'orders.test' }));
    stranger = clientOf(await others.issue({ name: 'orders.test' }));
    for (const mount of ['cert', 'workloads']) {
      await bao.api('POST', `sys/auth/${mount}`, { type: 'cert' });
      await bao.api('POST', `auth/${mount}/certs/orders`, {
        certificate: clients.ca,
        allowed_common_names: ['orders.test'],
        token_policies: ['orders'],
        token_ttl: '2s',
        token_max_ttl: '3s',
      });
    }
  });
  afterAll(() => bao?.stop());
  const logins = (config: CertificateConfig, tls: VaultTls) =>
    sessionOf(certificate(config), { address: bao.address, tls });

  it.each<CertificateConfig>([{}, { role: 'orders' }, { role: 'orders', mount: 'workloads' }])(
    'logs in to %j',
    async (config) => {
      const { login, read, close } = logins(config, orders);
      const { credential, lease } = await login();
      expect(lease).toEqual({ ttlMs: 2_000, handle: { id: 'self', renewable: true } });
      expect((await read(credential)).data).toEqual({ a: 'b' });
      await close();
    },
  );

  it.each<[string, CertificateConfig, () => VaultTls]>([
    ['another authority', { role: 'orders' }, () => stranger],
    ['another role', { role: 'billing' }, () => orders],
  ])('of %s is refused, and what to check is said', async (_, config, tls) => {
    const { login, close } = logins(config, tls());
    const error = await failureOf(login());
    expect(error.code).toBe('unauthenticated');
    expect(error.message).toMatch(/the role .* at auth\/cert trusts .*tls\.cert/);
    await close();
  });

  it('F15, F49: the core keeps the login, and the key shows nowhere', async () => {
    const keyLines = orders.key.split('\n').filter((line) => /^[\w+/=]{40,}$/.test(line));
    expect(keyLines.length).toBeGreaterThan(0);
    const probe = leakProbe(keyLines);
    const auth = certificate({ role: 'orders' });
    const kept = await keepLogin(auth, { address: bao.address, tls: orders }, probe);
    probe.stop();
    probe.assertClean();
    expect(kept.unread).toBe(0);
  });
});
