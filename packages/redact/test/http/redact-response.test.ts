import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { fakeClock } from '@keyturn/core/testing';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { type RedactResponseOptions, redactResponse } from '../../src/http.js';
import { assertNoLeak, createRedactor, type Hit } from '../../src/index.js';
import { cuts, filler, secretText, writtenForms } from '../support/arbitrary-text.js';
import { ask, serve, type TestServer } from '../support/http-exchange.js';

const SECRET = 'correct-horse-battery';
const LONG = `${'x'.repeat(3_000)} ${SECRET}\n`;

const running: TestServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

/** A server whose every answer is guarded, and whose redactor knows {@link SECRET}. */
async function guarded(
  answer: (response: ServerResponse, request: IncomingMessage) => void,
  options: RedactResponseOptions = {},
) {
  const hits: Hit[] = [];
  const redactor = createRedactor({ showRef: true, onHit: (hit) => hits.push(hit) });
  redactor.add(SECRET, 'vault:db#password');
  const server = await serve((request, response) => {
    redactResponse(response, redactor, options);
    answer(response, request);
  });
  running.push(server);
  return { port: server.port, redactor, hits };
}

describe('headers', () => {
  test('are masked however they are set, without the name of the secret', async () => {
    const { port, redactor, hits } = await guarded((response) => {
      response.setHeader('X-Set', `a ${SECRET}`);
      response.setHeader('X-List', ['plain', `b ${SECRET}`]);
      response.writeHead(200, `OK ${SECRET}`, { 'X-Given': `c ${SECRET}`, 'X-Number': 5 });
      response.end();
    });
    const { raw, headers } = await ask(port, '/');
    assertNoLeak(raw, redactor);
    expect(raw.toString()).toMatch(/^HTTP\/1\.1 200 OK \[REDACTED\]\r\n/);
    expect(headers.get('x-set')).toBe('a [REDACTED]');
    expect(headers.get('x-given')).toBe('c [REDACTED]');
    expect(headers.get('x-list')).toBe('b [REDACTED]');
    expect(headers.get('x-number')).toBe('5');
    expect(raw.toString()).not.toContain('vault:');
    expect(hits).toContainEqual({ ref: 'vault:db#password', sink: 'http headers' });
  });

  test.each([
    ['in turn', ['X-A', `1 ${SECRET}`, 'Set-Cookie', 'a=1', 'Set-Cookie', `b=${SECRET}`]],
    [
      'in pairs',
      [
        ['X-A', `1 ${SECRET}`],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', `b=${SECRET}`],
      ],
    ],
  ])('are masked when they are given %s', async (_, given) => {
    const { port } = await guarded((response) => {
      response.writeHead(200, given as string[]);
      response.end('x');
    });
    const text = (await ask(port, '/')).raw.toString();
    expect(text).toContain('X-A: 1 [REDACTED]\r\nSet-Cookie: a=1\r\nSet-Cookie: b=[REDACTED]\r\n');
  });

  test('are left alone when asked, and the second writeHead fails as it does', async () => {
    const codes: unknown[] = [];
    const { port } = await guarded(
      (response) => {
        response.setHeader('X-A', SECRET);
        response.writeHead(200);
        try {
          response.writeHead(500);
        } catch (error) {
          codes.push((error as { code?: string }).code);
        }
        response.end(SECRET);
      },
      { headers: false },
    );
    const { headers, body, status } = await ask(port, '/');
    expect([status, headers.get('x-a'), body.toString()]).toEqual([200, SECRET, '[REDACTED]']);
    expect(codes).toEqual(['ERR_HTTP_HEADERS_SENT']);
  });

  test('that frame the answer stay, even if their number is a secret', async () => {
    const { port, redactor } = await guarded((response) => response.end('x'.repeat(1_234)));
    redactor.add('1234', 'vault:pin');
    expect((await ask(port, '/')).headers.get('content-length')).toBe('1234');
  });

  test('trailers are masked too', async () => {
    const { port, redactor } = await guarded((response) => {
      response.writeHead(200, { Trailer: 'X-End' });
      response.write('body');
      response.addTrailers({ 'X-End': `t ${SECRET}` });
      response.end();
    });
    const { raw } = await ask(port, '/');
    assertNoLeak(raw, redactor);
    expect(raw.toString()).toContain('X-End: t [REDACTED]\r\n');
  });
});

