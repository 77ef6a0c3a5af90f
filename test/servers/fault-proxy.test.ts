import { createServer, request } from 'node:http';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy, startTcpFaultProxy } from './fault-proxy.js';

let upstream: ReturnType<typeof createServer>;
let proxy: FaultProxy;

beforeEach(async () => {
  upstream = createServer((incoming, response) => {
    let text = '';
    incoming.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    incoming.on('end', () => response.end(`${incoming.method} ${incoming.url} ${text}`));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  proxy = await startFaultProxy({ address: `http://127.0.0.1:${portOf(upstream)}` });
});

afterEach(async () => {
  await proxy.stop();
  upstream.closeAllConnections();
  upstream.close();
});

describe('the HTTP fault proxy', () => {
  test('passes method, path, query and body on, and counts them', async () => {
    expect(await ask('POST', '/v1/a?b=c', 'body')).toEqual({ status: 200, text: 'POST /v1/a?b=c body' });
    await ask('GET', '/v1/x');
    expect(proxy.count()).toBe(2);
    expect(proxy.count('GET', '/v1/x')).toBe(1);
    expect(proxy.count(undefined, /^\/v1\/a/)).toBe(1);
    proxy.forget();
    expect(proxy.requests()).toEqual([]);
  });

  test('refuse closes the port and pass opens it again', async () => {
    await proxy.set('refuse');
    await expect(ask('GET', '/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await proxy.set('pass');
    expect((await ask('GET', '/')).status).toBe(200);
  });

  test('reset cuts the connection', async () => {
    await proxy.set('reset');
    await expect(ask('GET', '/')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('hang answers once it is over', async () => {
    await proxy.set('hang');
    const asked = ask('GET', '/slow');
    await expect.poll(() => proxy.count()).toBe(1);
    await proxy.set('pass');
    expect((await asked).text).toBe('GET /slow ');
  });

  test('latency delays', async () => {
    await proxy.set({ latency: 50 });
    const before = performance.now();
    await ask('GET', '/');
    expect(performance.now() - before).toBeGreaterThanOrEqual(49);
  });

  test('html and status answer in its place', async () => {
    await proxy.set('html');
    expect((await ask('GET', '/')).text).toMatch(/^<!doctype html>/);
    await proxy.set({ status: 429, body: { errors: ['slow down'] }, headers: { 'retry-after': '7' } });
    expect(await ask('GET', '/')).toEqual({ status: 429, text: '{"errors":["slow down"]}', retryAfter: '7' });
  });

  test('cut gives half an answer', async () => {
    await proxy.set('cut');
    await expect(ask('GET', '/0123456789')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(proxy.count()).toBe(1);
  });

  test('a scope limits which requests and how many fail', async () => {
    await proxy.set({ status: 503 }, { when: ({ path }) => path === '/bad', times: 1 });
    expect((await ask('GET', '/good')).status).toBe(200);
    expect((await ask('GET', '/bad')).status).toBe(503);
    expect((await ask('GET', '/bad')).status).toBe(200);
  });
});

describe('the TCP fault proxy', () => {
  test('passes, hangs, resets and refuses', async () => {
    const echo = createTcpServer((socket) => socket.on('error', () => {}).pipe(socket));
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const tcp = await startTcpFaultProxy({ port: portOf(echo) });
    const socket = connect(tcp.port, tcp.host);
    const failed = new Promise((resolve) => socket.once('error', resolve));

    socket.write('one');
    expect(await nextData(socket)).toBe('one');

    await tcp.set('hang');
    socket.write('two');
    let answered = false;
    const second = nextData(socket).finally(() => {
      answered = true;
    });
    // Another connection, opened and answered by the proxy's target, proves that time enough has passed.
    const direct = connect(portOf(echo), '127.0.0.1');
    direct.write('direct');
    await nextData(direct);
    direct.destroy();
    expect(answered).toBe(false);
    await tcp.set('pass');
    expect(await second).toBe('two');

    await tcp.set('reset');
    expect(await failed).toMatchObject({ code: 'ECONNRESET' });
    await tcp.set('refuse');
    const refused = connect(tcp.port, tcp.host);
    expect(await new Promise((resolve) => refused.once('error', resolve))).toMatchObject({
      code: 'ECONNREFUSED',
    });
    expect(tcp.opened()).toBe(1);
    await expect.poll(() => tcp.open()).toBe(0);
    await tcp.stop();
    echo.close();
  });
});

function ask(
  method: string,
  path: string,
  body?: string,
): Promise<{ status: number; text: string; retryAfter?: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(proxy.address + path, { method, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        const retryAfter = response.headers['retry-after'];
        resolve({ status: response.statusCode ?? 0, text, ...(retryAfter && { retryAfter }) });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function nextData(socket: Socket): Promise<string> {
  return new Promise((resolve) => socket.once('data', (chunk) => resolve(String(chunk))));
}

function portOf(server: { address(): string | { port: number } | null }): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address.port;
}
