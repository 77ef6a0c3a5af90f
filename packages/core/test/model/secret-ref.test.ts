import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRef, parseRef, type SecretRef, wholeRef } from '../../src/model/secret-ref.js';
import { anyText, encodable } from '../support/characters.js';
import { problemOf } from '../support/problem.js';

const alias = fc.stringMatching(/^[A-Za-z][\w-]{0,8}$/);
const harmless = (part: string) => !/[\p{Cc}\p{Cs}\\/]/u.test(part) && !isDots(part);
const isDots = (part: string) => {
  let decoded = part;
  for (let turn = 0; turn < 8; turn++) {
    if (decoded.split('/').some((piece) => ['', '.', '..'].includes(piece))) return true;
    if (/[\p{Cc}\\]/u.test(decoded)) return true;
    try {
      decoded = decodeURIComponent(decoded);
    } catch {
      return false;
    }
  }
  return false;
};
const segment = encodable({ minLength: 1, maxLength: 8 }).filter(harmless);
const word = fc
  .string({ minLength: 1, maxLength: 8, unit: 'grapheme' })
  .filter((part) => !/[\p{Cc}\p{Cs}]/u.test(part));
const refs: fc.Arbitrary<SecretRef> = fc
  .record({
    alias,
    path: fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
    qualifier: fc.oneof(
      fc.constant({}),
      word.map((version) => ({ version })),
      word.map((stage) => ({ stage })),
    ),
    field: fc.option(word, { nil: undefined }),
  })
  .map(({ qualifier, field, ...ref }) => ({
    ...ref,
    ...qualifier,
    ...(field === undefined ? {} : { field }),
  }));

describe('a reference', () => {
  it.each([
    ['vault:secret/app#key', { alias: 'vault', path: 'secret/app', field: 'key' }],
    ['vault:database/creds/app', { alias: 'vault', path: 'database/creds/app' }],
    [
      'aws:prod/db?stage=AWSPREVIOUS#password',
      { alias: 'aws', path: 'prod/db', stage: 'AWSPREVIOUS', field: 'password' },
    ],
    ['vault:secret/app?version=3', { alias: 'vault', path: 'secret/app', version: '3' }],
    [
      'aws:arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf',
      { alias: 'aws', path: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf' },
    ],
    ['files:a%23b%3Fc', { alias: 'files', path: 'a#b?c' }],
    ['env:KEY#a#b', { alias: 'env', path: 'KEY', field: 'a#b' }],
  ])('%s is read', (text, expected) => {
    expect(parseRef(text)).toEqual(expected);
  });

  it('parse ∘ format is the identity', () => {
    fc.assert(
      fc.property(refs, (ref) => {
        expect(parseRef(formatRef(ref))).toEqual(ref);
      }),
    );
  });

  it('whatever parses has a canonical form that parses to the same', () => {
    const texts = fc.oneof(
      anyText({ maxLength: 40 }),
      fc.tuple(alias, anyText({ maxLength: 24 })).map(([name, rest]) => `${name}:${rest}`),
      refs.map(formatRef),
    );
    fc.assert(
      fc.property(texts, (text) => {
        let ref: SecretRef;
        try {
          ref = parseRef(text);
        } catch (error) {
          expect((error as { code: string }).code).toBe('invalid-ref');
          return;
        }
        expect(parseRef(formatRef(ref))).toEqual(ref);
      }),
    );
  });

  it('its field is no part of what is fetched', () => {
    expect(wholeRef(parseRef('vault:secret/app?version=3#key'))).toEqual({
      alias: 'vault',
      path: 'secret/app',
      version: '3',
    });
  });

  it.each([
    'vault:../sys/raw',
    'vault:secret/../../sys',
    'vault:secret/./app',
    'vault:secret//app',
    'vault:/secret',
    'vault:secret/',
    'vault:',
    'vault:secret\\..\\app',
    'vault:%2e%2e/sys',
    'vault:%2E%2e/sys',
    'vault:%252e%252e/sys',
    'vault:%25252e%25252e%25252fsys',
    'vault:secret%2f..%2fsys',
    'vault:secret%5c..%5csys',
    'vault:secret%00',
    'vault:secret%0a',
    'vault:secret%c2%85',
    'vault:secret\n',
    'vault:\ud800',
  ])('a path that leaves its place is refused: %j', (text) => {
    expect(problemOf(() => parseRef(text)).code).toBe('invalid-ref');
  });

  it.each([
    ['no colon', 'secret'],
    ['an alias that is no word', '1vault:secret'],
    ['an empty field', 'vault:secret#'],
    ['a control character in the field', 'vault:secret#a\u0000'],
    ['an unknown qualifier', 'vault:secret?label=x'],
    ['two qualifiers', 'vault:secret?version=1&stage=2'],
    ['an empty version', 'vault:secret?version='],
    ['a malformed escape in the version', 'vault:secret?version=%zz'],
    ['a control character in the version', 'vault:secret?version=%0a'],
    ['half a surrogate pair in the version', 'vault:secret?version=\udc00'],
    ['a malformed escape', 'vault:100%'],
    ['no text at all', 7 as unknown as string],
  ])('%s is refused', (_, text) => {
    expect(problemOf(() => parseRef(text)).code).toBe('invalid-ref');
  });

  it.each([
    'hvs.CAESIJ7fK2secret',
    '-----BEGIN PRIVATE KEY-----\nMIIEvQ7fK2secret',
    'eyJhbGciOiJIUzI1NiJ9.7fK2secret.sig',
    'postgres://user:7fK2secret@db/orders',
    'redis://:7fK2secret@cache:6379/',
    'https://hooks.example/7fK2secret/..',
    'user:7fK2secret@/',
    'Server=db;Password=7fK2secret;Port:1433',
    `token ${'x'.repeat(100)}7fK2secret`,
  ])('F49: a pasted secret is not echoed: %j', (text) => {
    const { message, ref } = problemOf(() => parseRef(text));
    expect(`${message} ${ref}`).not.toContain('7fK2secret');
  });

  it('F49: a malformed reference cannot break a log line', () => {
    expect(problemOf(() => parseRef('vault:a\u001b[31m\nFAKE')).message).not.toMatch(/\p{Cc}/u);
  });
});
