import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createRedactor } from '../src/index.js';

const redactor = createRedactor();
redactor.add('the-database-password', 'vault:db#password');
redactor.add('48151623', 'vault:door#pin');
const masked = (value: unknown) => redactor.redactObject(value);

describe('an object is masked by its keys', () => {
  test.each([
    'password',
    'Password',
    'PASSWORD',
    'db_password',
    'dbPassword',
    'pgpassword',
    'passwd',
    'passphrase',
    'secret',
    'clientSecret',
    'client-secret',
    'token',
    'accessToken',
    'refresh_token',
    'x-vault-token',
    'X-Api-Key',
    'apiKey',
    'API_KEY',
    'api.key',
    'authorization',
    'Proxy-Authorization',
    'cookie',
    'Set-Cookie',
    'cookies',
    'privateKey',
    'private_key',
    'secretAccessKey',
    'awsSecretAccessKey',
    'credentials',
    'jwt',
    'sessionId',
    'pin',
    'otp',
    'cvv',
    'secret_id',
    'encryptionKey',
    'connectionString',
    'dsn',
  ])('%s', (key) => {
    expect(masked({ [key]: 'anything' })).toEqual({ [key]: '[REDACTED]' });
    expect(masked({ deep: [{ [key]: { whole: 'object' } }] })).toEqual({ deep: [{ [key]: '[REDACTED]' }] });
    expect(masked(new Map([[key, 'anything']]))).toEqual(new Map([[key, '[REDACTED]']]));
  });

  test.each([
    'user',
    'tokenType',
    'token_count',
    'maxTokens',
    'prompt_tokens',
    'nextPageToken',
    'cancelToken',
    'secretName',
    'passwordResetUrl',
    'publicKey',
    'keyboard',
    'author',
    'passenger',
    'compass',
    'pinned',
    'cookieBanner',
    'status',
  ])('%s stays', (key) => {
    expect(masked({ [key]: 'anything' })).toEqual({ [key]: 'anything' });
  });

  test('whether there is a value is no secret', () => {
    const value = { password: null, token: undefined, secret: '', apiKey: false, pin: 0 };
    expect(masked(value)).toEqual({ ...value, pin: '[REDACTED]' });
  });

  test('headers in all the ways in which they are kept', () => {
    expect(
      masked({
        headers: { Authorization: 'Bearer x', Host: 'a' },
        pairs: [
          ['authorization', 'Bearer x'],
          ['host', 'a'],
        ],
        rawHeaders: ['Host', 'a', 'Cookie', 'id=5'],
        har: [
          { name: 'Cookie', value: 'id=5' },
          { name: 'Host', value: 'a' },
        ],
        fetch: new Headers({ authorization: 'Bearer x', host: 'a' }),
      }),
    ).toEqual({
      headers: { Authorization: '[REDACTED]', Host: 'a' },
      pairs: [
        ['authorization', '[REDACTED]'],
        ['host', 'a'],
      ],
      rawHeaders: ['Host', 'a', 'Cookie', '[REDACTED]'],
      har: [
        { name: 'Cookie', value: '[REDACTED]' },
        { name: 'Host', value: 'a' },
      ],
      fetch: { authorization: '[REDACTED]', host: 'a' },
    });
  });

  test('URLs and query strings', () => {
    expect(
      masked({
        url: new URL('postgres://app:p%40ss@db/orders?sslpassword=x&sslmode=require'),
        text: 'GET /callback?code=1&access_token=abc HTTP/1.1',
        query: new URLSearchParams({ api_key: 'abc', page: '2' }),
      }),
    ).toEqual({
      url: 'postgres://app:[REDACTED]@db/orders?sslpassword=[REDACTED]&sslmode=require',
      text: 'GET /callback?code=1&access_token=[REDACTED] HTTP/1.1',
      query: 'api_key=[REDACTED]&page=2',
    });
  });

  test('names of one’s own, in objects and in JSON', () => {
    const own = createRedactor({ keys: ['taxId', 'national_id'] });
    expect(
      own.redactObject({ tax_id: '1', 'Tax-Id': '2', taxId: '3', nationalId: '4', taxIdType: 'x' }),
    ).toEqual({
      tax_id: '[REDACTED]',
      'Tax-Id': '[REDACTED]',
      taxId: '[REDACTED]',
      nationalId: '[REDACTED]',
      taxIdType: 'x',
    });
    expect(own.redact('{"taxId":"1","nationalId":"2"}')).toBe(
      '{"taxId":"[REDACTED]","nationalId":"[REDACTED]"}',
    );
  });
});

