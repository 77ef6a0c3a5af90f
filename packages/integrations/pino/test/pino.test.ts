import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { assertNoLeak, createRedactor, type Hit, type Redactor } from '@keyturn/redact';
import fc from 'fast-check';
import type { LoggerOptions, pino as Pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { redacted } from '../src/index.js';

const require = createRequire(import.meta.url);
const SECRET = 'p@ss "word"/1';

let redactor: Redactor;
let hits: Hit[];
let folder: string;
beforeEach(() => {
  hits = [];
  redactor = createRedactor({ showRef: true, onHit: (hit) => hits.push(hit) });
  redactor.add(SECRET, 'vault:db');
  redactor.add('12345678', 'vault:pin');
  folder = mkdtempSync(join(tmpdir(), 'keyturn-pino-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe.each(['pino', 'pino-9'])('%s', (name) => {
  const pino = require(name) as typeof Pino;

  function tape() {
    const lines: string[] = [];
    const stream = new Writable({
      write(chunk, _, done) {
        lines.push(String(chunk));
        done();
      },
    });
    return { lines, stream, last: () => JSON.parse(lines.at(-1) as string) as Record<string, unknown> };
  }
  const logger = (options: LoggerOptions = {}) => {
    const { stream, ...rest } = tape();
    return { log: pino(redacted(redactor, options), stream), ...rest };
  };
  /** Every line is one, is JSON, and shows nothing. */
  const check = (lines: readonly string[]): void => {
    expect(lines).not.toHaveLength(0);
    for (const line of lines) {
      expect(() => JSON.parse(line)).not.toThrow();
      expect(line).toMatch(/^[^\r\n]+\n$/);
    }
    assertNoLeak(lines, redactor);
  };

  test('masks messages, fields, keys, numbers and nesting', () => {
    const { log, lines, last } = logger();
    log.info(
      { a: [{ b: SECRET }], pin: 12345678, big: 12345678n, password: 'hunter2', n: 7 },
      'in %s',
      SECRET,
    );
    expect(last()).toMatchObject({
      level: 30,
      msg: 'in [REDACTED vault:db]',
      a: [{ b: '[REDACTED vault:db]' }],
      pin: '[REDACTED vault:pin]',
      big: '[REDACTED vault:pin]',
      password: expect.stringMatching(/^\[REDACTED/),
      n: 7,
    });
    check(lines);
    expect(hits).toContainEqual({ ref: 'vault:db', sink: 'pino' });
  });

  test('masks errors with their stacks and causes, and what serializers, formatters and mixins add', () => {
    const { log, lines } = logger({
      base: { service: SECRET },
      msgPrefix: `[${SECRET}] `,
      mixin: () => ({ mixed: SECRET }),
      serializers: { user: () => ({ shown: SECRET }) },
      formatters: {
        level: (label) => ({ level: label, by: SECRET }),
        log: (fields) => ({ ...fields, more: SECRET }),
      },
    });
    log.error(new Error(SECRET, { cause: new TypeError(`because ${SECRET}`) }));
    log.warn({ user: {}, err: new AggregateError([new Error(SECRET)], SECRET) }, 'two');
    expect(lines).toHaveLength(2);
    check(lines);
    expect(lines[0]).toContain('because [REDACTED vault:db]');
  });

  test('masks the lines of child loggers, with their bindings', () => {
    const { log, lines, last } = logger();
    const child = log.child({ request: { authorization: `Bearer ${SECRET}` } }, { msgPrefix: SECRET });
    child.child({ [SECRET]: 1 }).info('x');
    expect(last()['[REDACTED vault:db]']).toBe(1);
    check(lines);
  });

  test("keeps the user's own streamWrite, which goes first, and the other hooks", () => {
    const { log, lines, last } = logger({
      hooks: {
        streamWrite: (line) => line.replace('"msg":"', `"msg":"${JSON.stringify(SECRET).slice(1, -1)} `),
        logMethod(args, method) {
          method.apply(this, [`hooked ${args[0]}`] as unknown as Parameters<typeof method>);
        },
      },
    });
    log.info('x');
    expect(last().msg).toBe('[REDACTED vault:db] hooked x');
    check(lines);
  });

  test.each([
    [['user.card'], '[REDACTED]'],
    [{ paths: ['user.card'] }, '[REDACTED]'],
    [{ paths: ['user.card'], censor: '***' }, '***'],
    [{ paths: ['user.card'], remove: true }, undefined],
  ] as [NonNullable<LoggerOptions['redact']>, unknown][])(
    "pino's own redact works beside it: %j",
    (redact, card) => {
      const { log, lines, last } = logger({ redact });
      log.info({ user: { card: '4111', note: SECRET } });
      expect(last().user).toEqual({ ...(card !== undefined && { card }), note: '[REDACTED vault:db]' });
      check(lines);
    },
  );

  test('masks before every stream of a multistream', () => {
    const one = tape();
    const two = tape();
    const streams = [{ stream: one.stream }, { level: 'error' as const, stream: two.stream }];
    const log = pino(redacted(redactor), pino.multistream(streams));
    log.info(SECRET);
    log.error(SECRET);
    expect([one.lines.length, two.lines.length]).toEqual([2, 1]);
    check([...one.lines, ...two.lines]);
  });

  test.each([true, false])(
    'masks what a destination with sync: %s writes, also what it buffers',
    async (sync) => {
      const file = join(folder, 'log');
      const destination = pino.destination({ dest: file, sync, minLength: sync ? 0 : 4096 });
      const log = pino(redacted(redactor, { crlf: false }), destination);
      for (let line = 0; line < 50; line++) log.info({ line, password: SECRET }, `x ${SECRET}`);
      const closed = once(destination, 'close');
      await new Promise((flushed) => log.flush(flushed));
      destination.end();
      await closed;
      const lines = readFileSync(file, 'utf8').match(/.*\n/g) ?? [];
      expect(lines).toHaveLength(50);
      check(lines);
    },
  );

  test('masks before a transport in a worker thread', async () => {
    const file = join(folder, 'log');
    const transport = pino.transport({
      target: fileURLToPath(import.meta.resolve(`${name}/file.js`)),
      options: { destination: file },
    });
    await once(transport, 'ready');
    const log = pino(redacted(redactor), transport);
    log.info({ token: SECRET }, `to the worker: ${SECRET}`);
    log.child({ a: SECRET }).error(new Error(SECRET));
    const closed = once(transport, 'close');
    transport.end();
    await closed;
    const lines = readFileSync(file, 'utf8').match(/.*\n/g) ?? [];
    expect(lines).toHaveLength(2);
    check(lines);
  });

  test('any secret in any place stays out, and without one the line is what pino writes', () => {
    const leaf = fc.constantFrom<unknown>('HERE', 'x HERE y', 'plain', 7, true, null);
    const tree = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'HERE'), tie('node'), { maxKeys: 3 }),
      ),
    })).node;
    const secret = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 8, maxLength: 30 }),
      fc.string({ unit: 'binary', minLength: 8, maxLength: 20 }),
    );
    const options: LoggerOptions = { base: { pid: 1 }, timestamp: () => ',"time":1' };
    fc.assert(
      fc.property(
        secret,
        fc.dictionary(fc.constantFrom('p', 'q', 'r'), tree),
        fc.constantFrom('x', 'HERE'),
        (text, fields, message) => {
          const value = text.trim();
          fc.pre(value.length >= 8 && !/HERE|REDACTED/.test(value));
          const known = createRedactor();
          known.add(value, 'vault:any');
          const put = <Value>(given: Value, by: string): Value =>
            JSON.parse(JSON.stringify(given).replaceAll('HERE', () => JSON.stringify(by).slice(1, -1)));
          const masked = tape();
          const plain = tape();
          const log = pino(redacted(known, options), masked.stream);
          log.info(put(fields, value), put(message, value));
          check(masked.lines);
          assertNoLeak(masked.lines, known);
          log.info(put(fields, 'harmless'), put(message, 'harmless'));
          pino(options, plain.stream).info(put(fields, 'harmless'), put(message, 'harmless'));
          expect(masked.lines[1]).toBe(plain.lines[0]);
        },
      ),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 200) },
    );
  });
});