describe('a body sent at once', () => {
  test('is masked with its length right, without an entity tag that was another', async () => {
    const { port, redactor } = await guarded((response) => {
      const body = JSON.stringify({ url: `postgres://app:${SECRET}@db` });
      response.setHeader('Content-Type', 'application/json; charset=utf-8');
      response.setHeader('Content-Length', body.length);
      response.setHeader('ETag', '"abc"');
      response.setHeader('Content-Digest', 'sha-256=:abc:');
      response.end(body);
    });
    const { raw, headers, body } = await ask(port, '/');
    assertNoLeak(raw, redactor);
    expect(JSON.parse(body.toString())).toEqual({ url: 'postgres://app:[REDACTED]@db' });
    expect(headers.get('content-length')).toBe(String(body.length));
    expect(headers.has('etag') || headers.has('content-digest')).toBe(false);
  });

  test('stays as it is when nothing in it is secret', async () => {
    const { port } = await guarded((response) => {
      response.setHeader('ETag', '"abc"');
      response.setHeader('Content-Type', 'application/json');
      response.end('{"token":"ghp_0123456789abcdefghijABCDEFGHIJ012345"}');
    });
    const { headers, body } = await ask(port, '/');
    expect(body.toString()).toBe('{"token":"ghp_0123456789abcdefghijABCDEFGHIJ012345"}');
    expect([headers.get('etag'), headers.get('content-length')]).toEqual(['"abc"', '52']);
  });

  test('loses tokens by their look on request', async () => {
    const { port } = await guarded((response) => response.end('{"password":"hunter2hunter2"}'), {
      shapes: true,
    });
    expect((await ask(port, '/')).body.toString()).toBe('{"password":"[REDACTED]"}');
  });

  test.each<[string, (response: ServerResponse, done: () => void) => void]>([
    ['end(text, done)', (response, done) => response.end(SECRET, done)],
    ['end(text, encoding, done)', (response, done) => response.end(SECRET, 'utf8', done)],
    [
      'end(hex, encoding, done)',
      (response, done) => response.end(Buffer.from(SECRET).toString('hex'), 'hex', done),
    ],
    ['end(bytes, done)', (response, done) => response.end(Buffer.from(SECRET), done)],
    [
      'write, end(done)',
      (response, done) => {
        response.write(SECRET);
        response.end(done);
      },
    ],
    [
      'write(text, done), end',
      (response, done) => {
        response.write(SECRET, done);
        response.end();
      },
    ],
  ])('%s masks and calls back', async (_, send) => {
    let called = 0;
    const { port } = await guarded((response) => send(response, () => called++));
    expect((await ask(port, '/')).body.toString()).toBe('[REDACTED]');
    await expect.poll(() => called).toBe(1);
  });
});

describe('a body sent in pieces', () => {
  test('is masked across the pieces, chunked, with a weak entity tag', async () => {
    const { port, redactor } = await guarded((response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': LONG.length, ETag: '"abc"' });
      for (const character of LONG) response.write(character);
      response.end();
    });
    const { raw, headers, body } = await ask(port, '/');
    assertNoLeak(raw, redactor);
    expect(body.toString()).toBe(LONG.replace(SECRET, '[REDACTED]'));
    expect([headers.has('content-length'), headers.get('etag')]).toEqual([false, 'W/"abc"']);
  });

  test('events and lines are sent at once', async () => {
    const next: (() => void)[] = [];
    const { port } = await guarded((response) => {
      response.setHeader('Content-Type', 'text/event-stream');
      response.write(`data: one ${SECRET}\n\n`);
      next.push(
        () => response.write('data: two\n\n'),
        () => response.end(),
      );
    });
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (piece) => {
      text += piece.toString();
    });
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await expect.poll(() => text).toContain('data: one [REDACTED]\n\n');
    next[0]?.();
    await expect.poll(() => text).toContain('data: two\n\n');
    next[1]?.();
    await once(socket, 'close');
  });

  test('the end of a line is sent when nothing came for a while, and no timer is left', async () => {
    const clock = fakeClock();
    const redactor = createRedactor({ clock });
    redactor.add(SECRET, 'vault:db');
    const responses: ServerResponse[] = [];
    const server = await serve((_, response) => {
      redactResponse(response, redactor);
      response.write('correct-');
      responses.push(response);
    });
    running.push(server);
    const socket = connect(server.port, '127.0.0.1');
    let text = '';
    socket.on('data', (piece) => {
      text += piece.toString();
    });
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    // The head goes out with the first write, as it does elsewhere.
    await expect.poll(() => text).toContain('\r\n\r\n');
    expect(responses[0]?.headersSent).toBe(true);
    expect(text).not.toContain('correct-');
    await clock.advance(100);
    await expect.poll(() => text).toContain('correct-');
    responses[0]?.write('again');
    socket.destroy();
    await expect.poll(() => responses[0]?.destroyed).toBe(true);
    await clock.settle();
    expect(clock.pending).toBe(0);
  });

  test('keeps the pressure back: a slow reader stops the writer', async () => {
    const block = `${'y'.repeat(65_535)}\n`;
    let produced = 0;
    const { port } = await guarded((response) => {
      const source = new Readable({
        read() {
          produced++;
          this.push(produced > 400 ? null : block);
        },
      });
      pipeline(source, response, () => {});
    });
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await once(socket, 'readable');
    let before = -1;
    await expect
      .poll(() => {
        const still = produced === before;
        before = produced;
        return still;
      })
      .toBe(true);
    expect(produced).toBeLessThan(300);
    let length = 0;
    for await (const piece of socket) length += piece.length;
    expect(length).toBeGreaterThan(400 * block.length);
  });

  test('an answer that is aborted by the client ends its source', async () => {
    let failed: unknown;
    const { port } = await guarded((response) => {
      pipeline(Readable.from(endless()), response, (error) => {
        failed = error;
      });
    });
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    socket.destroy();
    await expect.poll(() => failed).toBeInstanceOf(Error);
  });
});

