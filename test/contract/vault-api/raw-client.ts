import { request } from 'node:http';
import type { VaultAnswer } from '../../servers/openbao.js';

/** What a call may say besides method and path. */
export interface RawCall {
  /** Absent: the root token. `null`: none. */
  readonly token?: string | null;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, in place of `body`. */
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The parsed body; `null` for an empty one, `undefined` for one that is not JSON. */
  readonly body: VaultAnswer['body'];
}

/** Calls to whatever speaks Vault's HTTP API, with nothing between: every header and byte is the test's. */
export type RawClient = (method: string, path: string, call?: RawCall) => Promise<RawAnswer>;

/** @param address such as `http://127.0.0.1:8200`; a path that starts with a slash is sent as it stands */
export function rawClient(address: string, rootToken: string): RawClient {
  const { hostname, port } = new URL(address);
  return (method, path, { token = rootToken, body, raw, headers = {} } = {}) =>
    new Promise((resolve, reject) => {
      const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
      const sent = request(
        {
          hostname,
          port,
          method,
          path: path.startsWith('/') ? path : `/v1/${path}`,
          agent: false,
          headers: {
            ...(token === null ? {} : { 'X-Vault-Token': token }),
            ...(payload === undefined
              ? {}
              : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) }),
            ...headers,
          },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk) => {
            text += chunk;
          });
          response.on('error', reject);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text,
              body: parsed(text),
            }),
          );
        },
      );
      sent.on('error', reject);
      sent.end(payload);
    });
}

function parsed(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
