import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, type IncomingMessage, request as send } from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { assertNoLeak, createRedactor, type Redactor } from '@keyturn/redact';
import compression from 'compression';
import express5, { type Express } from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redactErrors, redactRequests, redactResponses } from '../src/index.js';

const SECRET = 'correct-horse-battery';
const BIG = `${'line of a page\n'.repeat(500)}${SECRET}\n`;

interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

// It has no types under this name; those of the other are right for what is used here.
const express4 = createRequire(import.meta.url)('express-4') as typeof express5;

describe.each([
  ['5', express5],
  ['4', express4],
])('Express %s', (version, express) => {
  const redactor = createRedactor({ shapes: false });
  redactor.add(SECRET, 'vault:db#password');
  const lines: string[] = [];
  /** What the application's own error handler was given. */
  const seen: unknown[] = [];
  const log = (line: string): void => void lines.push(redactor.redact(line));
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-express-'));
  writeFileSync(join(folder, 'page.html'), BIG);
  writeFileSync(join(folder, 'data.bin'), BIG);
  const server = createServer(application(express, redactor, log, seen, folder));
  const agent = new Agent({ keepAlive: true, maxSockets: 2 });
  let port = 0;

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterAll(async () => {
    agent.destroy();
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    rmSync(folder, { recursive: true });
  });

  const get = async (path: string, headers: Record<string, string> = {}, body?: string): Promise<Got> => {
    const method = body === undefined ? 'GET' : 'POST';
    const asked = send({ port, path, agent, headers, method }).end(body);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) };
  };

  test.each([
    ['/json', '{"url":"postgres://app:[REDACTED]@db"}'],
    ['/text', 'a [REDACTED] z'],
    ['/stream', 'a [REDACTED] z'],
    ['/file/page.html', BIG.replace(SECRET, '[REDACTED]')],
    ['/download', BIG.replace(SECRET, '[REDACTED]')],
    ['/static/page.html', BIG.replace(SECRET, '[REDACTED]')],
  ])('%s is masked', async (path, expected) => {
    const { status, body, headers } = await get(path);
    expect([status, body.toString()]).toEqual([200, expected]);
    assertNoLeak(JSON.stringify(headers), redactor);
    const length = headers['content-length'];
    if (length !== undefined) expect(Number(length)).toBe(body.length);
  });

  test('bytes pass, with their length', async () => {
    const { body, headers } = await get('/file/data.bin');
    expect(body.toString()).toBe(BIG);
    expect(headers['content-length']).toBe(String(BIG.length));
  });

  test('a body without a secret keeps its entity tag, and is not sent again', async () => {
    const { headers } = await get('/clean');
    expect(headers.etag).toMatch(/^W\//);
    expect((await get('/clean', { 'if-none-match': String(headers.etag) })).status).toBe(304);
    expect((await get('/json')).headers.etag).toBeUndefined();
  });

  test('what is compressed is masked before', async () => {
    for (const path of ['/big', '/big-stream', '/static/page.html']) {
      const { headers, body } = await get(path, { 'accept-encoding': 'gzip' });
      expect(headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(body).toString()).toBe(BIG.replace(SECRET, '[REDACTED]'));
    }
  });

  test('what a later middleware compresses passes as it is', async () => {
    const { headers, body } = await get('/late/big', { 'accept-encoding': 'gzip' });
    expect(headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(body).toString()).toBe(BIG);
    expect((await get('/late/big')).body.toString()).toBe(BIG.replace(SECRET, '[REDACTED]'));
  });

  test('events come at once, and an aborted answer ends quietly', async () => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (piece) => {
      text += piece.toString();
    });
    socket.write('GET /events HTTP/1.1\r\nHost: a\r\nX-Api-Key: key-of-the-listener\r\n\r\n');
    await expect.poll(() => text).toContain('data: [REDACTED]\n\n');
    socket.destroy();
    await expect.poll(() => lines).toContain('gone [REDACTED]');
  });

  test('a request masks what it brought, also in its body and when it is finished', async () => {
    const headers = { authorization: 'Bearer tok-12345678', 'content-type': 'application/json' };
    await get('/login?token=in-the-query', headers, '{"user":"ann","password":"in-the-body"}');
    expect(lines).toContain('login ann [REDACTED] [REDACTED] [REDACTED]');
    await expect.poll(() => lines).toContain('finished ann [REDACTED]');
    expect(redactor.redact('tok-12345678')).toBe('tok-12345678');
  });

  test('fifty requests at once keep apart', async () => {
    const all = Array.from({ length: 50 }, (_, index) => `credential-${1_000 + index}`);
    const bodies = await Promise.all(
      all.map(async (one) => {
        const path = `/meet/${all.length}?list=${all.join('+')}`;
        const asked = send({ port, path, headers: { 'x-api-key': one } }).end();
        const [response] = (await once(asked, 'response')) as [IncomingMessage];
        return (await buffer(response)).toString();
      }),
    );
    for (const [index, one] of all.entries())
      expect(bodies[index] === all.join(' ').replace(one, '[REDACTED]'), one).toBe(true);
  });

  const failures: [how: string, status: number, retryAfter: string | undefined][] = [
    ['thrown', 401, '120'],
    ['next', 500, undefined],
    ['string', 500, undefined],
    ['async', 401, '120'],
  ];
  test.each(failures.filter(([how]) => version === '5' || how !== 'async'))(
    'an error that is %s shows nothing, to the next handler or to the client',
    async (how, status, retryAfter) => {
      seen.length = 0;
      for (const prefix of ['', '/express']) {
        const got = await get(`${prefix}/fail/${how}`, { 'x-api-key': 'key-of-the-client' });
        expect([got.status, got.headers['retry-after']]).toEqual([status, retryAfter]);
        assertNoLeak([got.body, JSON.stringify(got.headers)], [SECRET, 'key-of-the-client']);
      }
      assertNoLeak(inspect(seen), [SECRET, 'key-of-the-client']);
      expect(inspect(seen)).toContain('no [REDACTED] for [REDACTED]');
    },
  );

  test('a failure in the middle of an answer breaks it off, without the rest', async () => {
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /fail/midway HTTP/1.1\r\nHost: a\r\n\r\n');
    const pieces: Buffer[] = [];
    for await (const piece of socket) pieces.push(piece);
    const text = Buffer.concat(pieces).toString();
    expect(text).toContain('begun');
    expect(text).not.toContain('\r\n0\r\n');
    assertNoLeak(text, redactor);
  });

  test('a body that is no JSON does not show in the error', async () => {
    seen.length = 0;
    const { body, status } = await get('/login', { 'content-type': 'application/json' }, `{"a": ${SECRET}`);
    expect(status).toBe(400);
    expect(seen).toHaveLength(1);
    assertNoLeak([body, inspect(seen)], redactor);
  });
});

