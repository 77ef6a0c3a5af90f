import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { token, type VaultConfig, type VaultTls, vault } from '@keyturn/vault';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type OpenBaoServer, startOpenBao, until } from '../../../../test/servers/openbao.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { failureOf, logIn } from './calls.js';
import { authority } from './certificates.js';

describe.skipIf(!requireServer('openbao'))('TLS', () => {
  let secure: OpenBaoServer;
  let plain: OpenBaoServer;
  let pki: Awaited<ReturnType<typeof authority>>;
  let folder: string;
  const cleanups: (() => unknown)[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-vault-tls-'));
    [secure, plain] = await Promise.all([startOpenBao({ tls: true }), startOpenBao()]);
    pki = await authority(plain, 'pki');
  });
  afterAll(async () => {
    await Promise.all([secure?.stop(), plain?.stop()]);
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });

  const authorityFile = () => secure.caPath as string;
  const providerOf = (address: string, tls?: VaultTls, config: Partial<VaultConfig> = {}) =>
    vault({
      address,
      auth: token({ token: secure.rootToken }),
      ...(tls === undefined ? {} : { tls }),
      ...config,
    });

  /** A TLS server of ours that answers every call with a token without end. */
  async function tlsServer(options: TlsOptions, port = 0) {
    const server = createServer(options, (request, response) => {
      request.resume().on('end', () => {
        response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
        response.end('{"data": {"ttl": 0}}');
      });
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
    const stop = () =>
      new Promise<void>((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      });
    cleanups.push(stop);
    const address = server.address() as AddressInfo | null;
    return { address: `https://127.0.0.1:${address?.port}`, port: address?.port as number, stop };
  }

  it('trusts the authority that it is given, as text, as bytes and as a file', async () => {
    const pem = readFileSync(authorityFile(), 'utf8');
    for (const tls of [{ ca: pem }, { ca: Buffer.from(pem) }, { caFile: authorityFile() }]) {
      const provider = providerOf(secure.address, { ...tls, minVersion: 'TLSv1.3' });
      await secure.api('POST', 'secret/data/a', { data: { a: 'b' } });
      expect((await provider.fetch({ path: 'secret/a' }, await logIn(provider))).data).toEqual({ a: 'b' });
      await provider.close?.();
    }
  });

  it('trusts nobody else, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    vi.stubEnv('VAULT_SKIP_VERIFY', 'true');
    for (const tls of [undefined, { ca: pki.ca }]) {
      const error = await failureOf(logIn(providerOf(secure.address, tls)));
      expect(error.code).toBe('invalid-config');
      expect(error.message).toMatch(/tls\.ca or tls\.caFile/);
    }
  });

  it('a certificate for another host is named with the setting', async () => {
    const { cert, key, ca } = await pki.issue({ ip: '127.0.0.9', name: 'vault.test' });
    const server = await tlsServer({ cert, key });
    const error = await failureOf(logIn(providerOf(server.address, { ca })));
    expect(error.code).toBe('invalid-config');
    expect(error.message).toMatch(/another host name.*tls\.serverName/);
    await logIn(providerOf(server.address, { ca, serverName: 'vault.test' }));
  });

  it('an expired certificate is an outage of the server', async () => {
    const { cert, key, ca } = await pki.issue({ ttl: '1s' });
    const server = await tlsServer({ cert, key });
    await until('the certificate has expired', async () => {
      const error = await failureOf(logIn(providerOf(server.address, { ca })));
      return error.code === 'unavailable' && /expired/.test(error.message);
    });
  });

  it('plain HTTP on a TLS port and the reverse name the scheme', async () => {
    const toTls = await failureOf(logIn(providerOf(secure.address.replace('https', 'http'))));
    expect(toTls.code).toBe('invalid-config');
    expect(toTls.message).toMatch(/speaks TLS.*https:\/\//);
    const toPlain = await failureOf(logIn(providerOf(plain.address.replace('http', 'https'))));
    expect(toPlain.code).toBe('invalid-config');
    expect(toPlain.message).toMatch(/does not speak TLS.*address/);
  });

  it('no version of TLS in common names the setting', async () => {
    const { cert, key, ca } = await pki.issue();
    const server = await tlsServer({ cert, key, maxVersion: 'TLSv1.2' });
    const error = await failureOf(logIn(providerOf(server.address, { ca, minVersion: 'TLSv1.3' })));
    expect(error.code).toBe('invalid-config');
    expect(error.message).toContain('tls.minVersion');
  });

  it('a server that asks for a client certificate gets it, or its lack is named', async () => {
    const { cert, key, ca } = await pki.issue();
    const server = await tlsServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true });
    const error = await failureOf(logIn(providerOf(server.address, { ca })));
    expect(error.message).toMatch(/tls\.cert/);
    await logIn(
      providerOf(server.address, { ca, ...(({ cert, key }) => ({ cert, key }))(await pki.issue()) }),
    );
  });

  it.each([
    ['a file that is not there', (): VaultTls => ({ caFile: join(folder, 'none') }), /tls\.caFile/],
    ['a file of something else', (): VaultTls => ({ caFile: '/etc/hostname' }), /tls\.caFile/],
    [
      'broken PEM',
      (): VaultTls => ({ ca: '-----BEGIN CERTIFICATE-----\nCANARY\n-----END CERTIFICATE-----' }),
      /tls\.ca/,
    ],
  ])('%s is a setting that is wrong', async (_, tls, setting) => {
    const error = await failureOf(logIn(providerOf(secure.address, tls())));
    expect(error.code).toBe('invalid-config');
    expect(error.message).toMatch(setting);
    expect(error.message).not.toContain('CANARY');
  });

  it('a key that is not of its certificate is a setting that is wrong', async () => {
    const [one, other] = [await pki.issue(), await pki.issue()];
    const error = await failureOf(logIn(providerOf(secure.address, { cert: one.cert, key: other.key })));
    expect(error.message).toMatch(/invalid-config.*tls\.key/s);
    expect(error.message).not.toContain('PRIVATE');
  });

  it('authorities replaced on disk are read again once the server cannot be verified', async () => {
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, pki.ca);
    const provider = providerOf(secure.address, { caFile });
    expect((await failureOf(logIn(provider))).message).toContain('tls.caFile');
    copyFileSync(authorityFile(), caFile);
    await logIn(provider);
  });

  it('a server that changes its certificate while in use is an outage, not a wrong setting', async () => {
    const other = await authority(plain, 'pki-other');
    const before = await pki.issue();
    const first = await tlsServer(before);
    const provider = providerOf(first.address, { ca: before.ca });
    await logIn(provider);
    await first.stop();
    await tlsServer(await other.issue(), first.port);
    const error = await failureOf(logIn(provider));
    expect(error.code).toBe('unavailable');
    expect(error.message).toContain('tls.ca');
  });
});
