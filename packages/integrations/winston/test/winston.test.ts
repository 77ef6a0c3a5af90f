import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { assertNoLeak, createRedactor, type Hit, type Redactor } from '@keyturn/redact';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger, format, type Logform, transports } from 'winston';
import Transport from 'winston-transport';
import { redaction } from '../src/index.js';

const SECRET = 'p@ss "word"/1';

/** A transport that takes the entry itself, as those for databases and log services do. */
class Entries extends Transport {
  readonly entries: Logform.TransformableInfo[] = [];
  override log(info: Logform.TransformableInfo, done: () => void): void {
    this.entries.push(info);
    done();
  }
}

let redactor: Redactor;
let hits: Hit[];
let folder: string;
beforeEach(() => {
  hits = [];
  redactor = createRedactor({ onHit: (hit) => hits.push(hit) });
  redactor.add(SECRET, 'vault:db');
  redactor.add('12345678', 'vault:pin');
  folder = mkdtempSync(join(tmpdir(), 'keyturn-winston-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function tape(...formats: Logform.Format[]) {
  const stream = new PassThrough({ encoding: 'utf8' });
  const entries = new Entries();
  const logger = createLogger({
    level: 'debug',
    format: format.combine(...formats),
    transports: [new transports.Stream({ stream, eol: '\n' }), entries],
  });
  return { logger, entries: entries.entries, written: () => String(stream.read() ?? '') };
}

/** Everything that a transport could read of an entry. */
function dump(entries: readonly object[]): string {
  const symbols = entries.map((entry) =>
    Object.getOwnPropertySymbols(entry).map((symbol) => (entry as Record<symbol, unknown>)[symbol]),
  );
  return JSON.stringify([entries, symbols]);
}

describe('the format', () => {
  test.each([
    ['json', [format.json()]],
    ['json with errors and a time', [format.errors({ stack: true }), format.timestamp(), format.json()]],
    ['simple', [format.simple()]],
    ['cli', [format.cli()]],
    ['pretty print', [format.prettyPrint()]],
    ['logstash', [format.logstash()]],
    [
      'printf',
      [format.printf(({ level, message, ...rest }) => `${level}|${message}|${JSON.stringify(rest)}`)],
    ],
    ['splat', [format.splat(), format.simple()]],
    ['metadata', [format.metadata(), format.json()]],
    ['no line', []],
  ])('masks the line and the fields: %s', (_, formats) => {
    const { logger, entries, written } = tape(...formats, redaction(redactor));
    logger.info(`text ${SECRET}`);
    logger.warn('fields', { a: [{ b: SECRET }], password: 'hunter2', pin: 12345678, [SECRET]: 1 });
    logger.error(new Error(SECRET, { cause: new Error(SECRET) }));
    logger.info('with an error', new Error(SECRET));
    logger.debug('one %s two', SECRET, { more: SECRET });
    logger.log({ level: 'info', message: SECRET, list: [SECRET] });
    logger.child({ bound: SECRET, token: 'x1' }).info('child');
    expect(entries).toHaveLength(7);
    const output = written() + dump(entries);
    assertNoLeak(output, redactor);
    expect(output).not.toMatch(/hunter2|"x1"/);
    expect(entries.map((entry) => entry[Symbol.for('level')])).toEqual([
      'info',
      'warn',
      'error',
      'info',
      'debug',
      'info',
      'info',
    ]);
    expect(hits).toContainEqual({ ref: 'vault:db', sink: 'winston' });
  });

  test('keeps a line of JSON one, also where a number was masked', () => {
    const { logger, written } = tape(format.json(), redaction(redactor));
    logger.info('x', { pin: 12345678, n: 5 });
    expect(JSON.parse(written())).toEqual({ level: 'info', message: 'x', pin: '[REDACTED]', n: 5 });
  });

  test('changes nothing that it is given', () => {
    const { logger } = tape(format.json(), redaction(redactor));
    const meta = { a: { b: SECRET }, password: 'x1' };
    const given = { level: 'info', message: SECRET, meta };
    logger.info('x', meta);
    logger.info(given);
    expect(given).toMatchObject({ message: SECRET, meta: { a: { b: SECRET }, password: 'x1' } });
  });

  test('keeps splat, the level that routes, and levels of the application', () => {
    const entries = new Entries({ level: 'loud' });
    const logger = createLogger({
      levels: { loud: 0, quiet: 1 },
      format: format.combine(format.json(), redaction(redactor)),
      transports: [entries],
    });
    logger.log('quiet', SECRET);
    logger.log('loud', 'x', { a: SECRET }, 7);
    expect(entries.entries).toHaveLength(1);
    expect(entries.entries[0]?.[Symbol.for('splat')]).toEqual([{ a: '[REDACTED]' }, 7]);
  });

  test('a transport that formats again has only masked fields to format', () => {
    const stream = new PassThrough({ encoding: 'utf8' });
    const logger = createLogger({
      format: redaction(redactor),
      transports: [new transports.Stream({ stream, format: format.combine(format.splat(), format.json()) })],
    });
    logger.info('a %s', SECRET, { authorization: 'x1' });
    const line = String(stream.read());
    expect(JSON.parse(line)).toEqual({ level: 'info', message: 'a [REDACTED]', authorization: '[REDACTED]' });
  });

  test('something that is no redactor is refused when the format is made', () => {
    expect(() => redaction({} as Redactor)).toThrow(expect.objectContaining({ code: 'invalid-config' }));
  });
});

describe('real transports', () => {
  test('a file', async () => {
    const filename = join(folder, 'log');
    const file = new transports.File({ filename });
    const logger = createLogger({
      format: format.combine(format.json(), redaction(redactor)),
      transports: [file],
    });
    for (let line = 0; line < 20; line++) logger.info(`line ${line}`, { password: SECRET, text: SECRET });
    const finished = once(file, 'finish');
    logger.end();
    await finished;
    await expect.poll(() => readFileSync(filename, 'utf8').split('\n')).toHaveLength(21);
    const lines = readFileSync(filename, 'utf8');
    expect(JSON.parse(lines.split('\n')[19] as string)).toMatchObject({
      message: 'line 19',
      text: '[REDACTED]',
    });
    assertNoLeak(lines, redactor);
  });

  test('a server, to which the fields are sent', async () => {
    const bodies: string[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const piece of request) body += piece;
      bodies.push(body);
      response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const logger = createLogger({
      format: format.combine(format.json(), redaction(redactor)),
      transports: [new transports.Http({ host: '127.0.0.1', port })],
    });
    logger.info('to the server', { a: { b: SECRET }, password: 'hunter2' });
    await expect.poll(() => bodies).toHaveLength(1);
    server.close();
    expect(bodies[0]).toContain('to the server');
    expect(bodies[0]).toContain('[REDACTED]');
    expect(bodies[0]).not.toContain('hunter2');
    assertNoLeak(bodies, redactor);
  });

  test.each(['exception', 'rejection'])('the console, with an uncaught %s', (kind) => {
    const url = (path: string): string =>
      JSON.stringify(pathToFileURL(fileURLToPath(new URL(path, import.meta.url))).href);
    const source = `
      import { createRedactor } from ${url('../../../redact/src/index.ts')};
      import { redaction } from ${url('../src/index.ts')};
      import winston from 'winston';
      const secret = ${JSON.stringify(SECRET)};
      const redactor = createRedactor();
      redactor.add(secret, 'vault:db');
      const console = new winston.transports.Console({ handleExceptions: true, handleRejections: true });
      winston.createLogger({ format: winston.format.combine(winston.format.json(), redaction(redactor)), transports: [console] }).info(secret);
      ${kind === 'exception' ? "setImmediate(() => { throw new Error('thrown ' + secret); });" : "Promise.reject(new Error('thrown ' + secret));"}`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', source],
      { cwd: fileURLToPath(new URL('../../../..', import.meta.url)), encoding: 'utf8' },
    );
    const [first, second] = stdout.trim().split('\n');
    expect(JSON.parse(first as string), stderr).toEqual({ level: 'info', message: '[REDACTED]' });
    expect(JSON.parse(second as string)).toMatchObject({
      level: 'error',
      message: expect.stringContaining('thrown [REDACTED]'),
    });
    assertNoLeak(stdout + stderr, redactor);
  });
});

test('any secret in any place stays out, and without one the line is as before', () => {
  const tree = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<unknown>('HERE', 'x HERE y', 'plain', 7, true, null),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'HERE'), tie('node'), { maxKeys: 3 }),
    ),
  })).node;
  const secret = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 8, maxLength: 30 }),
    fc.string({ unit: 'binary', minLength: 8, maxLength: 20 }),
  );
  const formats = {
    json: format.json(),
    simple: format.simple(),
    splat: format.combine(format.splat(), format.simple()),
  };
  fc.assert(
    fc.property(
      secret,
      fc.dictionary(fc.constantFrom('p', 'q', 'r'), tree),
      fc.constantFrom('x', 'HERE', '%s HERE %j'),
      fc.constantFrom(...Object.values(formats)),
      (text, fields, message, given) => {
        const value = text.trim();
        fc.pre(value.length >= 8 && !/HERE|REDACTED/.test(value));
        const known = createRedactor();
        known.add(value, 'vault:any');
        const put = <Value>(whole: Value, by: string): Value =>
          JSON.parse(JSON.stringify(whole).replaceAll('HERE', () => JSON.stringify(by).slice(1, -1)));
        const masked = tape(given, redaction(known));
        const plain = tape(given);
        masked.logger.info(put(message, value), put(fields, value));
        assertNoLeak(masked.written() + dump(masked.entries), known);
        masked.logger.info(put(message, 'harmless'), put(fields, 'harmless'));
        plain.logger.info(put(message, 'harmless'), put(fields, 'harmless'));
        expect(masked.written()).toBe(plain.written());
        expect(dump(masked.entries.slice(1))).toBe(dump(plain.entries));
      },
    ),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 200) },
  );
});