async function* endless(): AsyncIterable<string> {
  for (;;) yield 'line\n';
}

describe('what passes untouched', () => {
  const gzipped = gzipSync(SECRET);
  test.each<[string, number, Record<string, string>, Buffer | string]>([
    ['bytes that are no text', 200, { 'Content-Type': 'image/png' }, SECRET],
    ['a compressed body', 200, { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' }, gzipped],
    ['a part', 206, { 'Content-Type': 'text/plain', 'Content-Range': 'bytes 0-20/100' }, SECRET],
  ])('%s', async (_, status, headers, sent) => {
    const { port } = await guarded((response) => {
      response.writeHead(status, { ...headers, 'Content-Length': sent.length, ETag: '"a"' });
      response.end(sent);
    });
    const { body, headers: got } = await ask(port, '/');
    expect(body.equals(Buffer.from(sent))).toBe(true);
    expect([got.get('content-length'), got.get('etag')]).toEqual([String(sent.length), '"a"']);
  });

  test.each([
    ['HEAD', 200],
    ['GET', 304],
    ['GET', 204],
  ])('no body: %s %i', async (method, status) => {
    const { port } = await guarded((response) => {
      response.writeHead(status, { 'Content-Type': 'text/plain', ETag: '"a"', 'Content-Length': '99' });
      response.end();
    });
    const { headers, body } = await ask(port, '/', { method });
    expect([headers.get('etag'), body.length]).toEqual(['"a"', 0]);
    if (method === 'HEAD') expect(headers.get('content-length')).toBe('99');
  });

  test('bodies, when asked; types that contentTypes leaves out', async () => {
    const { port } = await guarded((response) => response.end(SECRET), { bodies: false });
    expect((await ask(port, '/')).body.toString()).toBe(SECRET);
    const narrow = await guarded(
      (response) => {
        response.setHeader('Content-Type', 'text/html');
        response.end(SECRET);
      },
      { contentTypes: /^application\/json$/ },
    );
    expect((await ask(narrow.port, '/')).body.toString()).toBe(SECRET);
  });

  test('a wrong chunk and a write after the end fail as they do', async () => {
    const codes: unknown[] = [];
    const { port } = await guarded((response) => {
      try {
        response.write(5 as never);
      } catch (error) {
        codes.push((error as { code?: string }).code);
      }
      response.end('x');
      response.on('error', (error: { code?: string }) => codes.push(error.code));
      response.write('y');
    });
    expect((await ask(port, '/')).body.toString()).toBe('x');
    await expect.poll(() => codes).toEqual(['ERR_INVALID_ARG_TYPE', 'ERR_STREAM_WRITE_AFTER_END']);
  });
});

describe('any body, cut anywhere', () => {
  test('no secret is in the bytes of the socket, and a body without one is the same to the byte', async () => {
    let pieces: Buffer[] = [];
    let redactor = createRedactor();
    const server = await serve((_, response) => {
      redactResponse(response, redactor);
      response.setHeader('Content-Type', 'text/plain');
      for (const piece of pieces.slice(0, -1)) response.write(piece);
      response.end(pieces.at(-1));
    });
    running.push(server);
    const body = fc.array(fc.tuple(filler, fc.nat({ max: 40 })), { minLength: 1, maxLength: 12 });
    const scene = fc.tuple(secretText, body, fc.boolean()).chain(([secret, parts, leaks]) => {
      const forms = writtenForms(secret.trim(), 1);
      const text = parts.map(([around, form]) => around + ((leaks && forms[form]) || '')).join('');
      const bytes = Buffer.from(text);
      return fc.tuple(fc.constant({ secret, leaks, bytes }), cuts(bytes.length));
    });
    await fc.assert(
      fc.asyncProperty(scene, async ([{ secret, leaks, bytes }, points]) => {
        fc.pre(secret.trim().length >= 8 && !/[[\]]|REDACTED/.test(secret) && !bytes.includes('[REDACTED'));
        redactor = createRedactor();
        redactor.add(secret, 'a:b');
        pieces = points.slice(1).map((end, index) => bytes.subarray(points[index], end));
        const { body: got, raw } = await ask(server.port, '/');
        // What the test's own parts make up by chance is masked as well.
        if (!leaks && redactor.redact(bytes.toString()) === bytes.toString())
          expect(got.equals(bytes)).toBe(true);
        assertNoLeak(got, redactor);
        assertNoLeak(raw, redactor);
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 150) },
    );
  });
});
