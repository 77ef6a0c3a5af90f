import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startOpenBao } from '../scripts/servers/openbao.mjs';
import { medians, type Row, report } from './harness.js';
import { bare, hashiVault, nodeVault, provider, type Reader } from './vault/readers.js';

/*
 * Question: what does a secret cost that nobody holds, from OpenBao over TLS with an authority of its own?
 * Floor: Node's own https with an agent that keeps its connections, in the same run: one read after the other, and 64 at
 * once. Budgets: 0.9 of its rate in sequence, and one connection; 0.8 at 64 at once, which only guards what there is:
 * it was set from what was measured. The aim there is 1.5, and it is not reached. Calls go through node:https as well, and
 * no other client has been tried.
 * Start-up: from the start of a process to its first secret, beyond a process that does nothing. The aim is 11 ms, and it
 * is not reached: a process that asks by Node's https alone takes longer. So it has no budget, and that one stands beside.
 * Peers: node-vault and hashi-vault-js as they come; both open a connection for each read.
 */
const ROUNDS = 9;
const AT_ONCE = 64;

const server = await startOpenBao({ tls: true });
await server.api('POST', 'secret/data/orders', { data: { key: 'sk-bench-0123456789abcdef' } });

/** Hands every connection on to the server, and counts them. */
const seen = { connections: 0 };
const counter = createServer((incoming) => {
  seen.connections++;
  const onward = connect(server.port, '127.0.0.1');
  for (const end of [incoming, onward]) end.on('error', () => {});
  incoming.pipe(onward).pipe(incoming);
});
await new Promise<void>((listening) => counter.listen(0, '127.0.0.1', listening));
const counted = { ...server, address: `https://127.0.0.1:${(counter.address() as AddressInfo).port}` };

/** `share`: a tenth of the reads is enough to know the slow ones, and all would leave no port to connect from. */
const contenders = {
  bare: { name: 'node:https, kept connections', reader: bare, share: 1 },
  provider: { name: 'vault()', reader: provider, share: 1 },
  nodeVault: { name: 'node-vault', reader: nodeVault, share: 0.1 },
  hashiVault: { name: 'hashi-vault-js', reader: hashiVault, share: 0.1 },
};
type Name = keyof typeof contenders;
const names = Object.keys(contenders) as Name[];

/** Reads per second. */
async function rate(read: Reader, count: number, atOnce: number): Promise<number> {
  let left = count;
  const beganMs = performance.now();
  const reader = async () => {
    while (left-- > 0) await read();
  };
  await Promise.all(Array.from({ length: atOnce }, reader));
  return (count * 1_000) / (performance.now() - beganMs);
}

const readers = new Map<Name, Reader>();
const opened = new Map<Name, number>();
for (const name of names) {
  const { reader, share } = contenders[name];
  const throughCounter = await reader(counted);
  const before = seen.connections;
  await rate(throughCounter, 100, 1);
  opened.set(name, seen.connections - before);
  const read = await reader(server);
  readers.set(name, read);
  await rate(read, 500 * share, 1);
  await rate(read, 2_000 * share, AT_ONCE);
}
counter.close();

const cases = (count: number, atOnce: number) =>
  Object.fromEntries(
    Array.from(readers, ([name, read]) => [name, () => rate(read, count * contenders[name].share, atOnce)]),
  ) as Record<Name, () => Promise<number>>;
const sequential = await medians(ROUNDS, cases(400, 1));
const concurrent = await medians(ROUNDS, cases(2_000, AT_ONCE));

const folder = mkdtempSync(fileURLToPath(new URL('vault-reads-', import.meta.url)));
process.on('exit', () => rmSync(folder, { recursive: true }));
const env = { PATH: process.env.PATH, ADDR: server.address, TOKEN: server.rootToken, CA: server.caPath };

/** A process that gets the secret by `script` and ends. */
function starting(name: string, script: string): () => number {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `${script === '' ? '' : `const { ADDR, TOKEN, CA } = process.env;\n${script}`}\nprocess.exit(0);`,
  );
  return () => {
    const beganMs = performance.now();
    const { status } = spawnSync(process.execPath, [file], { env });
    if (status !== 0) throw new Error(`node ${name}.mjs failed; run npm run build first`);
    return performance.now() - beganMs;
  };
}
const PROVIDER = `
  import { token, vault } from '@keyturn/vault';
  const store = vault({
    address: ADDR, auth: token({ token: TOKEN }), tls: { caFile: CA }, mounts: { secret: 'kv2' },
  });`;
const startUp = await medians(21, {
  empty: starting('empty', ''),
  bare: starting(
    'bare',
    `import { readFileSync } from 'node:fs';
    import { request } from 'node:https';
    await new Promise((resolve) => {
      const options = { ca: readFileSync(CA), headers: { 'X-Vault-Token': TOKEN } };
      request(ADDR + '/v1/secret/data/orders', options, (response) => {
        let text = '';
        response.on('data', (chunk) => { text += chunk; });
        response.on('end', () => resolve(JSON.parse(text).data.data.key));
      }).end();
    });`,
  ),
  provider: starting(
    'provider',
    `${PROVIDER}
    import { systemClock } from '@keyturn/core/provider';
    const options = { signal: new AbortController().signal, clock: systemClock };
    const { credential } = await store.session.login(options);
    await store.fetch({ path: 'secret/orders' }, { ...options, session: credential });`,
  ),
  getSecret: starting(
    'get-secret',
    `${PROVIDER}
    import { createSecrets } from '@keyturn/core';
    (await createSecrets({ providers: { store } }).getSecret('store:secret/orders#key')).reveal();`,
  ),
  nodeVault: starting(
    'node-vault',
    `import { readFileSync } from 'node:fs';
    import createNodeVault from 'node-vault';
    const client = createNodeVault({
      endpoint: ADDR, token: TOKEN, requestOptions: { ca: readFileSync(CA) },
    });
    await client.read('secret/data/orders');`,
  ),
  hashiVault: starting(
    'hashi-vault',
    `import HashiVault from 'hashi-vault-js';
    const client = new HashiVault({ https: true, baseUrl: ADDR + '/v1', cacert: CA, timeout: 5000 });
    await client.readKVSecret(TOKEN, 'orders', undefined, 'secret');`,
  ),
});
await server.stop();

const rates = (measured: Record<Name, number>, how: string, atLeast: number): Row[] =>
  names.map((name) => ({
    name: `${contenders[name].name}, ${how}`,
    value: measured[name],
    unit: 'reads/s',
    ratio: measured[name] / measured.bare,
    ...(name === 'provider' ? { budget: { atLeast } } : {}),
  }));
const start = (name: string, tookMs: number): Row => ({
  name: `start to first secret, ${name}`,
  value: tookMs - startUp.empty,
  unit: 'ms more',
});
report('vault-reads', 'what does a secret cost that nobody holds, over TLS?', [
  ...rates(sequential, 'one after the other', 0.9),
  ...rates(concurrent, `${AT_ONCE} at once`, 0.8),
  ...names.map((name) => ({
    name: `${contenders[name].name}, connections for 100 reads`,
    value: opened.get(name) ?? Number.NaN,
    unit: 'opened',
    ...(name === 'provider' ? { budget: { atMost: 1 } } : {}),
  })),
  { name: 'an empty process', value: startUp.empty, unit: 'ms' },
  start('node:https', startUp.bare),
  start('vault() alone, login included', startUp.provider),
  start('createSecrets and vault()', startUp.getSecret),
  start('node-vault', startUp.nodeVault),
  start('hashi-vault-js', startUp.hashiVault),
]);
