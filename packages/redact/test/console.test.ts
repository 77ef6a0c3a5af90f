import { spawnSync } from 'node:child_process';
import { Console } from 'node:console';
import { PassThrough } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assertNoLeak, createRedactor, guardConsole, type Hit, type Redactor } from '../src/index.js';
import { secretText, writtenForms } from './support/arbitrary-text.js';

const SECRET = 'the-database-password';

/** A console over streams, and what it has written. */
function taped() {
  const stream = new PassThrough();
  const console = new Console({ stdout: stream, stderr: stream });
  const written = () => {
    // Some versions of Node give all that has come, others a piece each time.
    let text = '';
    for (let piece = stream.read(); piece !== null; piece = stream.read()) text += piece;
    return text;
  };
  return { console, written };
}

function redactorOf(...secrets: string[]): Redactor {
  const redactor = createRedactor();
  for (const [index, secret] of secrets.entries()) redactor.add(secret, `vault:${index}`);
  return redactor;
}

class Account {
  name = 'app';
  #balance = 3;
  get balance() {
    return this.#balance;
  }
}

/** Calls of every method, with arguments of every kind; nothing in them is secret. */
const HARMLESS: [string, (console: Console) => void][] = [
  ['nothing', (console) => console.log()],
  [
    'specifiers',
    (console) => console.log('%s is %d%% of %i, %f, %j %o %O %c!', 'a', 5, 7.9, 1.5, { a: 1 }, [1], {}, 'x'),
  ],
  ['too few arguments', (console) => console.log('%s and %s', 'one')],
  [
    'too many',
    (console) => console.log('one', 'two %s', { three: 3 }, [4], null, undefined, 5n, Symbol('six')),
  ],
  [
    'an instance, a function, a proxy',
    (console) => console.info(new Account(), taped, new Proxy({ a: 1 }, {})),
  ],
  [
    'bytes, dates, maps',
    (console) => console.debug(Buffer.from('ab'), new Date(0), new Map([[1, new Set([2])]])),
  ],
  [
    'a getter',
    (console) =>
      console.log(
        {
          get password() {
            return 'x';
          },
        }.constructor.name,
        {
          get a() {
            return 1;
          },
        },
      ),
  ],
  [
    'an error with a cause',
    (console) => console.error(new Error('a', { cause: new TypeError('b') }).message),
  ],
  [
    'a circle',
    (console) => {
      const a: { self?: unknown } = {};
      a.self = a;
      console.warn(a);
    },
  ],
  [
    'groups',
    (console) => {
      console.group('one');
      console.log('two\nthree');
      console.groupEnd();
      console.log('four');
    },
  ],
  [
    'a collapsed group',
    (console) => {
      console.groupCollapsed();
      console.log({ a: 1 });
      console.groupEnd();
    },
  ],
  [
    'tables',
    (console) => {
      console.table([{ a: 1, b: 2 }], ['a']);
      console.table('x');
    },
  ],
  [
    'dir',
    (console) => {
      console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 });
      console.dir('text');
      console.dirxml({ a: 1 });
    },
  ],
  [
    'asserts',
    (console) => {
      console.assert(true, 'no');
      console.assert(false);
      console.assert(false, '%s', 'yes');
      console.assert(0, '%o', { a: 1 });
    },
  ],
  [
    'counts',
    (console) => {
      console.count('x');
      console.countReset('x');
      console.count('x');
    },
  ],
];

