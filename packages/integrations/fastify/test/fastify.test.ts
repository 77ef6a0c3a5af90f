import { once } from 'node:events';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request as send } from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { gunzipSync } from 'node:zlib';
import compress from '@fastify/compress';
import { assertNoLeak, createRedactor, type Redactor } from '@keyturn/redact';
import { fastify as fastify5 } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loggerOptions, redactErrors, redaction } from '../src/index.js';

const fastify4 = createRequire(import.meta.url)('fastify-4') as typeof fastify5;

const SECRET = 'correct-horse-battery';
const BIG = `${'line of a page\n'.repeat(500)}${SECRET}\n`;
const MASKED = BIG.replace(SECRET, '[REDACTED]');

interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const compress7 = createRequire(import.meta.url)('fastify-compress-7') as typeof compress;

describe.each([
  ['5', fastify5, compress],
  ['4', fastify4, compress7],
])('Fastify %s', (version, fastify, compression) => {
  const redactor = createRedactor();
  redactor.add(SECRET, 'vault:db#password');
  const lines: string[] = [];
  /** What the application's own error handler was given. */
  const seen: unknown[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-fastify-'));
  writeFileSync(join(folder, 'page.html'), BIG);
  const building = application(fastify, compression, redactor, lines, seen, join(folder, 'page.html'));
  const agent = new Agent({ keepAlive: true, maxSockets: 2 });
  let port = 0;

  let app: Awaited<typeof building>;
  beforeAll(async () => {
    app = await building;
    await app.listen({ port: 0, host: '127.0.0.1' });
    port = (app.server.address() as AddressInfo).port;
  });
  afterAll(async () => {
    agent.destroy();
    app.server.closeAllConnections();
    await app.close();
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
    ['/bytes', 'a [REDACTED] z'],
    ['/stream', 'a [REDACTED] z'],
    ['/hijacked', 'a [REDACTED] z'],
    ['/inner/text', 'a [REDACTED] z'],
    ['/file', MASKED],
    ...(version === '5'
      ? [
          ['/web-stream', 'a [REDACTED] z'],
          ['/web-response', 'a [REDACTED] z'],
        ]
      : []),
  ])('%s is masked', async (path, expected) => {
    const { status, body, headers } = await get(path as string);
    expect([status, body.toString()]).toEqual([200, expected]);
    assertNoLeak(JSON.stringify(headers), redactor);
    expect(headers['x-trace']).toBe('of [REDACTED]');
    const length = headers['content-length'];
    if (length !== undefined) expect(Number(length)).toBe(body.length);
  });

  test('bytes and tokens for the client pass, with their length', async () => {
    const { body, headers } = await get('/binary');
    expect(body.toString()).toBe(BIG);
    expect(headers['content-length']).toBe(String(BIG.length));
    expect((await get('/clean')).body.toString()).toBe('{"token":"a-token-for-the-client"}');
  });

  test('what is compressed is masked before', async () => {
    for (const path of ['/file', '/big']) {
      const { headers, body } = await get(path, { 'accept-encoding': 'gzip' });
      expect(headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(body).toString()).toBe(MASKED);
    }
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
    await expect.poll(() => lines.join('')).toContain('"msg":"gone [REDACTED]"');
  });

  test('a request masks what it brought, also in its body and when it is finished', async () => {
    lines.length = 0;
    const headers = { authorization: 'Bearer tok-12345678', 'content-type': 'application/json' };
    await get('/login?token=in-the-query', headers, '{"user":"ann","password":"in-the-body"}');
    await expect.poll(() => lines.join('')).toContain('request completed');
    expect(lines.join('')).toContain('"msg":"login ann [REDACTED] [REDACTED] [REDACTED]"');
    expect(lines.join('')).toContain('"msg":"sent to ann [REDACTED]"');
    // The framework's own line has the address.
    expect(lines.join('')).toContain('"url":"/login?token=[REDACTED]"');
    assertNoLeak(lines, ['tok-12345678', 'in-the-body', 'in-the-query']);
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

  test.each([
    ['thrown', 401],
    ['async', 401],
    ['hook', 500],
  ])('an error that is %s shows nothing, to the handler, the log or the client', async (how, status) => {
    lines.length = 0;
    seen.length = 0;
    for (const prefix of ['', '/inner']) {
      const got = await get(`${prefix}/fail/${how}`, { 'x-api-key': 'key-of-the-client' });
      expect(got.status).toBe(status);
      // To the client its own key is none.
      assertNoLeak([got.body, JSON.stringify(got.headers)], redactor);
      expect(got.body.toString()).toContain('no [REDACTED] for [REDACTED]');
    }
    assertNoLeak([inspect(seen), ...lines], [SECRET, 'key-of-the-client']);
    // The handler of the inner scope hands its error to the outer one.
    expect(seen).toHaveLength(2);
    expect(seen[0]).toBeInstanceOf(Error);
  });

  test('a stream that fails midway breaks the answer off', async () => {
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /broken HTTP/1.1\r\nHost: a\r\n\r\n');
    const pieces: Buffer[] = [];
    for await (const piece of socket) pieces.push(piece);
    const text = Buffer.concat(pieces).toString();
    expect(text).toContain('begun');
    expect(text).not.toContain('\r\n0\r\n');
    assertNoLeak([text, ...lines], redactor);
  });

  test('parts can be turned off', async () => {
    const plain = fastify();
    await plain.register(redaction, { redactor, requests: false, responses: { bodies: false } });
    plain.get('/', (request, reply) => {
      reply
        .header('x-trace', SECRET)
        .send(`${SECRET} ${redactor.redact(String(request.headers['x-api-key']))}`);
    });
    const answer = await plain.inject({ url: '/', headers: { 'x-api-key': 'key-of-the-client' } });
    expect(answer.body).toBe(`${SECRET} key-of-the-client`);
    expect(answer.headers['x-trace']).toBe('[REDACTED]');
    const none = fastify();
    await none.register(redaction, { redactor, responses: false });
    none.get('/', () => SECRET);
    expect((await none.inject('/')).body).toBe(SECRET);
    await Promise.all([plain.close(), none.close()]);
  });
});

test('the options of the logger keep what was given', () => {
  const written: string[] = [];
  const stream = { write: (line: string) => void written.push(line) };
  const redactor = createRedactor();
  redactor.add(SECRET, 'vault:db');
  for (const past of [{ transport: { target: 'pino-pretty' } }, { file: '/dev/null' }]) {
    expect(() => loggerOptions(redactor, past)).toThrow(expect.objectContaining({ code: 'invalid-config' }));
  }
  const options = loggerOptions(redactor, { level: 'warn', stream });
  expect(options.level).toBe('warn');
  options.stream.write(`{"msg":"${SECRET}"}\n`);
  expect(written).toEqual(['{"msg":"[REDACTED]"}\n']);
});

async function application(
  fastify: typeof fastify5,
  compression: typeof compress,
  redactor: Redactor,
  lines: string[],
  seen: unknown[],
  page: string,
) {
  const stream = { write: (line: string) => void lines.push(line) };
  const app = fastify({ logger: loggerOptions(redactor, { level: 'info', stream }) });
  await app.register(redaction, { redactor });
  await app.register(compression, { threshold: 1_000 });
  app.setErrorHandler(
    redactErrors(redactor, (error, request, reply) => {
      seen.push(error);
      request.log.error(error);
      reply.status(error.statusCode ?? 500).send(`${error.stack}`);
    }),
  );
  app.addHook('onRequest', async (_request, reply) => void reply.header('x-trace', `of ${SECRET}`));
  app.get('/json', () => ({ url: `postgres://app:${SECRET}@db` }));
  app.get('/text', () => `a ${SECRET} z`);
  app.get('/clean', () => ({ token: 'a-token-for-the-client' }));
  app.get('/big', (_request, reply) => reply.type('text/plain').send(BIG));
  app.get('/bytes', (_request, reply) => reply.type('text/plain').send(Buffer.from(`a ${SECRET} z`)));
  app.get('/binary', (_request, reply) => reply.type('image/png').send(Buffer.from(BIG)));
  const pieces = ['a correct-', 'horse-bat', 'tery z'];
  app.get('/stream', (_request, reply) => reply.type('text/plain').send(Readable.from(pieces)));
  app.get('/web-stream', (_request, reply) => {
    reply.type('text/plain').send(Readable.toWeb(Readable.from(pieces.map((piece) => Buffer.from(piece)))));
  });
  app.get('/web-response', (_request, reply) => {
    reply.send(new Response(`a ${SECRET} z`, { headers: { 'content-type': 'text/plain' } }));
  });
  app.get('/hijacked', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/plain', 'x-trace': `of ${SECRET}` });
    for (const piece of pieces) reply.raw.write(piece);
    reply.raw.end();
  });
  app.get('/file', (_request, reply) => reply.type('text/html').send(createReadStream(page)));
  app.get('/events', (request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
    reply.raw.write(`data: ${SECRET}\n\n`);
    reply.raw.on('close', () => request.log.info(`gone ${request.headers['x-api-key']}`));
  });
  app.post<{ Body: { user: string; password: string }; Querystring: { token: string } }>(
    '/login',
    (request, reply) => {
      const { user, password } = request.body;
      const bearer = request.headers.authorization?.slice(7);
      request.log.info(`login ${user} ${password} ${request.query.token} ${bearer}`);
      reply.raw.on('finish', () => request.log.info(`sent to ${user} ${password}`));
      reply.status(204).send();
    },
  );
  let arrived = 0;
  let go = (): void => {};
  const together = new Promise<void>((resolve) => {
    go = resolve;
  });
  app.get<{ Params: { count: string }; Querystring: { list: string } }>('/meet/:count', async (request) => {
    if (++arrived === Number(request.params.count)) go();
    await together;
    return redactor.redact(request.query.list);
  });
  const failing = (inner: typeof app): void => {
    const denied = (key: unknown): Error =>
      Object.assign(new Error(`no ${SECRET} for ${key}`), { statusCode: 401 });
    inner.get('/fail/thrown', (request) => {
      throw denied(request.headers['x-api-key']);
    });
    inner.get('/fail/async', async (request) => Promise.reject(denied(request.headers['x-api-key'])));
    const preHandler = async (request: { headers: Record<string, unknown> }): Promise<void> => {
      throw new Error(`no ${SECRET} for ${request.headers['x-api-key']}`);
    };
    inner.get('/fail/hook', { preHandler }, () => 'never');
  };
  failing(app);
  app.register(
    async (inner) => {
      inner.get('/text', () => `a ${SECRET} z`);
      // Without a handler of its own, the enclosing one answers.
      inner.setErrorHandler(redactErrors(redactor));
      failing(inner as unknown as typeof app);
    },
    { prefix: '/inner' },
  );
  app.get('/broken', (_request, reply) => {
    async function* broken(): AsyncIterable<string> {
      yield 'begun\n';
      throw new Error(`no ${SECRET}`);
    }
    return reply.type('text/plain').send(Readable.from(broken()));
  });
  return app;
}
