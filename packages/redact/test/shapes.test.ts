import { describe, expect, test } from 'vitest';
import { createRedactor } from '../src/index.js';
import { TOKEN_TABLE } from '../src/shapes/token-table.js';
import { armour, armoured } from './support/armour.js';
import { HARMLESS } from './support/harmless-lines.js';
import { lot, makeToken } from './support/make-token.js';
import { VENDOR_FORMATS } from './support/vendor-formats.js';

const redactor = createRedactor();
const draw = lot(1);

describe('the table of token shapes', () => {
  test('has each id once', () => {
    const ids = TOKEN_TABLE.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test.each(TOKEN_TABLE.map((shape) => [shape.id, shape] as const))(
    '%s: its example is masked',
    (_, shape) => {
      for (let count = 0; count < 20; count++) {
        const token = makeToken(shape.example, draw);
        const masked = redactor.redact(`upstream refused ${token} for tenant 7`);
        expect(masked).not.toContain(token);
        expect(masked).toMatch(/^upstream refused \S*\[REDACTED\] for tenant 7$/);
        if (shape.before === undefined) expect(masked).toContain(shape.prefix);
      }
    },
  );

  test.each(TOKEN_TABLE.map((shape) => [shape.id, shape] as const))(
    '%s: its counter-example stays',
    (_, shape) => {
      for (let count = 0; count < 20; count++) {
        const line = `upstream refused ${makeToken(shape.counterExample, draw)} for tenant 7`;
        expect(redactor.redact(line)).toBe(line);
      }
    },
  );
});

describe('a token', () => {
  const token = makeToken('AKIA<base32:16>', draw);

  test('is not a part of a longer word', () => {
    expect(redactor.redact(`${token} ${token}X ${token}_1`)).toBe(`AKIA[REDACTED] ${token}X ${token}_1`);
  });

  test('with a short prefix is a word of its own', () => {
    const key = makeToken('sk-<hex:32>', draw);
    expect(redactor.redact(`${key} di${key} "x\\n${key}"`)).toBe(
      `sk-[REDACTED] di${key} "x\\nsk-[REDACTED]"`,
    );
  });

  test('with a label says which shape it has', () => {
    expect(createRedactor({ showRef: true }).redact(token)).toBe('AKIA[REDACTED aws-access-key-id]');
  });

  test('of one’s own is found, and may not reach over a line end', () => {
    const own = createRedactor({
      moreShapes: [{ id: 'acme', prefix: 'acme_', pattern: '[^ ]{8,99}', example: '', counterExample: '' }],
    });
    expect(own.redact('key acme_12345678 and acme_1234\n5678')).toBe(
      'key acme_[REDACTED] and acme_1234\n5678',
    );
  });
});

test.each([
  ['a short prefix', { id: 'acme', prefix: 'ac', pattern: 'x', example: '', counterExample: '' }],
  ['a broken pattern', { id: 'acme', prefix: 'acme', pattern: '[', example: '', counterExample: '' }],
  [
    'a broken look back',
    { id: 'acme', prefix: 'acme', pattern: 'x', before: '(', example: '', counterExample: '' },
  ],
])('a shape with %s is refused', (_, shape) => {
  expect(() => createRedactor({ moreShapes: [shape] })).toThrow(
    expect.objectContaining({ code: 'invalid-config' }),
  );
});

describe('a private key', () => {
  const body = [draw.text('base64', 64), draw.text('base64', 64), `${draw.text('base64', 20)}==`];

  test.each(['', 'RSA ', 'EC ', 'OPENSSH ', 'ENCRYPTED '])('%sPRIVATE KEY', (kind) => {
    for (const end of ['\n', '\r\n', '\\n', ' ']) {
      const key = armoured(`${kind}PRIVATE KEY`, body).join(end);
      expect(redactor.redact(`key: "${key}".`)).toBe('key: "[REDACTED]".');
    }
  });

  test('with headers, of OpenPGP, and torn off', () => {
    const headers = ['Proc-Type: 4,ENCRYPTED', 'DEK-Info: AES-128-CBC,0123456789ABCDEF', ''];
    const pem = armoured('RSA PRIVATE KEY', [...headers, ...body]).join('\n');
    const pgp = armoured('PGP PRIVATE KEY BLOCK', ['Version: GnuPG v2.4', '', ...body]).join('\n');
    expect(redactor.redact(`a ${pem} b`)).toBe('a [REDACTED] b');
    expect(redactor.redact(`a ${pgp} b`)).toBe('a [REDACTED] b');
    expect(redactor.redact(`${pem.slice(0, 200)}", "next": 1`)).toBe('[REDACTED]", "next": 1');
  });

  test('that is only mentioned, or public, stays', () => {
    const mention = `expected ${armour('PRIVATE KEY').begin}`;
    for (const line of [mention, armoured('PUBLIC KEY', body).join('\n')])
      expect(redactor.redact(line)).toBe(line);
  });
});

describe('in serialized lines', () => {
  test.each([
    ['{"a":1,"password":"with \\"quotes\\" and \\\\","b":2}', '{"a":1,"password":"[REDACTED]","b":2}'],
    [
      '{"line":"{\\"apiKey\\":\\"x \\\\\\" y\\",\\"b\\":2}"}',
      '{"line":"{\\"apiKey\\":\\"[REDACTED]\\",\\"b\\":2}"}',
    ],
    ['{"set-cookie":["a=1","b=2"],"x":["y"]}', '{"set-cookie":["[REDACTED]"],"x":["y"]}'],
    ['{"password":1234,"token":null,"secret":""}', '{"password":1234,"token":null,"secret":""}'],
    ['{"Authorization":"Bearer x"}', '{"Authorization":"[REDACTED]"}'],
    ['{"password":"cut off her', '{"password":"[REDACTED]'],
    ["{ password: 'hunter2', user: 'app' }", "{ password: '[REDACTED]', user: 'app' }"],
    ['level=info password=hunter2 user=app', 'level=info password=[REDACTED] user=app'],
    ['DB_PASSWORD="a b c" DEBUG=1', 'DB_PASSWORD="[REDACTED]" DEBUG=1'],
    [
      'Server=db;User Id=app;Password=a b;Encrypt=true',
      'Server=db;User Id=app;Password=[REDACTED] b;Encrypt=true',
    ],
    ['> Authorization: Bearer abc.def', '> Authorization: Bearer [REDACTED]'],
    ['Cookie: sid=abc; theme=dark', 'Cookie: [REDACTED]'],
    ['Set-Cookie: sid=abc; Path=/; HttpOnly', 'Set-Cookie: [REDACTED]; HttpOnly'],
    ['GET /?X-Amz-Signature=abc&X-Amz-Date=1', 'GET /?X-Amz-Signature=[REDACTED]&X-Amz-Date=1'],
    ['redis://:only-password@cache/0 amqp://u@h', 'redis://:[REDACTED]@cache/0 amqp://u@h'],
  ])('%s', (line, expected) => {
    expect(redactor.redact(line)).toBe(expected);
    expect(redactor.redact(expected)).toBe(expected);
  });

  test('masked JSON is still JSON', () => {
    const line = JSON.stringify({
      password: 'a"b\\',
      headers: { cookie: ['x', 'y"'] },
      text: JSON.stringify({ token: '\\"' }),
    });
    expect(JSON.parse(redactor.redact(line))).toEqual({
      password: '[REDACTED]',
      headers: { cookie: ['[REDACTED]'] },
      text: '{"token":"[REDACTED]"}',
    });
  });
});

describe('measured', () => {
  test('three of four published formats are recognized without a word beside them', () => {
    const missed = VENDOR_FORMATS.filter(([, format]) => {
      const token = makeToken(format, draw);
      return redactor.redact(`call with ${token} was refused`).includes(token);
    }).map(([vendor]) => vendor);
    const share = 1 - missed.length / VENDOR_FORMATS.length;
    expect(share, `not: ${missed.join(', ')}`).toBeGreaterThanOrEqual(0.75);
  });

  test('formats without a fixed text are recognized beside a word that says what they are', () => {
    const missed = VENDOR_FORMATS.filter(([, format]) => {
      const token = makeToken(format, draw);
      return redactor.redact(`api_key: ${token}`).includes(token);
    }).map(([vendor]) => vendor);
    expect(1 - missed.length / VENDOR_FORMATS.length, `not: ${missed.join(', ')}`).toBeGreaterThanOrEqual(
      0.9,
    );
  });

  test.each(Object.entries(HARMLESS))(
    'at most three of a hundred harmless lines are changed: %s',
    (_, make) => {
      const lines = Array.from({ length: 200 }, () => make(draw));
      const changed = lines.filter((line) => redactor.redact(line) !== line);
      expect(changed.length / lines.length, changed[0]).toBeLessThanOrEqual(0.03);
    },
  );
});
