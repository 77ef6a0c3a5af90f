import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** A request as the server got it. */
export interface Seen {
  readonly method: string;
  /** With query, as it stood in the request line. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Which connection it came on, counted from 0. */
  readonly connection: number;
}

export interface ScriptedServer {
  readonly address: string;
  readonly seen: Seen[];
  connections(): number;
  /** Ends it and every connection. */
  stop(): Promise<void>;
}

export type Script = (request: Seen, response: ServerResponse) => void;

/** A server on a free loopback port that answers by script, for what no real store can be made to answer. */
export async function startScripted(
  script: Script,
  tls?: { readonly cert: string; readonly key: string },
): Promise<ScriptedServer> {
  const seen: Seen[] = [];
  const sockets: Socket[] = [];
  const listener: RequestListener = (incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (chunk) => {
      body += chunk;
    });
    incoming.on('end', () => {
      const { method = '', url = '', headers, socket } = incoming;
      const request = { method, url, headers, body, connection: sockets.indexOf(socket) };
      seen.push(request);
      script(request, response);
    });
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => sockets.push(socket));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    address: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    seen,
    connections: () => sockets.length,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}

/** Answers with JSON. */
export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

/** A script for everything around the calls under test: a token without end, and KV version 2 at `secret/`. */
export function asStore(script: Script): Script {
  return (request, response) => {
    if (request.url === '/v1/auth/token/lookup-self')
      json(response, 200, { data: { ttl: 0, type: 'service' } });
    else if (request.url.startsWith('/v1/sys/internal/ui/mounts/secret/')) {
      json(response, 200, { data: { path: 'secret/', type: 'kv', options: { version: '2' } } });
    } else script(request, response);
  };
}

/** A KV version 2 answer. */
export function kv(data: Record<string, unknown>, version = 1): unknown {
  return { lease_id: '', data: { data, metadata: { version, created_time: '2026-01-01T00:00:00Z' } } };
}