test('masks what pino-http logs of requests to a real server', async () => {
  const pinoHttp = require('pino-http') as typeof import('pino-http').default;
  const stream = new PassThrough({ encoding: 'utf8' });
  let output = '';
  stream.on('data', (text) => {
    output += text;
  });
  const http = pinoHttp({ logger: (require('pino') as typeof Pino)(redacted(redactor), stream) });
  const server = createServer((request, response) => {
    http(request, response);
    request.log.info({ body: SECRET }, 'handling');
    response.setHeader('set-cookie', 'sid=abc').end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const headers = { authorization: `Basic ${btoa(`app:${SECRET}`)}`, cookie: 'sid=abc', 'x-trace': SECRET };
  const path = `/orders?key=${encodeURIComponent(SECRET)}`;
  const [response] = await once(get({ host: '127.0.0.1', port, path, headers }), 'response');
  response.resume();
  await once(response, 'end');
  await expect.poll(() => output).toContain('request completed');
  expect(output).toMatch(/"set-cookie":"\[REDACTED[^"]*"/);
  expect(output).not.toContain('sid=abc');
  assertNoLeak(output, redactor);
  server.close();
  await once(server, 'close');
});

test('something that is no redactor is refused when the logger is made', () => {
  expect(() => redacted({} as Redactor)).toThrow(expect.objectContaining({ code: 'invalid-config' }));
});
