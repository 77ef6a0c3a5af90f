import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import HashiVault from 'hashi-vault-js';
import createNodeVault from 'node-vault';
import type { OpenBaoServer } from '../../scripts/servers/openbao.mjs';
import { systemClock } from '../core/built.js';

/** What is published is measured. */
const built = new URL('../../packages/providers/vault/dist/index.js', import.meta.url);
const { token, vault } = (await import(built.href)) as typeof import('@keyturn/vault');

/** Reads one secret from the store, anew each time. */
export type Reader = () => Promise<unknown>;

/** The least that gets the secret: Node’s own client, with an agent that keeps as many connections as it is asked for. */
export function bare({ address, rootToken, caPath = '' }: OpenBaoServer): Reader {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(caPath) });
  const url = new URL(`${address}/v1/secret/data/orders`);
  const headers = { 'X-Vault-Token': rootToken };
  return () =>
    new Promise((resolve, reject) => {
      const sent = request(url, { agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString()).data.data.key));
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end();
    });
}

/** The provider by itself, as the core calls it when it holds nothing. */
export async function provider({ address, rootToken, caPath = '' }: OpenBaoServer): Promise<Reader> {
  const auth = token({ token: rootToken });
  const store = vault({ address, auth, tls: { caFile: caPath }, mounts: { secret: 'kv2' } });
  const call = () => ({ signal: new AbortController().signal, clock: systemClock });
  const grant = await store.session?.login(call());
  return async () =>
    (await store.fetch({ path: 'secret/orders' }, { ...call(), session: grant?.credential })).data;
}

export function nodeVault({ address, rootToken, caPath = '' }: OpenBaoServer): Reader {
  const client = createNodeVault({
    endpoint: address,
    token: rootToken,
    requestOptions: { ca: readFileSync(caPath) },
  });
  return async () => (await client.read('secret/data/orders')).data.data.key;
}

export function hashiVault({ address, rootToken, caPath = '' }: OpenBaoServer): Reader {
  const client = new HashiVault({ https: true, baseUrl: `${address}/v1`, cacert: caPath, timeout: 5_000 });
  return () => Promise.resolve(client.readKVSecret(rootToken, 'orders', undefined, 'secret'));
}