function application(
  express: typeof express5,
  redactor: Redactor,
  log: (line: string) => void,
  seen: unknown[],
  folder: string,
): Express {
  const app = express();
  app.use(redactRequests(redactor));
  app.use((request, response, next) => {
    if (request.path.startsWith('/late/')) return next();
    compression({ threshold: 1_000 })(request, response, next);
  });
  app.use(redactResponses(redactor));
  app.use('/late', compression({ threshold: 1_000 }));
  app.use(express.json());
  app.get('/json', (_request, response) => void response.json({ url: `postgres://app:${SECRET}@db` }));
  app.get('/text', (_request, response) => void response.type('text').send(`a ${SECRET} z`));
  app.get('/clean', (_request, response) => void response.json({ token: 'a-token-for-the-client' }));
  app.get('/stream', (_request, response) => {
    response.type('text');
    Readable.from(['a correct-', 'horse-bat', 'tery z']).pipe(response);
  });
  app.get(['/big', '/late/big'], (_request, response) => void response.type('text').send(BIG));
  app.get('/big-stream', (_request, response) => {
    response.type('text');
    Readable.from(BIG.match(/[\s\S]{1,100}/g) ?? []).pipe(response);
  });
  app.get('/file/:name', (request, response) => response.sendFile(join(folder, String(request.params.name))));
  app.get('/download', (_request, response) => response.download(join(folder, 'page.html')));
  app.use('/static', express.static(folder));
  app.get('/events', (request, response) => {
    response.type('text/event-stream');
    response.write(`data: ${SECRET}\n\n`);
    response.flush();
    response.on('close', () => log(`gone ${request.get('x-api-key')}`));
  });
  app.post('/login', (request, response) => {
    const { user, password } = request.body;
    log(`login ${user} ${password} ${request.query.token} ${request.get('authorization')?.slice(7)}`);
    response.on('finish', () => log(`finished ${user} ${password}`));
    response.sendStatus(204);
  });
  let arrived = 0;
  const gate = new EventEmitter().setMaxListeners(0);
  app.get('/meet/:count', (request, response) => {
    const go = once(gate, 'go');
    if (++arrived === Number(request.params.count)) gate.emit('go');
    go.then(() => response.type('text').send(redactor.redact(String(request.query.list))));
  });
  app.get(['/fail/:how', '/express/fail/:how'], (request, response, next) => {
    const text = `no ${SECRET} for ${request.get('x-api-key')}`;
    const denied = Object.assign(new Error(text), { status: 401, headers: { 'Retry-After': '120' } });
    switch (request.params.how) {
      case 'thrown':
        throw denied;
      case 'async':
        return Promise.reject(denied);
      case 'string':
        return next(text);
      case 'midway':
        response.write('begun\n');
        return next(denied);
      default:
        return next(new Error('outer', { cause: new Error(text) }));
    }
  });
  app.use(redactErrors(redactor));
  const handler: express5.ErrorRequestHandler = (error, request, response, next) => {
    seen.push(error);
    // Express's own handler answers some.
    if (request.path.startsWith('/express/') || response.headersSent) return next(error);
    response.status(error.status ?? 500).set(error.headers ?? {});
    response.type('text').send(`${error.stack ?? error} ${error.cause?.stack}`);
  };
  app.use(handler);
  return app;
}
