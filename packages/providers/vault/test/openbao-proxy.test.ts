import { mkdtempSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { token, vault } from '@keyturn/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GuardedProcess, spawnGuarded } from '../../../../scripts/servers/guarded-process.mjs';
import { findOpenBao, type OpenBaoServer, startOpenBao } from '../../../../test/servers/openbao.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { logIn } from './calls.js';

describe.skipIf(!requireServer('openbao'))('a real proxy on this host, at a Unix domain socket', () => {
  let bao: OpenBaoServer;
  let proxy: GuardedProcess;
  let socketPath: string;
  beforeAll(async () => {
    bao = await startOpenBao();
    await bao.api('POST', 'secret/data/orders', { data: { key: 'right' } });
    const dataDir = mkdtempSync(join(tmpdir(), 'keyturn-proxy-'));
    socketPath = join(dataDir, 'proxy.sock');
    const config = {
      vault: { address: bao.address },
      listener: [{ unix: { address: socketPath, tls_disable: true, require_request_header: true } }],
      api_proxy: {},
    };
    writeFileSync(join(dataDir, 'proxy.json'), JSON.stringify(config));
    const args = ['proxy', `-config=${join(dataDir, 'proxy.json')}`];
    const env = { PATH: process.env.PATH, HOME: dataDir };
    proxy = spawnGuarded({ command: findOpenBao() as string, args, stopSignal: 'SIGKILL', dataDir, env });
    await proxy.said(/Proxy started!/);
  });
  afterAll(async () => {
    await proxy?.stop();
    await bao?.stop();
  });

  it('is read through, where requests without the header of a client are refused', async () => {
    const provider = vault({ address: `unix://${socketPath}`, auth: token({ token: bao.rootToken }) });
    const options = await logIn(provider);
    expect((await provider.fetch({ path: 'secret/orders' }, options)).data).toEqual({ key: 'right' });
    await provider.close?.();
    const bare = await new Promise((answered, failed) =>
      request({ socketPath, path: '/v1/sys/health', agent: false }, (response) => {
        response.resume();
        answered(response.statusCode);
      })
        .on('error', failed)
        .end(),
    );
    expect(bare).toBe(412);
  });
});
