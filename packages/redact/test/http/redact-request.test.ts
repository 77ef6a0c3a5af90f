import { once } from 'node:events';
import { Agent, IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { connect, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';
import { redactRequest } from '../../src/http.js';
import { assertNoLeak, createRedactor, type Hit, type Redactor } from '../../src/index.js';
import { RequestValues } from '../../src/request/request-values.js';
import { type Asking, ask, serve, type TestServer } from '../support/http-exchange.js';

const running: TestServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

type Handler = (log: (line: string) => void, request: IncomingMessage, response: ServerResponse) => unknown;

/** A server within whose requests `handle` may log; lines are kept as a redactor leaves them. */
async function logging(
  handle: Handler,
  redactor: Redactor = createRedactor({ showRef: true, shapes: false }),
) {
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(redactor.redact(line));
  const server = await serve((request, response) => {
    redactRequest(request, response, redactor, async () => {
      await handle(log, request, response);
      response.end();
    });
  });
  running.push(server);
  return { port: server.port, lines, redactor };
}

/** What the log says of `line` in a request that brings `asking`. */
async function logged(line: string, path: string, asking: Asking = {}, body?: unknown): Promise<string> {
  const { port, lines } = await logging((log, request) => {
    if (body !== undefined) Object.assign(request, { body });
    log(line);
  });
  await ask(port, path, asking);
  return lines.join('');
}

describe('what a client sends cannot hide who it is, nor tear a line apart', () => {
  test.each<[string, string, Record<string, string>]>([
    ['the level', '/accounts', { 'x-api-key': '{"level":30' }],
    ['a name and its value', '/accounts', { 'x-api-key': '"level":30,"time"' }],
    ['what stands between two fields', '/accounts', { 'x-api-key': '","url":"' }],
    ['the path and its query', '/accounts/transfer?x=1', { 'x-api-key': '/accounts/transfer?x=1' }],
    ['a segment of the path', '/accounts/transfer', { 'x-api-key': 'transfer' }],
    ['its address', '/accounts', { 'x-api-key': '127.0.0.1' }],
    ['a part of its address', '/accounts', { 'x-api-key': '27.0.0.1' }],
    [
      'its address by the word of a proxy',
      '/',
      { 'x-api-key': '203.0.113.7', 'X-Forwarded-For': '203.0.113.7' },
    ],
    ['the time', '/accounts', { 'x-api-key': '1795000000' }],
  ])('%s', async (_, path, headers) => {
    const forwarded = headers['X-Forwarded-For'];
    const line = JSON.stringify({
      level: 30,
      time: 1_795_000_000_123,
      ip: '127.0.0.1',
      forwarded,
      url: path,
    });
    expect(await logged(line, path, { headers })).toBe(line);
  });

  test('a secret that it did send is masked there', async () => {
    const headers = { 'x-api-key': 'Zq7xV91pass' };
    expect(await logged('{"level":30,"key":"Zq7xV91pass"}', '/accounts', { headers })).not.toContain(
      'Zq7xV91',
    );
  });

  test('a body whose fields come one by one is looked at again', async () => {
    const body: Record<string, string> = {};
    const { port, lines } = await logging((log, request) => {
      Object.assign(request, { body });
      log('begun');
      body.password = 'hunter2-hunter2';
      log('login with hunter2-hunter2');
    });
    await ask(port, '/login');
    expect(lines.join()).not.toContain('hunter2');
  });
});

describe('what a request brings', () => {
  test.each<[string, Record<string, string>, string, string]>([
    [
      'a bearer token',
      { Authorization: 'Bearer tok-12345678' },
      'got tok-12345678',
      'got [REDACTED request:authorization]',
    ],
    [
      'a password in Basic',
      { authorization: `Basic ${btoa('app:pass-word-1')}` },
      'as pass-word-1',
      'as [REDACTED request:authorization]',
    ],
    [
      'its base64',
      { authorization: `Basic ${btoa('app:pass-word-1')}` },
      btoa('app:pass-word-1'),
      '[REDACTED request:authorization]',
    ],
    [
      'no scheme',
      { 'X-Api-Key': 'key-12345678' },
      'key%2D12345678 key-12345678',
      'key%2D12345678 [REDACTED request:x-api-key]',
    ],
    ['a header by its name', { 'X-Shop-Token': 'shop-123456' }, 'shop-123456', '[REDACTED request:header]'],
    ['a session cookie', { Cookie: 'a=b; sid="session-1"' }, 'session-1', '[REDACTED request:cookie]'],
    [
      'a long cookie of any name',
      { Cookie: 'app=0123456789abcdef' },
      '0123456789abcdef',
      '[REDACTED request:cookie]',
    ],
    [
      'a signed cookie',
      { Cookie: 'app=s%3Asession-id-12.c2lnbmF0dXJl' },
      'session-id-12',
      '[REDACTED request:cookie]',
    ],
    ['a short cookie of a harmless name', { Cookie: 'theme=dark-mode' }, 'dark-mode', 'dark-mode'],
    ['a harmless header', { 'User-Agent': 'curl/8.12.1' }, 'curl/8.12.1', 'curl/8.12.1'],
    ['a word', { Authorization: 'Bearer level' }, '{"level":30}', '{"level":30}'],
  ])('%s', async (_, headers, line, expected) => {
    expect(await logged(line, '/', { headers })).toBe(expected);
  });

  test.each([
    ['/?access_token=query-123456', 'query-123456', '[REDACTED request:query]'],
    [
      '/?user[password]=p%40ss+word',
      'p@ss word p%40ss%20word',
      '[REDACTED request:query] [REDACTED request:query]',
    ],
    ['/?password=%E0%A4%A-broken', '%E0%A4%A-broken', '[REDACTED request:query]'],
    ['/?password=e', 'everything', 'everything'],
    ['/?page=a-long-page-name', 'a-long-page-name', 'a-long-page-name'],
  ])('a parameter: %s', async (path, line, expected) => {
    expect(await logged(line, path)).toBe(expected);
  });

  test.each([
    [{ user: { password: 'in-the-body' } }, '[REDACTED request:body]'],
    [{ users: [{ tokens: 0, apiKeys: ['x', 'in-the-body'] }] }, '[REDACTED request:body]'],
    [{ 'user[password]': 'in-the-body' }, '[REDACTED request:body]'],
    [{ note: 'in-the-body' }, 'in-the-body'],
    ['in-the-body', 'in-the-body'],
  ])('a field of the body: %j', async (body, expected) => {
    expect(await logged('in-the-body', '/', {}, body)).toBe(expected);
  });

  test('a body that is parsed after something was logged', async () => {
    const { port, lines } = await logging(async (log, request) => {
      log('begin');
      Object.assign(request, { body: JSON.parse(await text(request)) });
      log('in-the-body');
    });
    await ask(port, '/', { method: 'POST', body: '{"password":"in-the-body"}' });
    expect(lines).toEqual(['begin', '[REDACTED request:body]']);
  });

  test('a getter of a body that throws does not reach the log', async () => {
    const { port, lines } = await logging((log, request) => {
      Object.defineProperty(request, 'body', {
        get: () => {
          throw new Error('no body');
        },
      });
      log('line');
    });
    await ask(port, '/');
    expect(lines).toEqual(['line']);
  });
});

describe('a client that wants to blank out the log', () => {
  test('cannot name the path or its address a secret', async () => {
    const { port, lines } = await logging((log, request) => {
      log(`${request.socket.remoteAddress} ${request.method} ${request.url?.split('?')[0]}`);
    });
    await ask(port, '/admin/delete?token=/admin/delete', {
      headers: { 'X-Token': '127.0.0.1', 'X-A-Token': 'GET /admin' },
    });
    expect(lines).toEqual(['127.0.0.1 GET /admin/delete']);
  });

  test('has so many values and characters, its headers first', async () => {
    const many = Array.from({ length: 200 }, (_, index) => `token=query-number-${1_000 + index}`);
    const line = `first-credential query-number-1010 query-number-1150`;
    const headers = { Authorization: 'first-credential' };
    expect(await logged(line, `/?${many.join('&')}`, { headers })).toBe(
      '[REDACTED request:authorization] [REDACTED request:query] query-number-1150',
    );
    const endless = 'y'.repeat(100_000);
    const masked = await logged(
      `${endless} in-the-body`,
      '/',
      {},
      { password: endless, token: 'in-the-body' },
    );
    expect(masked.length).toBeLessThan(100_000 - 8_000);
    expect(masked).toMatch(/in-the-body$/);
  });

  test('cannot make the first log line expensive', async () => {
    const signs = (index: number): string => (index + '"\\/<>&+%é😀'.repeat(100)).slice(0, 250);
    const body = Object.fromEntries(
      Array.from({ length: 64 }, (_, index) => [`${index}Token`, signs(index)]),
    );
    const values = [
      ...new RequestValues(
        new IncomingMessage(new Socket()),
        () => body,
        () => true,
      ).values(),
    ];
    expect(values.length).toBeLessThan(10);
    expect(values.map(([value]) => value).join('').length).toBeLessThan(700);
    // What is left of the budget makes no word that could be blanked out.
    expect(Math.min(...values.map(([value]) => value.length))).toBeGreaterThanOrEqual(8);
  });

  test('cannot make the names in masks grow, nor the walk through its body', async () => {
    const deep: Record<string, unknown> = {};
    let inner = deep;
    for (let depth = 0; depth < 10_000; depth++) inner = inner.password = {} as Record<string, unknown>;
    inner.password = 'in-the-body';
    expect(await logged('in-the-body', '/', {}, deep)).toBe('in-the-body');
    expect(await logged('[a[a', `/?${'['.repeat(7_000)}=12345678`)).toBe('[a[a');
    const wide = { list: Array.from({ length: 5_000 }, () => 'x'), password: 'in-the-body' };
    expect(await logged('in-the-body', '/', {}, wide)).toBe('[REDACTED request:body]');
  });
});

describe('while a request is handled', () => {
  test('fifty at once, each with credentials of its own: each masks its own and no other', async () => {
    const all = Array.from({ length: 50 }, (_, index) => `credential-${String(index).padStart(3, '0')}`);
    const line = all.join(' ');
    let waiting = 0;
    let release = (): void => {};
    const together = new Promise<void>((resolve) => {
      release = resolve;
    });
    const outcomes = new Map<string, string>();
    const redactor = createRedactor();
    const { port } = await logging(async (_, request) => {
      if (++waiting === all.length) release();
      await together;
      outcomes.set(String(request.headers.authorization).slice(7), redactor.redact(line));
    }, redactor);
    await Promise.all(all.map((one) => ask(port, '/', { headers: { Authorization: `Bearer ${one}` } })));
    for (const one of all) expect(outcomes.get(one)).toBe(line.replace(one, '[REDACTED]'));
    expect(redactor.redact(line)).toBe(line);
  });

  test('also in what the request and the response emit, on a connection that is kept alive', async () => {
    const lines: string[] = [];
    const redactor = createRedactor();
    const log = (line: string): void => void lines.push(redactor.redact(line));
    const server = await serve((request, response) => {
      redactRequest(request, response, redactor, () => {
        const own = String(request.headers['x-api-key']);
        request.on('data', () => log(`data ${own}`)).on('end', () => response.end(own));
        response.on('finish', () => log(`finish ${own}`)).on('close', () => log(`close ${own}`));
      });
    });
    running.push(server);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (const key of ['key-number-one', 'key-number-two']) {
      const asked = send({ port: server.port, agent, method: 'POST', headers: { 'X-Api-Key': key } }).end(
        'body',
      );
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      expect(await text(response)).toBe(key);
    }
    agent.destroy();
    await expect.poll(() => lines.length).toBe(6);
    expect(new Set(lines)).toEqual(new Set(['data [REDACTED]', 'finish [REDACTED]', 'close [REDACTED]']));
  });

  test('also when the body comes later', async () => {
    const lines: string[] = [];
    const redactor = createRedactor();
    const server = await serve((request, response) => {
      redactRequest(request, response, redactor, () => {
        request.on('data', () => lines.push(redactor.redact('tok-12345678')));
        request.on('end', () => response.end());
      });
    });
    running.push(server);
    const socket = connect(server.port, '127.0.0.1');
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nX-Api-Key: tok-12345678\r\nContent-Length: 3\r\n\r\n';
    for (const [index, piece] of [`${head}a`, 'b', 'c'].entries()) {
      socket.write(piece);
      await expect.poll(() => lines.length).toBe(index + 1);
    }
    socket.destroy();
    expect(lines).toEqual(['[REDACTED]', '[REDACTED]', '[REDACTED]']);
  });

  test('also after the client has gone away, for what the request started', async () => {
    const { port, lines } = await logging(async (log, request, response) => {
      request.socket.destroy();
      await once(response, 'close');
      log('failed with tok-12345678');
    });
    await ask(port, '/', { headers: { Authorization: 'Bearer tok-12345678' } }).catch(() => {});
    await expect.poll(() => lines).toEqual(['failed with [REDACTED request:authorization]']);
  });

  test('what it brought is no hit, but a live secret is, also if the request brought it', async () => {
    const hits: Hit[] = [];
    const redactor = createRedactor({ onHit: (hit) => hits.push(hit) });
    redactor.add('live-and-brought', 'vault:api#key');
    const { port } = await logging((log) => log('only-brought live-and-brought'), redactor);
    await ask(port, '/?token=only-brought', { headers: { 'X-Api-Key': 'live-and-brought' } });
    expect(hits.map(({ ref }) => ref)).toEqual(['vault:api#key']);
  });

  test('streams and objects are masked too, and nothing outside of it', async () => {
    const redactor = createRedactor();
    const seen: unknown[] = [];
    const { port } = await logging(async () => {
      seen.push(redactor.redactObject(new Error('no tok-12345678')));
      const stream = redactor.redactStream();
      stream.write('no tok-12');
      stream.end('345678');
      seen.push(await text(stream));
    }, redactor);
    await ask(port, '/', { headers: { Authorization: 'Bearer tok-12345678' } });
    expect(String(seen[0])).toBe('Error: no [REDACTED]');
    expect(seen[1]).toBe('no [REDACTED]');
    expect(redactor.redact('tok-12345678')).toBe('tok-12345678');
    assertNoLeak(seen.map(String), ['tok-12345678']);
  });

  test('the redactor keeps neither the request nor what was made of it', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const kept: WeakRef<object>[] = [];
    const { port, redactor } = await logging((log, request, response) => {
      log('line tok-12345678');
      kept.push(new WeakRef(request), new WeakRef(response));
    });
    await ask(port, '/', { headers: { Authorization: 'Bearer tok-12345678' } });
    await expect
      .poll(() => {
        collect();
        return kept.filter((one) => one.deref() !== undefined).length;
      })
      .toBe(0);
    expect(redactor.redact('tok-12345678')).toBe('tok-12345678');
  });
});

describe('during', () => {
  test('masks the values given, within what was masked around it, and returns what was returned', async () => {
    const redactor = createRedactor({ showRef: true });
    const result = await redactor.during([['outer-value', 'job:a']], () =>
      redactor.during([['inner-value', 'job:b']], async () => {
        await null;
        return redactor.redact('outer-value inner-value');
      }),
    );
    expect(result).toBe('[REDACTED job:a] [REDACTED job:b]');
    expect(redactor.redact('outer-value inner-value')).toBe('outer-value inner-value');
  });

  test('goes through the values at the first search, or never', () => {
    let gone = 0;
    function* values(): Iterable<readonly [string, string]> {
      gone++;
      yield ['some-value', 'job:a'];
    }
    const redactor = createRedactor();
    redactor.during(values(), () => {});
    expect(gone).toBe(0);
    redactor.during(values(), () => {
      expect(redactor.redact('some-value')).toBe('[REDACTED]');
      expect(redactor.redact('some-value')).toBe('[REDACTED]');
    });
    expect(gone).toBe(1);
  });

  test('a stream holds back enough for the longest of them', async () => {
    const long = 'z'.repeat(900);
    const redactor = createRedactor({ shapes: false });
    const out = await redactor.during([[long, 'job:a']], () => {
      const stream = redactor.redactStream();
      for (const character of `a ${long} b`) stream.write(character);
      stream.end();
      return text(stream);
    });
    expect(out).toBe('a [REDACTED] b');
  });
});
