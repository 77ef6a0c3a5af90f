import { createRequire } from 'node:module';
import { format } from 'node:util';
import type { Debug } from 'debug';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { assertNoLeak, createRedactor, guardDebug, type Redactor } from '../src/index.js';
import { secretText, writtenForms } from './support/arbitrary-text.js';

const require = createRequire(import.meta.url);
const SECRET = 'the-database-password';

function redactorOf(secret: string): Redactor {
  const redactor = createRedactor();
  redactor.add(secret, 'vault:db');
  return redactor;
}

describe.each(['debug', 'debug-3'])('%s', (name) => {
  const debug = require(name) as Debug;
  const originalLog = debug.log;
  const originalEnv = process.env.DEBUG;
  let lines: string[];
  let undo: () => void = () => {};

  beforeEach(() => {
    lines = [];
    debug.enable('app:*');
    debug.log = (...args) => lines.push(format(...args));
  });
  afterEach(() => {
    undo();
    debug.log = originalLog;
    debug.disable();
    if (originalEnv !== undefined) process.env.DEBUG = originalEnv;
  });
  const guard = (redactor = redactorOf(SECRET)): void => {
    undo = guardDebug(redactor, debug);
  };
  /** Without the time in front or behind. */
  const shown = (): string[] =>
    lines.splice(0).map((line) => line.replace(/^\S+Z /, '').replace(/\+\d+ms/, '+0ms'));

  test.each([
    [['login %s', SECRET], 'app:db login [REDACTED]'],
    [['%O', { password: 'hunter2', user: 'app' }], "app:db { password: '[REDACTED]', user: 'app' }"],
    [['%o', { a: [SECRET] }], "app:db { a: [ '[REDACTED]' ] }"],
    [['rest', { password: 'hunter2' }], "app:db rest { password: '[REDACTED]' }"],
    [[{ token: 'x1' }], "app:db { token: '[REDACTED]' }"],
    [['%j', { [`${SECRET}!`]: 1 }], 'app:db {"[REDACTED]!":1}'],
    [['%d%%', 5], 'app:db 5%'],
  ] as [[unknown, ...unknown[]], string][])('masks %j', (args, expected) => {
    guard();
    debug('app:db')(...args);
    expect(shown()).toEqual([expected]);
  });

  test('masks errors, namespaces and colored lines', () => {
    guard();
    const colored = debug('app:colored');
    (colored as { useColors?: boolean }).useColors = true;
    colored('one %s\ntwo %O', SECRET, { password: 'x1' });
    debug(`app:${SECRET}`)('three');
    debug('app:error')(new Error(SECRET));
    const [first, second, third] = shown();
    expect(first).toMatch(/app:colored .*one \[REDACTED\]\n.*app:colored .*two .*\[REDACTED\]/);
    expect(second).toBe('app:[REDACTED] three');
    expect(third).toMatch(/^app:error .*Error: \[REDACTED\]\n/);
    assertNoLeak([first, second, third] as string[], [SECRET]);
  });

  test('masks a log that a namespace has of its own, and formatters of the application', () => {
    debug.formatters.k = (value) => `<${value}>`;
    guard();
    const own: string[] = [];
    const db = debug('app:own');
    db.log = (...args) => own.push(format(...args));
    db('%k and %s', SECRET, SECRET);
    debug.formatters.late = (value) => `<${value}>`;
    delete debug.formatters.k;
    expect(lines).toEqual([]);
    expect(own.join()).toMatch(/app:own <\[REDACTED\]> and \[REDACTED\]/);
  });

  test('prints nothing where it is disabled, and everything after the undo', () => {
    guard();
    debug('other')(SECRET);
    expect(lines).toEqual([]);
    undo();
    undo();
    debug('app:db')(SECRET);
    expect(shown()).toEqual([`app:db ${SECRET}`]);
  });

  test('any secret in any argument stays out; the rest is printed as before', () => {
    const message = fc.constantFrom('plain', 'SECRET', '%s SECRET', '%O', '%o and %s', '%j%d');
    const argument = fc.constantFrom<unknown>('SECRET', { a: 'SECRET' }, ['x', { b: ['SECRET'] }], 5, null);
    fc.assert(
      fc.property(
        secretText,
        message,
        fc.array(argument, { maxLength: 3 }),
        fc.nat(8),
        (text, first, rest, form) => {
          const secret = text.trim();
          fc.pre(secret.length >= 12 && !/REDACTED/.test(secret));
          const redactor = redactorOf(secret);
          const put = (value: unknown, by: string): unknown =>
            JSON.parse(JSON.stringify(value), (_, part) =>
              typeof part === 'string' ? part.replaceAll('SECRET', () => by) : part,
            );
          const print = (by: string): void =>
            debug('app:any')(put(first, by), ...rest.map((one) => put(one, by)));
          print('harmless');
          const [plain] = shown();
          undo = guardDebug(redactor, debug);
          print('harmless');
          expect(shown()).toEqual([plain]);
          print(writtenForms(secret, 0)[form] as string);
          assertNoLeak(shown(), redactor);
          undo();
        },
      ),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 200) },
    );
  });
});
