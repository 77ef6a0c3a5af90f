import { createSecrets } from '@keyturn/core';
import { token, type VaultConfig, vault } from '@keyturn/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBaoServer, startOpenBao } from '../../../../test/servers/openbao.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { sshCertificateEndMs } from '../src/ssh-certificate.js';
import certificates from './vectors/ssh-certificates.json' with { type: 'json' };

const PUBLIC_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOeiGGj1EM3TWJO92662jV6CRsHrBrXUEQGK3id2lVja';

describe('the end of an SSH certificate', () => {
  it.each(certificates)('as ssh-keygen made it: $made', ({ line, validBefore }) => {
    expect(sshCertificateEndMs(line)).toBe(validBefore === null ? undefined : Date.parse(validBefore));
  });

  it.each([
    '',
    'nothing',
    PUBLIC_KEY,
    'ssh-ed25519-cert-v01@openssh.com AAAA',
    'ssh-ed25519-cert-v01@openssh.com /////w==',
  ])('%j has none', (line) => {
    expect(sshCertificateEndMs(line)).toBeUndefined();
  });
});

describe.skipIf(!requireServer('openbao'))('SSH through createSecrets', () => {
  let bao: OpenBaoServer;
  beforeAll(async () => {
    bao = await startOpenBao();
    await bao.api('POST', 'sys/mounts/ssh', { type: 'ssh' });
    await bao.api('POST', 'ssh/config/ca', { generate_signing_key: true, key_type: 'ed25519' });
    await bao.api('POST', 'ssh/roles/sign', {
      key_type: 'ca',
      allow_user_certificates: true,
      allowed_users: '*',
      ttl: '10m',
    });
    await bao.api('POST', 'ssh/roles/otp', { key_type: 'otp', default_user: 'ops', cidr_list: '10.0.0.0/8' });
  });
  afterAll(() => bao?.stop());

  const open = (parameters: VaultConfig['parameters'] = {}) =>
    createSecrets({
      providers: {
        vault: vault({ address: bao.address, auth: token({ token: bao.rootToken }), parameters }),
      },
    });

  it('a signed key lasts as long as its certificate', async () => {
    const parameters = { 'ssh/sign/sign': { public_key: PUBLIC_KEY, valid_principals: 'ops' } };
    const secrets = open(parameters);
    const secret = await secrets.getSecret('vault:ssh/sign/sign');
    const lastsMs = Number(secret.expiresAt) - Date.now();
    expect(lastsMs).toBeGreaterThan(590_000);
    expect(lastsMs).toBeLessThanOrEqual(600_000);
    expect(secret.field('signed_key').reveal()).toMatch(/^ssh-ed25519-cert-v01@openssh\.com /);
    const next = await secrets.rotate('vault:ssh/sign/sign');
    expect(next.version).not.toBe(secret.version);
    await secrets.close();
  });

  it('a one-time password is leased, and a rotation gives the next one', async () => {
    const secrets = open({ 'ssh/creds/otp': { ip: '10.1.2.3' } });
    const secret = await secrets.getSecret('vault:ssh/creds/otp');
    expect(secret.revealFields()).toMatchObject({ ip: '10.1.2.3', username: 'ops' });
    const next = await secrets.rotate('vault:ssh/creds/otp');
    expect(next.field('key').reveal()).not.toBe(secret.field('key').reveal());
    await secrets.close();
  });
});
