import type { Agent, ClientRequest, RequestOptions } from 'node:http';
import { invalidConfig } from './invalid-config.js';
import type { VaultTls } from './tls-settings.js';

/** An open door: its agent keeps connections to each server, and every request goes through it. */
export interface Connection {
  readonly agent: Agent;
  request(url: URL, options: RequestOptions): ClientRequest;
}

/** To one server. More wait in line: a thousand cold secrets must not open a thousand connections. */
const MAX_SOCKETS = 64;

/** Below the idle limits of common load balancers, so that a kept connection is seldom one that the other side dropped. */
const IDLE_MS = 50_000;

const POOL = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: IDLE_MS } as const;

/**
 * Opens the door for `scheme`. The modules of Node are loaded here, not at the top: they cost 5 ms of start-up.
 *
 * The environment has no say: no proxy, no NODE_TLS_REJECT_UNAUTHORIZED (verification is asked for in so many
 * words), no VAULT_SKIP_VERIFY.
 *
 * @throws SecretsError `invalid-config` for TLS material that cannot be read or does not fit together
 */
export async function openConnection(scheme: string, tls: VaultTls): Promise<Connection> {
  if (scheme !== 'https:') {
    const { Agent: HttpAgent, request } = await import('node:http');
    return { agent: new HttpAgent(POOL), request };
  }
  const { Agent: HttpsAgent, request } = await import('node:https');
  const agent = new HttpsAgent({
    ...POOL,
    rejectUnauthorized: true,
    secureContext: await secureContext(tls),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
  });
  return { agent, request };
}

/** Built once for all connections: parsing authorities for each would cost more than the handshake. */
async function secureContext(tls: VaultTls) {
  const { createSecureContext } = await import('node:tls');
  const ca = tls.caFile === undefined ? tls.ca : await readAuthorities(tls.caFile);
  try {
    return createSecureContext({
      minVersion: tls.minVersion ?? 'TLSv1.2',
      ...(ca === undefined ? {} : { ca: pem(ca) }),
      ...(tls.cert === undefined ? {} : { cert: pem(tls.cert) }),
      ...(tls.key === undefined ? {} : { key: pem(tls.key) }),
    });
  } catch {
    throw invalidConfig(
      'tls',
      'has a certificate or key that cannot be read, or a key that is not of its certificate',
      'Check tls.ca or tls.caFile, tls.cert and tls.key.',
    );
  }
}

async function readAuthorities(path: string): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(path, 'utf8').catch(() => '');
  if (text.includes('-----BEGIN ')) return text;
  throw invalidConfig('tls.caFile', `names ${path}, which cannot be read or holds no PEM`);
}

function pem(given: string | Uint8Array): string {
  return Buffer.from(given as Uint8Array).toString('latin1');
}