describe('an object is masked by path', () => {
  test('through keys, indexes, wildcards and odd names', () => {
    const own = createRedactor({
      paths: ['user.ssn', 'cards[*].number', '*.note', 'list[1]', 'headers["x.y"]', "['a b'].c"],
    });
    expect(
      own.redactObject({
        user: { ssn: '1', name: 'n', note: 'x' },
        ssn: 'top',
        cards: [{ number: 'a', kind: 'k' }, { number: 'b' }],
        list: ['a', 'b', 'c'],
        headers: { 'x.y': 'z', x: 'w' },
        'a b': { c: 'd' },
        map: new Map([['note', 'q']]),
      }),
    ).toEqual({
      user: { ssn: '[REDACTED]', name: 'n', note: '[REDACTED]' },
      ssn: 'top',
      cards: [{ number: '[REDACTED]', kind: 'k' }, { number: '[REDACTED]' }],
      list: ['a', '[REDACTED]', 'c'],
      headers: { 'x.y': '[REDACTED]', x: 'w' },
      'a b': { c: '[REDACTED]' },
      map: new Map([['note', '[REDACTED]']]),
    });
  });

  test('an object that is in two places is masked only where the path leads', () => {
    const own = createRedactor({ paths: ['a.x'] });
    const shared = { x: 1 };
    expect(own.redactObject({ a: shared, b: shared })).toEqual({ a: { x: '[REDACTED]' }, b: { x: 1 } });
  });

  test.each(['', '.a', 'a..b', 'a[', 'a[b]', 'a["b"'])('%j is refused', (path) => {
    expect(() => createRedactor({ paths: [path] })).toThrow(
      expect.objectContaining({ code: 'invalid-config' }),
    );
  });
});

describe('every string in an object is masked', () => {
  test('values, keys, and numbers that are a known value', () => {
    expect(
      masked({
        a: 'x the-database-password',
        'the-database-password is here': 1,
        n: 48_151_623,
        b: 48_151_623n,
        m: 48_151_624,
      }),
    ).toEqual({
      a: 'x [REDACTED]',
      '[REDACTED] is here': 1,
      n: '[REDACTED]',
      b: '[REDACTED]',
      m: 48_151_624,
    });
  });

  test('errors keep their class, with message, stack, cause and parts masked', () => {
    class QueryError extends Error {
      override name = 'QueryError';
      code = '28P01';
      config = { password: 'x', host: 'db' };
    }
    const cause = new TypeError('inner the-database-password');
    const error = new AggregateError(
      [new QueryError('one the-database-password', { cause })],
      'all the-database-password',
    );
    const copy = masked(error) as AggregateError;
    expect(copy).toBeInstanceOf(AggregateError);
    expect(copy.message).toBe('all [REDACTED]');
    const [first] = copy.errors as QueryError[];
    expect(first).toBeInstanceOf(QueryError);
    expect(first).toMatchObject({
      name: 'QueryError',
      code: '28P01',
      config: { password: '[REDACTED]', host: 'db' },
    });
    expect(first?.cause).toBeInstanceOf(TypeError);
    expect(inspect(copy, { depth: 9, showHidden: true })).not.toContain('the-database-password');
    expect(inspect(copy)).toContain('redact-object.test.ts');
    expect(Object.keys(copy)).toEqual(Object.keys(error));
    expect(error.message).toBe('all the-database-password');
  });

  test('an error whose cause is itself, and one that throws when it is read', () => {
    const circular = new Error('a');
    circular.cause = circular;
    expect((masked(circular) as Error).cause).toBe('[Circular]');
    const hostile = new Error('b');
    Object.defineProperty(hostile, 'message', {
      get: () => {
        throw new Error('no');
      },
    });
    expect((masked(hostile) as Error).message).toBe('[Unreadable]');
  });

  test('a DOMException', () => {
    const copy = masked(new DOMException('x the-database-password', 'DataError')) as DOMException;
    expect(copy.message).toBe('x [REDACTED]');
    expect(copy.name).toBe('DataError');
  });
});

