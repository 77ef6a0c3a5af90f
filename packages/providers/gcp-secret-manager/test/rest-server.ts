import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a scripted server says. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, unless it is text. */
  readonly body?: unknown;
}

/** An HTTP server on a free loopback port that says what a test wants. */
export interface RestServer {
  readonly port: number;
  readonly requests: IncomingMessage[];
  answer: (request: IncomingMessage) => Answer;
  stop(): Promise<void>;
}

export async function startRestServer(): Promise<RestServer> {
  const held: RestServer = { port: 0, requests: [], answer: () => ({ status: 404 }), stop: async () => {} };
  const server: Server = createServer((request, response) => {
    held.requests.push(request);
    request.resume().on('end', () => {
      const { status = 200, headers = {}, body = '' } = held.answer(request);
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(held, {
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
