// @ts-check
import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { spawnGuarded } from './guarded-process.mjs';
import { freePorts } from './ports.mjs';
import { vaultApi } from './vault-api.mjs';

const INSTALLED = fileURLToPath(new URL('../../.servers/bin/bao', import.meta.url));

/**
 * The OpenBao binary: what `KEYTURN_BAO` names, or what `npm test` installed into `.servers`.
 *
 * @returns {string | undefined} its absolute path; undefined when there is none
 * @throws {Error} when `KEYTURN_BAO` names something that is no executable file
 */
export function findOpenBao() {
  const named = process.env.KEYTURN_BAO;
  if (named === undefined || named === '') return existsSync(INSTALLED) ? INSTALLED : undefined;
  try {
    accessSync(named, constants.X_OK);
  } catch {
    throw new Error(`KEYTURN_BAO names no executable file: ${named}`);
  }
  if (!isAbsolute(named)) throw new Error('KEYTURN_BAO must be an absolute path.');
  return named;
}

/**
 * @typedef {object} OpenBaoOptions
 * @property {'memory' | 'raft'} [storage] `memory` (default) starts in 0.2 s and forgets at a restart;
 *   `raft` keeps its data over `kill()` and `restart()`, and takes some seconds to start for the first time
 * @property {boolean} [tls] https with a fresh certificate authority, see `caPath`; `memory` only
 */

/**
 * @typedef {object} OpenBaoServer
 * @property {string} address such as `http://127.0.0.1:8200`
 * @property {number} port
 * @property {string} rootToken
 * @property {string | undefined} caPath PEM file of the authority that signed its certificate; with `tls` only
 * @property {import('./vault-api.mjs').VaultApi['api']} api the parsed body; rejects at 400 and above
 * @property {import('./vault-api.mjs').VaultApi['call']} call any answer, with status and headers
 * @property {() => number} pid
 * @property {() => string} output its log so far
 * @property {() => Promise<void>} pause once it resolves, connections are accepted and nothing is answered (SIGSTOP)
 * @property {() => void} resume undoes `pause`
 * @property {() => Promise<void>} kill ends it at once, connections are refused from here on (SIGKILL)
 * @property {() => Promise<void>} restart starts it again at the same address; `raft` is unsealed, `memory` is empty
 * @property {() => Promise<void>} seal answers 503 to everything until `unseal`; `raft` only
 * @property {() => Promise<void>} unseal
 * @property {() => Promise<void>} stop ends it and removes its data; idempotent
 */

/**
 * Starts OpenBao on a free loopback port, unsealed, with KV version 2 at `secret/` and nothing else mounted.
 * It ends with this process at the latest.
 *
 * @param {OpenBaoOptions} [options]
 * @returns {Promise<OpenBaoServer>}
 */
export async function startOpenBao({ storage = 'memory', tls = false } = {}) {
  if (storage === 'raft' && tls) throw new Error('startOpenBao: tls goes with memory storage only');
  const node = await openBaoNode({ storage, tls });
  try {
    await node.start();
    if (storage === 'raft') await node.initialize();
  } catch (error) {
    await node.stop();
    throw error;
  }
  return node.server();
}

/**
 * One node, not yet started.
 *
 * @param {object} options
 * @param {'memory' | 'raft'} options.storage
 * @param {boolean} [options.tls]
 * @param {readonly number[]} [options.ports] of the API and of the cluster; free ones by default
 * @param {string} [options.name] within its cluster
 * @param {readonly string[]} [options.joins] addresses of the nodes that it may join
 * @param {string} [options.advertised] where it says that it is (`api_addr`), such as a proxy before it
 */