describe('what cannot be copied', () => {
  test('binary data shows its size only', () => {
    const bytes = Buffer.from('the-database-password');
    expect(
      masked({
        bytes,
        array: new Uint8Array(bytes),
        buffer: new ArrayBuffer(8),
        view: new DataView(new ArrayBuffer(4)),
        floats: new Float64Array(2),
      }),
    ).toEqual({
      bytes: '[Buffer: 21 bytes]',
      array: '[Uint8Array: 21 bytes]',
      buffer: '[ArrayBuffer: 8 bytes]',
      view: '[DataView: 4 bytes]',
      floats: '[Float64Array: 16 bytes]',
    });
  });

  test('keys, functions and promises show what they are', () => {
    const key = createPrivateKey(
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
    );
    expect(masked({ key, run: () => 'x', later: Promise.resolve('x'), weak: new WeakMap() })).toEqual({
      key: '[Key]',
      run: '[Function]',
      later: '[Promise]',
      weak: '[Weak]',
    });
  });

  test('getters are not called', () => {
    let calls = 0;
    class Lazy {
      shown = 'x';
      get secretValue() {
        calls++;
        return 'the-database-password';
      }
    }
    const plain = {
      get value() {
        calls++;
        return 'y';
      },
    };
    expect(masked({ lazy: new Lazy(), plain })).toEqual({
      lazy: { shown: 'x' },
      plain: { value: '[Getter]' },
    });
    expect(calls).toBe(0);
  });

  test('an instance shows what toJSON says, masked; else its own data', () => {
    class Secret {
      readonly #value = 'hidden';
      toJSON() {
        return `Secret(${this.#value.length}) the-database-password`;
      }
    }
    class Point {
      constructor(
        readonly x: number,
        readonly token: string,
      ) {}
    }
    expect(masked([new Secret(), new Point(1, 't')])).toEqual([
      'Secret(6) [REDACTED]',
      { x: 1, token: '[REDACTED]' },
    ]);
    expect(masked({ date: new Date(0) })).toEqual({ date: new Date(0) });
  });

  test('what throws when it is looked at does not stop the rest', () => {
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    const broken = {
      toJSON() {
        throw new Error('no');
      },
    };
    expect(masked({ revoked: revoked.proxy, broken, ok: 1 })).toEqual({
      revoked: '[Unreadable]',
      broken: '[Unreadable]',
      ok: 1,
    });
  });

  test('a key named __proto__ stays a key', () => {
    const copy = masked(JSON.parse('{"__proto__":{"polluted":true},"a":1}')) as Record<string, unknown>;
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(Object.keys(copy)).toEqual(['__proto__', 'a']);
  });
});

describe('limits', () => {
  test('circles end, and an object in two places is copied once', () => {
    const circle: Record<string, unknown> = { name: 'c' };
    circle.self = circle;
    const shared = { a: 1 };
    expect(masked(circle)).toEqual({ name: 'c', self: '[Circular]' });
    const copy = masked({ one: shared, two: shared }) as { one: object; two: object };
    expect(copy.one).toBe(copy.two);
  });

  test('depth', () => {
    const shallow = createRedactor({ maxDepth: 2 });
    expect(shallow.redactObject({ a: { b: { c: 1 }, d: [1] } })).toEqual({
      a: { b: '[Object]', d: '[Array]' },
    });
  });

  test('size', () => {
    const small = createRedactor({ maxEntries: 3 });
    expect(small.redactObject([1, 2, 3, 4, 5])).toEqual([1, 2, 3, '[Truncated]']);
    expect(small.redactObject({ a: 1, b: 2, c: 3, d: 4 })).toEqual({ a: 1, b: 2, c: 3, '[Truncated]': true });
  });

  test('the input is not changed', () => {
    const value = Object.freeze({
      password: 'x',
      list: Object.freeze(['the-database-password']),
      map: new Map([['token', 'y']]),
    });
    const before = inspect(value, { depth: 9 });
    masked(value);
    expect(inspect(value, { depth: 9 })).toBe(before);
  });
});
