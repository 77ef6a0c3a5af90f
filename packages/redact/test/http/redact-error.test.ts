import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { redactError } from '../../src/http.js';
import { assertNoLeak, createRedactor } from '../../src/index.js';

class HttpError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly fields: object = {},
  ) {
    super(message);
    Object.assign(this, fields);
  }
}

const SECRET = 'correct-horse-battery';
const redactor = createRedactor();
redactor.add(SECRET, 'vault:db#password');

test('an error loses its secrets and nothing else', () => {
  const cause = new TypeError(`cause ${SECRET}`);
  const headers = {
    'Retry-After': '120',
    'WWW-Authenticate': 'Basic realm="a"',
    'Set-Cookie': `x=${SECRET}`,
  };
  const error = new HttpError(`no ${SECRET}`, 401, {
    statusCode: 401,
    expose: true,
    headers,
    url: `/?${SECRET}`,
  });
  error.cause = cause;
  const copy = redactError(error, redactor) as HttpError & {
    statusCode: number;
    expose: boolean;
    headers: object;
  };
  assertNoLeak(
    [inspect(copy, { depth: 9, showHidden: true }), String(copy.stack), JSON.stringify(copy)],
    redactor,
  );
  expect(copy).toBeInstanceOf(HttpError);
  expect(copy).not.toBe(error);
  expect(copy.cause).toBeInstanceOf(TypeError);
  expect([copy.message, copy.status, copy.statusCode, copy.expose]).toEqual([
    'no [REDACTED]',
    401,
    401,
    true,
  ]);
  expect(copy.headers).toEqual({ ...headers, 'Set-Cookie': 'x=[REDACTED]' });
  expect(error.message).toContain(SECRET);
});

test.each([
  [`text ${SECRET}`, 'text [REDACTED]'],
  [null, null],
  [undefined, undefined],
  [5, 5],
])('what is thrown and no error: %j', (thrown, expected) => {
  expect(redactError(thrown, redactor)).toBe(expected);
});

test('an aborted operation can still be told', () => {
  const copy = redactError(AbortSignal.abort().reason, redactor) as Error;
  expect([copy.name, copy instanceof DOMException]).toEqual(['AbortError', true]);
});