export async function openBaoNode({ storage, tls = false, ports, name = 'node', joins = [], advertised }) {
  const command = findOpenBao();
  if (command === undefined) throw new Error('OpenBao is missing: run npm test once, or set KEYTURN_BAO.');
  const [port = 0, clusterPort = 0] = ports ?? (await freePorts(2));
  const address = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const dataDir = mkdtempSync(join(tmpdir(), 'keyturn-openbao-'));
  const caPath = tls ? join(dataDir, 'vault-ca.pem') : undefined;
  let rootToken = randomBytes(18).toString('base64url');
  let unsealKey = '';
  /** @type {import('./guarded-process.mjs').GuardedProcess | undefined} */
  let server;

  const args =
    storage === 'memory'
      ? [
          ...['server', '-dev', '-dev-no-store-token', `-dev-root-token-id=${rootToken}`],
          ...[`-dev-listen-address=127.0.0.1:${port}`],
          ...(tls ? ['-dev-tls', `-dev-tls-cert-dir=${dataDir}`] : []),
        ]
      : ['server', `-config=${join(dataDir, 'config.json')}`];
  if (storage === 'raft') {
    const retryJoin = joins.map((leader) => ({ leader_api_addr: leader }));
    // The multiplier is for elections in a second rather than in five; it is what production should use as well.
    const raft = { path: dataDir, node_id: name, performance_multiplier: 1 };
    const config = {
      storage: { raft: joins.length > 0 ? { ...raft, retry_join: retryJoin } : raft },
      listener: [
        {
          tcp: {
            address: `127.0.0.1:${port}`,
            cluster_address: `127.0.0.1:${clusterPort}`,
            tls_disable: true,
          },
        },
      ],
      api_addr: advertised ?? address,
      cluster_addr: `https://127.0.0.1:${clusterPort}`,
    };
    writeFileSync(join(dataDir, 'config.json'), JSON.stringify(config));
  }

  /** @type {import('./vault-api.mjs').VaultApi['call']} */
  const call = (method, path, body, token = rootToken) =>
    vaultApi({ address, token: rootToken, caPath }).call(method, path, body, token);
  /** @type {import('./vault-api.mjs').VaultApi['api']} */
  const api = (method, path, body, token = rootToken) =>
    vaultApi({ address, token: rootToken, caPath }).api(method, path, body, token);

  const start = async () => {
    // Settings of the person's shell must not reach it.
    const env = { PATH: process.env.PATH, HOME: dataDir };
    server = spawnGuarded({ command, args, stopSignal: 'SIGKILL', dataDir, env });
    await server.said(storage === 'memory' ? /Root Token: / : /server started!/);
  };
  const unseal = () =>
    until(`${address} is unsealed`, async () => {
      const health = await call('GET', 'sys/health?standbyok=true', undefined, null);
      // A node that is about to join a cluster forgets a key that came too early.
      if (health.status !== 200) await call('PUT', 'sys/unseal', { key: unsealKey }, null);
      return health.status === 200;
    });
  const stop = async () => {
    await server?.stop();
  };

  return {
    address,
    start,
    unseal,
    stop,
    /** Makes it the first node of a new store, with `secret/` as the dev mode has it. */
    async initialize() {
      const keys = await api('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }, null);
      unsealKey = keys.keys_base64[0];
      rootToken = keys.root_token;
      await unseal();
      await until('a leader', async () => (await call('GET', 'sys/health', undefined, null)).status === 200);
      await api('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
      // A new KV mount upgrades itself in the background and refuses requests meanwhile.
      await until('secret/', async () => (await call('GET', 'secret/config')).status === 200);
      return { unsealKey, rootToken };
    },
    /** @param {{ unsealKey: string, rootToken: string }} keys of the store that it has joined */
    async joinWith(keys) {
      ({ unsealKey, rootToken } = keys);
      await until(`${address} has joined`, async () => {
        const { body } = await call('GET', 'sys/seal-status', undefined, null);
        return body?.initialized === true;
      });
      await unseal();
    },
    /** @returns {OpenBaoServer} */
    server: () => ({
      address,
      port,
      rootToken,
      caPath,
      api,
      call,
      pid: () => server?.pid ?? -1,
      output: () => server?.output() ?? '',
      pause: async () => server?.pause(),
      resume: () => server?.signal('SIGCONT'),
      async kill() {
        server?.signal('SIGKILL');
        await server?.ended();
      },
      async restart() {
        if (server?.running()) {
          server.signal('SIGKILL');
          await server.ended();
        }
        const before = server;
        await start();
        before?.dismiss();
        if (storage === 'raft') await unseal();
      },
      seal: () => api('PUT', 'sys/seal'),
      unseal,
      stop,
    }),
  };
}

/**
 * Asks until the answer is yes; an error counts as no.
 *
 * @param {string} what for the message
 * @param {() => Promise<boolean>} ask
 */
export async function until(what, ask, timeoutMs = 60_000) {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const yes = await ask().catch(() => false);
    if (yes) return;
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(20);
  }
}
