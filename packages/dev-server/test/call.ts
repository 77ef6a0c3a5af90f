import { type Agent, type IncomingHttpHeaders, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { DevServer } from '@keyturn/dev-server';

/** An answer as it came. */
export interface TestAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The parsed body, or an empty object. */
  readonly body: Record<string, never> & { [key: string]: never };
}

/** What a call may say besides method and path. */
export interface TestCall {
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
  readonly ca?: string;
}

/** One request to the server over the network, as root unless said otherwise. */
export function ask(
  { address, rootToken }: Pick<DevServer, 'address' | 'rootToken'>,
  method: string,
  path: string,
  { token = rootToken, body, headers = {}, agent, ca }: TestCall = {},
): Promise<TestAnswer> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const send = address.startsWith('https:') ? requestHttps : requestHttp;
    const sent = send(
      `${address}/v1/${path}`,
      {
        method,
        agent: agent ?? false,
        ...(ca === undefined ? {} : { ca }),
        headers: {
          ...(token === null ? {} : { 'X-Vault-Token': token }),
          ...(payload === undefined ? {} : { 'Content-Length': Buffer.byteLength(payload) }),
          ...headers,
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parsed(text) }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(payload);
  });
}

function parsed(text: string): TestAnswer['body'] {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
