import fc from 'fast-check';
import { armour, armoured } from './armour.js';

/** Passwords as people and generators make them, keys with odd characters, text beyond ASCII. */
export const secretText: fc.Arbitrary<string> = fc.oneof(
  fc.string({
    unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'),
    minLength: 8,
    maxLength: 60,
  }),
  fc.string({
    unit: fc.constantFrom(...`aB3"'\\/&<>=+ %$#@!?:;~\`*()[]{}^|\t`),
    minLength: 8,
    maxLength: 40,
  }),
  fc.string({ unit: 'grapheme', minLength: 8, maxLength: 30 }),
  fc.string({ unit: 'binary', minLength: 8, maxLength: 30 }),
);

/** Keys and certificates: lines of any length, some of which prove nothing alone. */
export const secretLines: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(fc.string({ unit: fc.constantFrom('a', 'B', '3', '+', '"'), minLength: 1, maxLength: 24 }), {
      minLength: 2,
      maxLength: 5,
    }),
    fc.boolean(),
    fc.constantFrom('\n', '\r\n', '\n\n  '),
  )
  .map(([lines, inArmour, lineEnd]) => (inArmour ? armoured('X KEY', lines) : lines).join(lineEnd));

/** Letters only, few of them, so that values overlap, contain and continue each other. */
export const crowdedText = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength, maxLength });

/** What stands around secrets in logs, and what rules and masks are made of. */
export const filler: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ' ',
    '\n',
    '\r\n',
    '"',
    "'",
    '{"msg":"',
    '","x":1}',
    '\\n',
    '\\"',
    '%20',
    '+',
    '=',
    '==',
    '/',
    'a',
    'Z',
    '_',
    'é',
    '😀',
    'user:',
    '[REDACTED]',
    '[REDACTED',
    ']',
    '[',
    'password',
    '"password":"',
    'token=',
    '?access_token=',
    '&sig=',
    'secret: ',
    'Authorization: Bearer ',
    'Basic ',
    'ghp_',
    'eyJhbGciOiJIUzI1NiJ9',
    '.',
    'xoxb-',
    'https://user:',
    '@host/',
    '-----BEGIN ',
    'RSA PRIVATE KEY-----',
    armour('PRIVATE KEY').begin,
    armour('PRIVATE KEY').end,
    'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj',
    'Cookie: a=b; c=',
  ),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.string({
    unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'),
    minLength: 20,
    maxLength: 44,
  }),
);

/** Where to cut something of `length` parts into pieces. */
export const cuts = (length: number): fc.Arbitrary<number[]> =>
  fc
    .array(fc.nat({ max: length }), { maxLength: 12 })
    .map((points) => [0, ...points.sort((a, b) => a - b), length]);

/** The forms in which a secret must not survive, each by code that the package does not share. */
export function writtenForms(secret: string, shift: number): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const wellFormed = bytes.toString('utf8');
  const around = Buffer.concat([Buffer.alloc(shift, 'x'), bytes, Buffer.from('yz')]);
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    JSON.stringify(JSON.stringify({ secret })).slice(1, -1).slice('{\\"secret\\":\\"'.length, -'\\"}'.length),
    encodeURIComponent(wellFormed),
    encodeURIComponent(wellFormed).replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase()),
    encodeURIComponent(wellFormed).replaceAll('%20', '+'),
    new URLSearchParams({ '': secret }).toString().slice(1),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    around.toString('base64'),
    secret
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;'),
  ];
}