describe('a guarded console', () => {
  test.each(HARMLESS)('prints what is harmless as before: %s', (_, call) => {
    const plain = taped();
    call(plain.console);
    const guarded = taped();
    guardConsole(redactorOf(SECRET), guarded.console);
    call(guarded.console);
    expect(guarded.written()).toBe(plain.written());
  });

  test.each([
    ['a text', (console: Console) => console.log(`login ${SECRET}`), 'login [REDACTED]\n'],
    [
      'a specifier',
      (console: Console) => console.log('login %s %j', SECRET, { a: [SECRET] }),
      'login [REDACTED] {"a":["[REDACTED]"]}\n',
    ],
    [
      'what two arguments make together',
      (console: Console) => console.log('%s%s', 'the-database', '-password'),
      '[REDACTED]\n',
    ],
    [
      'a key',
      (console: Console) => console.log({ a: { dbPassword: 'hunter2' } }),
      "{ a: { dbPassword: '[REDACTED]' } }\n",
    ],
    [
      'a key, by %o and %O',
      (console: Console) => console.log('%O', { pin: 1234 }),
      "{ pin: '[REDACTED]' }\n",
    ],
    [
      'bytes',
      (console: Console) => console.log({ key: Buffer.from(SECRET) }),
      "{ key: '[Buffer: 21 bytes]' }\n",
    ],
    [
      'a symbol',
      (console: Console) => console.log({ [Symbol(SECRET)]: 1 }),
      /^\{ \[?Symbol\(\[REDACTED\]\)\]?: 1 \}\n$/,
    ],
    ['a promise', (console: Console) => console.info(Promise.resolve(SECRET)), "Promise { '[REDACTED]' }\n"],
    [
      'a table',
      (console: Console) => console.table([{ token: 'x1' }]),
      /│ \(index\) │ token +│[\s\S]*│ '\[REDACTED\]' │/,
    ],
    [
      'dir',
      (console: Console) => console.dir({ a: { b: { c: { [Symbol.for('d')]: SECRET } } } }, { depth: 9 }),
      /\[?Symbol\(d\)\]?: '\[REDACTED\]'/,
    ],
    ['a group', (console: Console) => console.group(SECRET), '[REDACTED]\n'],
    [
      'an assertion',
      (console: Console) => console.assert(false, 'bad %s', SECRET),
      'Assertion failed: bad [REDACTED]\n',
    ],
    [
      'a trace',
      (console: Console) => console.trace('at', { password: SECRET }),
      /^Trace: at \{ password: '\[REDACTED\]' \}\n {4}at /,
    ],
    ['a counter', (console: Console) => console.count(SECRET), '[REDACTED]: 1\n'],
  ])('masks %s', (_, call, expected) => {
    const { console, written } = taped();
    guardConsole(redactorOf(SECRET), console);
    call(console);
    const output = written();
    expect(output).toMatch(expected);
    assertNoLeak(output, [SECRET]);
  });

  test('masks an error with its cause and its class kept', () => {
    const { console, written } = taped();
    guardConsole(redactorOf(SECRET), console);
    console.error(new TypeError(`one ${SECRET}`, { cause: new Error(`two ${SECRET}`) }));
    const output = written();
    expect(output).toMatch(/^TypeError: one \[REDACTED\]\n[\s\S]*\[cause\]: Error: two \[REDACTED\]\n/);
    assertNoLeak(output, [SECRET]);
  });

  test('masks what a timer prints, and not its name', () => {
    const { console, written } = taped();
    guardConsole(redactorOf(SECRET), console);
    console.time('timer');
    console.timeLog('timer', { password: 'x1' }, SECRET);
    console.timeEnd('timer');
    expect(written()).toMatch(/^timer: .* \{ password: '\[REDACTED\]' \} \[REDACTED\]\ntimer: .*\n$/);
  });

  test('changes nothing in what it is given', () => {
    const { console } = taped();
    guardConsole(redactorOf(SECRET), console);
    const given = { password: SECRET, list: [SECRET] };
    console.log(given);
    expect(given).toEqual({ password: SECRET, list: [SECRET] });
  });

  test('guarded twice masks once and reports once; undone in any order', () => {
    const { console, written } = taped();
    const hits: Hit[] = [];
    const redactor = createRedactor({ showRef: true, onHit: (hit) => hits.push(hit) });
    redactor.add(SECRET, 'vault:db');
    const plain = console.log;
    const undoFirst = guardConsole(redactor, console);
    const undoSecond = guardConsole(redactor, console);
    console.log('%s', SECRET);
    expect(written()).toBe('[REDACTED vault:db]\n');
    expect(hits).toEqual([{ ref: 'vault:db', sink: 'console' }]);
    undoFirst();
    console.log(SECRET);
    expect(written()).toBe('[REDACTED vault:db]\n');
    undoSecond();
    undoSecond();
    console.log(SECRET);
    expect(written()).toBe(`${SECRET}\n`);
    expect(console.log).not.toBe(plain);
  });

  test('the undo puts the methods back that nobody has wrapped since', () => {
    const { console } = taped();
    const plain = { ...console };
    guardConsole(redactorOf(), console)();
    expect({ ...console }).toEqual(plain);
  });

  test('an argument that throws when it is printed throws to its author', () => {
    const { console } = taped();
    guardConsole(redactorOf(SECRET), console);
    const thrower = {
      [Symbol.for('nodejs.util.inspect.custom')]() {
        throw new RangeError('mine');
      },
    };
    expect(() => console.log(thrower)).toThrow('mine');
  });

  test('any secret anywhere in any nesting stays out; what holds none is printed as before', () => {
    const tree = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom('HERE', 'plain', 7, null, true),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'HERE'), tie('node'), { maxKeys: 3 }),
      ),
    })).node;
    const method = fc.constantFrom(
      'log' as const,
      'error' as const,
      'dir' as const,
      'table' as const,
      'group' as const,
    );
    fc.assert(
      fc.property(
        secretText,
        fc.array(tree, { minLength: 1, maxLength: 3 }),
        method,
        fc.nat(8),
        (secret, args, name, form) => {
          const put = (value: unknown, text: string): unknown =>
            JSON.parse(JSON.stringify(value), (_, part) =>
              part === 'HERE'
                ? text
                : part !== null && typeof part === 'object' && 'HERE' in part
                  ? { ...part, [text]: 1 }
                  : part,
            );
          const trimmed = secret.trim();
          fc.pre(trimmed.length >= 12 && !/HERE|REDACTED/.test(trimmed));
          const redactor = redactorOf(trimmed);
          const guarded = taped();
          guardConsole(redactor, guarded.console);
          const plain = taped();
          const print = (console: Console, values: unknown[]): void =>
            name === 'dir' || name === 'table'
              ? console[name](values[0], undefined as never)
              : console[name](...values);
          print(
            guarded.console,
            args.map((arg) => put(arg, writtenForms(trimmed, 0)[form] as string)),
          );
          assertNoLeak(guarded.written(), redactor);
          const harmless = args.map((arg) => put(arg, 'harmless'));
          guarded.console.groupEnd();
          print(guarded.console, harmless);
          print(plain.console, harmless);
          expect(guarded.written()).toBe(plain.written());
        },
      ),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 200) },
    );
  });
});

test('the global console is guarded, for stdout as for an inspector', () => {
  const entry = pathToFileURL(fileURLToPath(new URL('../src/index.ts', import.meta.url))).href;
  const source = `
    import { Session } from 'node:inspector';
    import { createRedactor, guardConsole } from ${JSON.stringify(entry)};
    const session = new Session();
    session.connect();
    const seen = [];
    session.on('Runtime.consoleAPICalled', ({ params }) => seen.push(JSON.stringify(params.args)));
    session.post('Runtime.enable');
    const redactor = createRedactor();
    redactor.add('${SECRET}', 'vault:db');
    const undo = guardConsole(redactor);
    console.log('one', { password: '${SECRET}' });
    console.assert(false, '${SECRET}');
    undo();
    console.log('events', seen.length, seen.join().includes('database'));
  `;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', source],
    { cwd: fileURLToPath(new URL('../../..', import.meta.url)), encoding: 'utf8' },
  );
  expect(stderr).toBe('Assertion failed: [REDACTED]\n');
  expect(stdout).toMatch(/^one \{ password: '\[REDACTED\]' \}\nevents [2-9] false\n$/);
});
