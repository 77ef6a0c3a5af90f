import { inspect } from 'node:util';
import { fakeClock } from '@keyturn/core/testing';
import { describe, expect, test } from 'vitest';
import { createRedactor, type RedactorWarning } from '../src/index.js';

const HOUR_MS = 3_600_000;

describe('a known value', () => {
  const value = 'p@ss "w/ö<rd>\\ & more';
  const redactor = createRedactor({ shapes: false });
  redactor.add(value, 'vault:db#password');

  test.each([
    ['as it is', value],
    ['in JSON', JSON.stringify({ value })],
    ['in JSON inside JSON', JSON.stringify({ line: JSON.stringify({ value }) })],
    ['in JSON by Go, which escapes HTML', String.raw`"p@ss \"w/ö\u003crd\u003e\\ \u0026 more"`],
    ['in JSON by PHP, which escapes slashes', String.raw`"p@ss \"w\/\u00f6<rd>\\ & more"`],
    ['in JSON by Python, in ASCII', String.raw`"p@ss \"w/\u00f6<rd>\\ & more"`],
    ['in JSON by Java, with capital hex digits', String.raw`"p@ss \"w/\u00F6<rd>\\ & more"`],
    ['as util.inspect quotes it', String.raw`{ value: 'p@ss "w/ö<rd>\\ & more' }`],
    ['as a URL component', encodeURIComponent(value)],
    [
      'as a URL component with small hex digits',
      encodeURIComponent(value).replace(/%../g, (byte) => byte.toLowerCase()),
    ],
    ['as a form field', new URLSearchParams({ value }).toString()],
    [
      'as a form field with small hex digits',
      new URLSearchParams({ value }).toString().replace(/%../g, (byte) => byte.toLowerCase()),
    ],
    ['in HTML by Express', 'p@ss &quot;w/ö&lt;rd&gt;\\ &amp; more'],
    ['in HTML by Go', 'p@ss &#34;w/ö&lt;rd&gt;\\ &amp; more'],
    ['in HTML by Mustache', 'p@ss &quot;w&#x2F;ö&lt;rd&gt;\\ &amp; more'],
    ['as the text of an HTML element', 'p@ss "w/ö&lt;rd&gt;\\ &amp; more'],
    ['in base64', Buffer.from(value).toString('base64')],
    ['in base64 for URLs', Buffer.from(value).toString('base64url')],
    ['in hexadecimal', Buffer.from(value).toString('hex')],
    ['in capital hexadecimal', Buffer.from(value).toString('hex').toUpperCase()],
    ['as UTF-8 that was read as Latin-1', Buffer.from(value).toString('latin1')],
  ])('%s', (_, written) => {
    const masked = redactor.redact(`before ${written} after`);
    expect(masked).toMatch(/^before .{0,24}\[REDACTED\].{0,7} after$/);
    expect(masked).not.toMatch(/more|%26|w\/ö/);
  });

  describe.each([
    'Tr^x|9"kLm<2Qz',
    'aaaa{b}"cc',
    'pa"ssword\\one',
    'it\'s `quoted` "twice"',
    'Zq9!p@ss w/x\\"y',
  ])('%j', (secret) => {
    const url = (part: 'search' | 'hash' | 'pathname') => {
      const made = new URL('http://h/');
      made[part] = part === 'pathname' ? secret.replace(/[\\/?#]/g, '') : secret;
      return made.href;
    };
    const writers: [string, () => string][] = [
      ['the query of a URL', () => url('search')],
      ['the fragment of a URL', () => url('hash')],
      ['the parameters of a URL', () => new URL(`http://h/?a=${secret.replace('#', '')}`).href],
      ['JSON that util.inspect shows', () => inspect({ body: JSON.stringify({ secret }) })],
      ['JSON thrice', () => JSON.stringify(JSON.stringify(JSON.stringify({ secret })))],
      ['JSON in a cookie', () => encodeURIComponent(`j:${JSON.stringify({ secret })}`)],
      ['base64 of JSON', () => btoa(JSON.stringify({ secret }))],
      ['SQL', () => `'${secret.replaceAll("'", "''")}'`],
      ['CSV', () => `"${secret.replaceAll('"', '""')}"`],
      ['a shell', () => `'${secret.replaceAll("'", "'\\''")}'`],
    ];
    test.each(writers)('%s', (_, write) => {
      const one = createRedactor({ shapes: false });
      one.add(secret, 'test:secret');
      expect(one.redact(write())).toContain('[REDACTED]');
    });
  });

  test.each(['', 'a', 'ab', 'abc', 'user', 'somebody@example.com'])('in Basic credentials of %j', (user) => {
    const credentials = Buffer.from(`${user}:${value}`).toString('base64');
    const masked = redactor.redact(`authorization: Basic ${credentials}`);
    const readable = Buffer.from(
      masked.slice('authorization: Basic '.length).replace('[REDACTED]', '').replace(/=+$/, ''),
      'base64',
    );
    // The user name and the colon may be left, and of the digit that they share with the password nothing.
    expect(`${user}:`.startsWith(readable.toString())).toBe(true);
  });

  test('in the middle of bytes that are no text', () => {
    const bytes = Buffer.concat([Buffer.from([0xff, 0, 0x80]), Buffer.from(value), Buffer.from([0xfe])]);
    expect(redactor.redact(bytes.toString('latin1'))).toBe('\xff\0\x80[REDACTED]\xfe');
  });

  test('that contains another, and one that goes on where it ends', () => {
    const nested = createRedactor();
    for (const text of ['correct horse', 'horse battery', 'rect ho', 'staple!!']) nested.add(text, 'a:b');
    expect(nested.redact('x correct horse battery staple!! y correct horse')).toBe(
      'x [REDACTED] [REDACTED] y [REDACTED]',
    );
  });

  test('that stands beside another is masked with it', () => {
    const pair = createRedactor();
    pair.add('first-value', 'a:b');
    pair.add('second-value', 'a:c');
    expect(pair.redact('first-valuesecond-value, first-valuefirst-value')).toBe('[REDACTED], [REDACTED]');
  });

  test('given as bytes is the same as given as text; white space around it does not count', () => {
    const same = createRedactor();
    same.add(Buffer.from('from-a-file\n'), 'files:db');
    expect(same.redact('from-a-file')).toBe('[REDACTED]');
    same.retire('  from-a-file', 'files:db');
  });

  test('of bytes that are no text is found in base64, hexadecimal and raw', () => {
    const key = Buffer.from('ff00c0ffee80a1b2c3d4e5f60718293a', 'hex');
    const binary = createRedactor();
    binary.add(key, 'vault:transit#key');
    for (const text of [key.toString('base64'), key.toString('hex'), key.toString('latin1')]) {
      expect(binary.redact(`key ${text}`)).toMatch(/^key \[REDACTED\]=*$/);
    }
  });

  test('in a text far longer than a window, at every place of a window', () => {
    const far = createRedactor({ shapes: false });
    far.add('needle-in-the-haystack', 'a:b');
    far.add('short', 'a:c');
    for (const at of [32_740, 32_750, 32_760, 32_764, 32_766, 32_767, 32_768, 32_770, 65_530]) {
      const hay = '.'.repeat(at);
      expect(far.redact(`${hay}needle-in-the-haystack${hay}`)).toBe(`${hay}[REDACTED]${hay}`);
      expect(far.redact(`${hay}short${hay}`)).toBe(`${hay}[REDACTED]${hay}`);
    }
  });

  test('longer than any line is found in part', () => {
    const long = createRedactor({ shapes: false });
    const blob = Buffer.from(Array.from({ length: 9_000 }, (_, index) => (index * 7_919) % 251)).toString(
      'base64',
    );
    long.add(blob, 'a:b');
    expect(long.redact(`blob ${blob}.`)).toBe('blob [REDACTED].');
    expect(long.redact(`cut off ${blob.slice(0, 3_000)}`)).toMatch(/^cut off \[REDACTED\].{0,1024}$/);
  });
});

describe('a value of many lines', () => {
  const lines = [
    '-----BEGIN CERTIFICATE-----',
    'MIIDazCCAlOgAwIBAgIUfirstline',
    'c2Vjb25kIGxpbmUgb2YgdGhlIGtleQ',
    'Zg==',
    '-----END CERTIFICATE-----',
  ];
  const redactor = createRedactor({ shapes: false });
  redactor.add(`${lines.join('\n')}\n`, 'vault:pki/issue');

  test.each([['\n'], ['\r\n'], ['\\n'], ['\\r\\n'], ['\\\\n'], [' '], ['\n    '], ['%0A']])(
    'joined by %j shows as one mask',
    (end) => {
      expect(redactor.redact(`a "${lines.join(end)}" b`)).toBe('a "[REDACTED]" b');
    },
  );

  test('is found line by line', () => {
    expect(redactor.redact(`only ${lines[1]} here`)).toBe('only [REDACTED] here');
  });

  test('does not give away lines that every certificate has', () => {
    const other = '-----BEGIN CERTIFICATE-----\nMIIDother\n-----END CERTIFICATE-----';
    expect(redactor.redact(other)).toBe(other);
    expect(redactor.redact('padding Zg== alone')).toBe('padding Zg== alone');
  });
});

describe('a short value', () => {
  test('of four to seven characters is masked as a word of its own', () => {
    const redactor = createRedactor();
    redactor.add('hunter2', 'a:b');
    expect(redactor.redact('hunter2 "hunter2" hunter2, hunter21 xhunter2 hunter2_x')).toBe(
      '[REDACTED] "[REDACTED]" [REDACTED], hunter21 xhunter2 hunter2_x',
    );
  });

  test('is found after an escaped line end, whose letter is no part of the word', () => {
    const redactor = createRedactor();
    redactor.add('hunter2', 'a:b');
    expect(redactor.redact(String.raw`"x\nhunter2" a%20hunter2`)).toBe(
      String.raw`"x\n[REDACTED]" a%20[REDACTED]`,
    );
  });

  test('is masked where it touches something that is masked: its mask ends the word', () => {
    const redactor = createRedactor();
    redactor.add('hunter2', 'a:b');
    redactor.add('a-long-password', 'a:c');
    const masked = redactor.redact('hunter2a-long-password a-long-passwordhunter2 xhunter2a-long-password');
    expect(masked).toBe('[REDACTED] [REDACTED] xhunter2[REDACTED]');
    expect(redactor.redact(masked)).toBe(masked);
  });

  test('is found in Basic credentials', () => {
    const redactor = createRedactor({ shapes: false });
    redactor.add('hunter2', 'a:b');
    expect(redactor.redact(Buffer.from('user:hunter2').toString('base64'))).toBe('dXNlcj[REDACTED]');
  });

  test('of under four characters is reported once for each reference, and not masked', () => {
    const told: RedactorWarning[] = [];
    const redactor = createRedactor({ onWarning: (warning) => told.push(warning) });
    redactor.add('abc', 'vault:db#pin');
    redactor.add('xyz', 'vault:db#pin');
    redactor.add(' \n', 'vault:db#blank');
    expect(redactor.warnings.map(({ code, ref }) => [code, ref])).toEqual([
      ['too-short', 'vault:db#pin'],
      ['too-short', 'vault:db#blank'],
    ]);
    expect(told).toEqual(redactor.warnings);
    expect(JSON.stringify(told)).not.toMatch(/abc|xyz/);
    expect(redactor.redact('abc')).toBe('abc');
  });
});

describe('a retired value', () => {
  test('is masked for an hour more, then forgotten, and no timer waits for that', async () => {
    const clock = fakeClock();
    const redactor = createRedactor({ clock });
    redactor.add('old-password', 'vault:db');
    redactor.retire('old-password', 'vault:db');
    await clock.advance(HOUR_MS - 1);
    expect(redactor.redact('old-password')).toBe('[REDACTED]');
    expect(clock.pending).toBe(0);
    await clock.advance(1);
    expect(redactor.redact('old-password')).toBe('old-password');
  });

  test('is kept as long as asked for', async () => {
    const clock = fakeClock();
    const redactor = createRedactor({ clock, keepRetired: '5m' });
    redactor.add('old-password', 'vault:db');
    redactor.retire('old-password', 'vault:db');
    await clock.advance(300_000);
    expect(redactor.redact('old-password')).toBe('old-password');
  });

  test('that becomes live again stays', async () => {
    const clock = fakeClock();
    const redactor = createRedactor({ clock });
    redactor.add('back-and-forth', 'vault:db');
    redactor.retire('back-and-forth', 'vault:db');
    redactor.add('back-and-forth', 'vault:db');
    await clock.advance(2 * HOUR_MS);
    expect(redactor.redact('back-and-forth')).toBe('[REDACTED]');
    redactor.retire('back-and-forth', 'vault:db');
    await clock.advance(HOUR_MS);
    expect(redactor.redact('back-and-forth')).toBe('back-and-forth');
  });

  test('that is live under another reference stays', async () => {
    const clock = fakeClock();
    const redactor = createRedactor({ clock, showRef: true });
    redactor.add('shared-value', 'vault:one');
    redactor.add('shared-value', 'vault:two');
    redactor.retire('shared-value', 'vault:one');
    expect(redactor.redact('shared-value')).toBe('[REDACTED vault:two]');
    await clock.advance(2 * HOUR_MS);
    expect(redactor.redact('shared-value')).toBe('[REDACTED vault:two]');
  });

  test('whose line another value has leaves that line masked', async () => {
    const clock = fakeClock();
    const redactor = createRedactor({ clock });
    redactor.add('own-line-of-one\nline-of-both', 'a:one');
    redactor.add('own-line-of-two\nline-of-both', 'a:two');
    redactor.retire('own-line-of-one\nline-of-both', 'a:one');
    await clock.advance(HOUR_MS);
    expect(redactor.redact('own-line-of-one, line-of-both')).toBe('own-line-of-one, [REDACTED]');
  });

  test('that nobody added, or was forgotten, is no error', () => {
    const redactor = createRedactor();
    expect(() => redactor.retire('never-added', 'a:b')).not.toThrow();
  });
});

test('a text that is full of short and long values is masked, however long it is', () => {
  const redactor = createRedactor();
  redactor.add('word', 'a:b');
  redactor.add('a-long-password', 'a:c');
  expect(redactor.redact('word '.repeat(200_000))).toBe('[REDACTED] '.repeat(200_000));
  expect(redactor.redact('a-long-password'.repeat(100_000))).toBe('[REDACTED]');
});

describe('what a mask says', () => {
  test('the reference of the live owner, made harmless', () => {
    const redactor = createRedactor({ showRef: true });
    redactor.add('some-password', 'vault:db/é\n]#password');
    const masked = redactor.redact('x some-password y');
    expect(masked).toBe('x [REDACTED vault:db/???#password] y');
    expect(redactor.redact(masked)).toBe(masked);
  });

  test('a value that looks like a part of the mask is masked elsewhere and not within masks', () => {
    const redactor = createRedactor({ showRef: true });
    redactor.add('REDACTED', 'a:b');
    redactor.add('password', 'vault:db#password');
    const masked = redactor.redact('REDACTED password');
    expect(masked).toBe('[REDACTED a:b] [REDACTED vault:db#password]');
    expect(redactor.redact(masked)).toBe(masked);
  });
});

describe('bad input', () => {
  test.each([
    ['a number', 5, 'a:b', 'invalid-value'],
    ['nothing', undefined, 'a:b', 'invalid-value'],
    ['no reference', 'value-value', '', 'invalid-ref'],
  ])('%s is refused without a word of the value', (_, value, ref, code) => {
    const redactor = createRedactor();
    expect(() => redactor.add(value as string, ref)).toThrow(expect.objectContaining({ code }));
    expect(() => redactor.retire(value as string, ref)).toThrow(expect.objectContaining({ code }));
  });

  test('a retention that is no duration is refused', () => {
    expect(() => createRedactor({ keepRetired: 'soon' as '1h' })).toThrow(
      expect.objectContaining({ code: 'invalid-config' }),
    );
  });
});
