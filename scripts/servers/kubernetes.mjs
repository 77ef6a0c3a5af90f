// @ts-check
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnGuarded } from './guarded-process.mjs';
import { findKubernetes } from './kubernetes-binaries.mjs';
import { until } from './openbao.mjs';
import { freePorts } from './ports.mjs';

const ISSUER = 'https://kubernetes.default.svc';

/**
 * @typedef {object} KubernetesAnswer
 * @property {number} status
 * @property {any} body parsed JSON; the text as it is when it is none
 */

/**
 * @typedef {object} KubernetesServer
 * @property {string} address such as `https://127.0.0.1:6443`
 * @property {string} ca PEM: what a client must trust
 * @property {(method: string, path: string, body?: unknown) => Promise<any>} api
 *   the parsed body, as an administrator; rejects at 400 and above
 * @property {(path: string, body: unknown) => Promise<void>} create like a POST by `api`; leaves alone what exists
 * @property {(account: ServiceAccount, spec?: TokenSpec) => Promise<string>} requestToken a token by TokenRequest
 * @property {(claims: object) => string} signToken a token of any claims, signed by the key that the server trusts
 * @property {() => string} output its log so far
 * @property {() => Promise<void>} kill ends the API server at once, connections are refused from here on (SIGKILL)
 * @property {() => Promise<void>} restart starts it again at the same address, with all that it knew but its caches
 * @property {() => Promise<void>} stop ends it and removes its data; idempotent
 */

/** @typedef {{ readonly namespace: string, readonly name: string }} ServiceAccount */

/**
 * @typedef {object} TokenSpec as the TokenRequest has it
 * @property {readonly string[]} [audiences] default: that of the API server itself
 * @property {number} [expirationSeconds] at least 600
 * @property {object} [boundObjectRef] the object that the token ends with, such as a pod
 */

/**
 * Starts etcd and kube-apiserver on free loopback ports, with RBAC and without controllers, kubelet or pods: what
 * issues and reviews the tokens of service accounts. It takes some seconds, and ends with this process at the latest.
 *
 * @returns {Promise<KubernetesServer>}
 */
export async function startKubernetes() {
  const binaries = findKubernetes();
  if (binaries === undefined) {
    throw new Error('Kubernetes is missing: run node scripts/servers/kubernetes-build.mjs once.');
  }
  const [port = 0, etcdPort = 0, peerPort = 0] = await freePorts(3);
  const etcd = startEtcd(binaries.etcd, etcdPort, peerPort);

  const dataDir = mkdtempSync(join(tmpdir(), 'keyturn-kubernetes-'));
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const adminToken = randomBytes(18).toString('base64url');
  const file = (/** @type {string} */ name, /** @type {string} */ content) => {
    writeFileSync(join(dataDir, name), content, { mode: 0o600 });
    return join(dataDir, name);
  };
  const args = [
    ...[`--etcd-servers=http://127.0.0.1:${etcdPort}`, '--etcd-compaction-interval=0'],
    ...[`--secure-port=${port}`, '--bind-address=127.0.0.1', '--advertise-address=127.0.0.1'],
    // Where it makes a certificate authority and a certificate for its address.
    `--cert-dir=${dataDir}`,
    ...['--authorization-mode=RBAC', `--token-auth-file=${file('tokens.csv', adminLine(adminToken))}`],
    ...[`--service-account-issuer=${ISSUER}`, `--api-audiences=${ISSUER}`],
    `--service-account-key-file=${file('accounts.pub', publicKey)}`,
    `--service-account-signing-key-file=${file('accounts.key', privateKey)}`,
    // What needs controllers, which are not here.
    ...['--disable-admission-plugins=ServiceAccount', '--endpoint-reconciler-type=none'],
    '--service-cluster-ip-range=10.0.0.0/24',
  ];
  const spawnServer = () =>
    spawnGuarded({
      command: binaries.apiserver,
      args,
      stopSignal: 'SIGKILL',
      dataDir,
      env: { PATH: process.env.PATH, HOME: dataDir },
    });
  let server = spawnServer();
  const stop = async () => {
    await server.stop();
    await etcd.stop();
  };
  const kill = async () => {
    server.signal('SIGKILL');
    await server.ended();
  };

  let ca = '';
  /** @param {string} method @param {string} path @param {unknown} [body] */
  const call = (method, path, body) => callApi({ port, ca, token: adminToken, method, path, body });
  const ready = async () => {
    const isRunning = () => etcd.running() && server.running();
    await until('kube-apiserver is ready', async () => {
      if (!isRunning()) return true;
      ca = readFileSync(join(dataDir, 'apiserver.crt'), 'utf8');
      return (await call('GET', '/readyz')).status === 200;
    });
    if (isRunning()) return;
    const { output } = etcd.running() ? server : etcd;
    throw new Error(`Kubernetes did not start:\n${output().slice(-4_000)}`);
  };
  try {
    await ready();
  } catch (error) {
    await stop();
    throw error;
  }

  /** @type {KubernetesServer['api']} */
  const api = async (method, path, body) => {
    const { status, body: answer } = await call(method, path, body);
    if (status >= 400) throw new Error(`${method} ${path}: ${status} ${answer?.message}`);
    return answer;
  };
  return {
    address: `https://127.0.0.1:${port}`,
    ca,
    api,
    async create(path, body) {
      const { status, body: answer } = await call('POST', path, body);
      if (status >= 400 && status !== 409) throw new Error(`POST ${path}: ${status} ${answer?.message}`);
    },
    async requestToken({ namespace, name }, spec = {}) {
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
      return (await api('POST', path, { spec: { expirationSeconds: 600, ...spec } })).status.token;
    },
    signToken(claims) {
      const part = (/** @type {object} */ content) =>
        Buffer.from(JSON.stringify(content)).toString('base64url');
      const signed = `${part({ alg: 'RS256' })}.${part(claims)}`;
      return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
    },
    output: () => server.output(),
    kill,
    async restart() {
      await kill();
      const before = server;
      server = spawnServer();
      before.dismiss();
      await ready();
    },
    stop,
  };
}

/** @param {string} command @param {number} port @param {number} peerPort */
function startEtcd(command, port, peerPort) {
  const dataDir = mkdtempSync(join(tmpdir(), 'keyturn-etcd-'));
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  return spawnGuarded({
    command,
    args: [
      ...[`--data-dir=${join(dataDir, 'data')}`, '--unsafe-no-fsync'],
      ...[`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
      ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`],
      `--initial-cluster=default=${peer}`,
    ],
    stopSignal: 'SIGKILL',
    dataDir,
    env: { PATH: process.env.PATH, HOME: dataDir },
  });
}

/** A user of the group that may do everything. @param {string} token */
function adminLine(token) {
  return `${token},admin,admin,"system:masters"\n`;
}

/**
 * @param {{ port: number, ca: string, token: string, method: string, path: string, body: unknown }} call
 * @returns {Promise<KubernetesAnswer>}
 */
function callApi({ port, ca, token, method, path, body }) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const sent = request(
      { host: '127.0.0.1', port, ca, method, path, headers, agent: false, timeout: 30_000 },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: parsed(text) }));
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer`)));
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
