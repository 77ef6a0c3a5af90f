import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { HostClock } from '@keyturn/core/provider';
import { type Answer, errorAnswer, goJson } from '../answer.js';
import type { ApiRequest } from '../call-reader.js';
import { delay, type FaultAction, type Faults } from '../faults.js';
import type { Gateway } from '../gateway.js';
import type { RequestLog } from '../request-log.js';
import { AnyMethodSocket } from './any-method-socket.js';

/** The largest body that is read, as on the server. */
const MAX_BODY_BYTES = 33_554_432;
const LOOPBACK = '127.0.0.1';

/** What stands behind the door. */
export interface DoorParts {
  readonly gateway: Gateway;
  readonly faults: Faults;
  readonly log: RequestLog;
  readonly clock: HostClock;
  /** PEM; the door then speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** The server's listening end, on the loopback only. */
export interface HttpDoor {
  /** Listens and gives the port. @param port 0: any free one */
  open(port: number): Promise<number>;
  /** Stops listening and cuts every connection. Idempotent; may be opened again. */
  shut(): Promise<void>;
}

export function createHttpDoor(parts: DoorParts): HttpDoor {
  const sockets = new Set<Socket>();
  let ending = new AbortController();
  let listener: TcpServer | undefined;

  const http = createServer(
    { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 },
    (request, response) => {
      serve(parts, request, response, ending.signal).catch(() => request.socket.destroy());
    },
  );
  http.on('clientError', (_error, socket) => {
    const body = '400 Bad Request';
    socket.end(
      `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  });

  return {
    async open(port) {
      ending = new AbortController();
      listener = listen(parts, http, sockets);
      const opened = listener;
      await new Promise<void>((resolve, reject) => {
        opened.once('error', reject);
        opened.listen(port, LOOPBACK, resolve);
      });
      const address = opened.address();
      return typeof address === 'object' && address !== null ? address.port : port;
    },
    async shut() {
      ending.abort();
      const closing = listener;
      listener = undefined;
      for (const socket of sockets) socket.destroy();
      if (closing !== undefined) await new Promise<void>((resolve) => closing.close(() => resolve()));
    },
  };
}

function listen({ tls }: DoorParts, http: Server, sockets: Set<Socket>): TcpServer {
  const accept = (socket: Socket) => http.emit('connection', new AnyMethodSocket(socket));
  const server = tls === undefined ? createTcpServer(accept) : createTlsServer(tls, accept);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  return server;
}

async function serve(
  { gateway, faults, log, clock }: DoorParts,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const socket = request.socket as unknown as AnyMethodSocket;
  const method = socket.method ?? request.method ?? 'GET';
  const target = request.url ?? '/';
  const path = (target.split('?')[0] ?? '').replace(/^\/v1\//, '');
  const record = (status: number) => log.add({ method, path, status, atMs: clock.wallMs() });

  const met = faults.meet(method, path);
  const body = await readBody(request);
  await delay(met, clock, signal);
  const fault = met.find((action) => 'answer' in action);
  if (fault !== undefined && 'answer' in fault && (fault.answer === 'reset' || fault.answer === 'hang')) {
    record(0);
    if (fault.answer === 'reset') socket.reset();
    return;
  }
  const answer =
    (fault && faultAnswer(fault)) ??
    (body === undefined
      ? errorAnswer(413, ['http: request body too large'])
      : await gateway({ method, target, headers: singleHeaders(request), body }));
  record(answer.status);
  if (response.destroyed) return;
  socket.expectRequest();
  send(response, answer, method === 'HEAD');
}

function faultAnswer(fault: FaultAction): Answer | undefined {
  if (!('answer' in fault)) return undefined;
  if (fault.answer === 'html') {
    const page = '<!DOCTYPE html><html><body><h1>Sign in to continue</h1></body></html>';
    return { status: 200, text: { type: 'text/html', body: page } };
  }
  if (fault.answer === 'malformed-json') {
    return { status: 200, text: { type: 'application/json', body: '{"data": {' } };
  }
  if (typeof fault.answer !== 'number') return { status: 200 };
  const { retryAfterSeconds } = fault;
  return {
    ...errorAnswer(fault.answer, fault.errors ?? []),
    ...(retryAfterSeconds === undefined ? {} : { headers: { 'retry-after': String(retryAfterSeconds) } }),
  };
}

/**
 * The whole body, or `undefined` if it is too large. That one is read to its end all the same and thrown away: a
 * client that is cut off while it writes would see a reset connection instead of the answer.
 */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length <= MAX_BODY_BYTES) chunks.push(chunk as Buffer);
  }
  return length > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks);
}

function singleHeaders(request: IncomingMessage): ApiRequest['headers'] {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );
}

function send(response: ServerResponse, answer: Answer, headOnly: boolean): void {
  const body = answer.text?.body ?? (answer.json === undefined ? '' : goJson(answer.json));
  response.writeHead(answer.status, {
    'cache-control': 'no-store',
    'content-type': answer.text?.type ?? 'application/json',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    ...answer.headers,
    ...(answer.status === 204 ? {} : { 'content-length': Buffer.byteLength(body) }),
  });
  response.end(headOnly ? undefined : body);
}
