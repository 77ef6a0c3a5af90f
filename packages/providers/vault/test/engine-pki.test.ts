import { X509Certificate } from 'node:crypto';
import { createSecrets } from '@keyturn/core';
import { token, type VaultConfig, vault } from '@keyturn/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBaoServer, startOpenBao } from '../../../../test/servers/openbao.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { failureOf } from './calls.js';

describe.skipIf(!requireServer('openbao'))('certificates through createSecrets', () => {
  let bao: OpenBaoServer;
  beforeAll(async () => {
    bao = await startOpenBao();
    for (const mount of ['root', 'pki']) await bao.api('POST', `sys/mounts/${mount}`, { type: 'pki' });
    await bao.api('POST', 'root/root/generate/internal', { common_name: 'root', ttl: '24h', key_type: 'ec' });
    const { csr } = (
      await bao.api('POST', 'pki/intermediate/generate/internal', { common_name: 'between', key_type: 'ec' })
    ).data;
    const signed = await bao.api('POST', 'root/root/sign-intermediate', { csr, ttl: '12h' });
    await bao.api('POST', 'pki/intermediate/set-signed', {
      certificate: [signed.data.certificate, signed.data.issuing_ca].join('\n'),
    });
    const role = { allowed_domains: ['internal'], allow_subdomains: true, key_type: 'ec', ttl: '1h' };
    await bao.api('POST', 'pki/roles/web', role);
    await bao.api('POST', 'pki/roles/leased', { ...role, generate_lease: true });
  });
  afterAll(() => bao?.stop());

  const open = (parameters: VaultConfig['parameters'] = {}) =>
    createSecrets({
      providers: {
        vault: vault({ address: bao.address, auth: token({ token: bao.rootToken }), parameters }),
      },
    });

  it.each(['web', 'leased'])('the role %s: certificate, key and chain of one version', async (role) => {
    const parameters = {
      [`pki/issue/${role}`]: { common_name: 'orders.internal', alt_names: 'api.internal' },
    };
    const secrets = open(parameters);
    const secret = await secrets.getSecret(`vault:pki/issue/${role}`);
    const { certificate = '', private_key, ca_chain = '', serial_number } = secret.revealFields();
    const issued = new X509Certificate(certificate);
    expect(issued.subjectAltName).toContain('api.internal');
    expect(private_key).toMatch(/^-----BEGIN EC PRIVATE KEY-----/);
    const chain = ca_chain.split(/(?<=-----END CERTIFICATE-----)\n/).map((each) => new X509Certificate(each));
    expect(chain.map(({ subject }) => subject)).toEqual(['CN=between', 'CN=root']);
    expect(chain[0] !== undefined && issued.verify(chain[0].publicKey)).toBe(true);
    // The length of a lease counts from when the request was sent, so that it ends a little before its certificate.
    const earlyMs = Date.parse(issued.validTo) - Number(secret.expiresAt);
    expect(earlyMs).toBeGreaterThanOrEqual(0);
    expect(earlyMs).toBeLessThan(33_000);
    expect((await secrets.getSecret(`vault:pki/issue/${role}#serial_number`)).reveal()).toBe(serial_number);
    const next = await secrets.rotate(`vault:pki/issue/${role}`);
    expect(next.version).not.toBe(secret.version);
    await secrets.close();
  });

  it('a name that the role does not allow, and no name at all, are told by what to change', async () => {
    const refused = open({ 'pki/issue/web': { common_name: 'elsewhere.example' } });
    const error = await failureOf(refused.getSecret('vault:pki/issue/web'));
    expect(error.code).toBe('invalid-ref');
    expect(error.remedy).toContain('parameters');
    await refused.close();
    const nameless = open();
    const missing = await failureOf(nameless.getSecret('vault:pki/issue/web'));
    expect(missing.message).toContain('parameters');
    await nameless.close();
  });
});
