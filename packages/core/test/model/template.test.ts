import { spawnSync } from 'node:child_process';
import { template } from '@keyturn/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecretValue } from '../../src/model/secret-value.js';
import { encodable } from '../support/characters.js';
import { problemOf } from '../support/problem.js';
import { CANARY } from '../support/store.js';

const REF = 'vault:database/creds/orders';

/** Reads as a secret of these fields does. */
const from = (fields: Record<string, string>) => {
  const value = SecretValue.wrap(fields);
  return (_: string, field: string | undefined) =>
    value
      .field(field as string, REF)
      .single(REF)
      .toString();
};

describe('a template', () => {
  it('is shown by its reference', () => {
    expect(String(template('{{password}}', REF))).toBe(`template(${REF})`);
  });

  it('puts fields in their places, as they are in plain text', () => {
    const text = template('user={{ username }};password={{password}}', REF);
    expect(text.render(from({ username: 'a b', password: '$&{{x}}' }))).toBe('user=a b;password=$&{{x}}');
  });

  it('percent-encodes each place of a URL', () => {
    const url = template('postgres://{{username}}:{{password}}@db/orders', REF);
    expect(url.render(from({ username: 'v-1', password: 'p@ss/w:rd#1?' }))).toBe(
      'postgres://v-1:p%40ss%2Fw%3Ard%231%3F@db/orders',
    );
  });

  it('whatever the fields hold, a URL made from them gives them back', () => {
    const url = template('postgres://{{username}}:{{password}}@db/orders', REF);
    const texts = encodable({ minLength: 1 });
    fc.assert(
      fc.property(texts, texts, (username, password) => {
        const made = new URL(url.render(from({ username, password })));
        expect(decodeURIComponent(made.username)).toBe(username);
        expect(decodeURIComponent(made.password)).toBe(password);
        expect(made.host).toBe('db');
      }),
    );
  });

  it.each([
    'no place',
    'open {{username',
    'close username}}',
    '{{}}',
    '{{}} {{ok}}',
    '{{user name}} {{ok}} }}',
  ])('refuses a text without a proper place: %s', (text) => {
    expect(problemOf(() => template(text, REF)).code).toBe('invalid-config');
  });

  it.each(['password', 'constructor', 'toString'])(
    'names the field %s that the secret lacks, and no value',
    (name) => {
      const error = problemOf(() => template(`{{${name}}}`, REF).render(from({ username: CANARY })));
      expect(error.code).toBe('not-found');
      expect(error.message).toContain(name);
      expect(error.message).toContain('username');
      expect(error.message).not.toContain(CANARY);
    },
  );

  it('F21: does not make a connection string with an empty password', () => {
    const url = template('postgres://{{username}}:{{password}}@db/orders', REF);
    expect(problemOf(() => url.render(from({ username: 'a', password: '' }))).code).toBe('bad-response');
  });
});

describe('a template over several references', () => {
  const refs = { db: 'vault:database/creds/orders', stripe: 'vault:secret/orders#stripe_key' };
  const values: Record<string, string> = {
    'db.username': 'v-1',
    'db.password': `p"a's\\s/@ $(x)`,
    stripe: 'sk"1',
    'db.a.b': 'dotted',
  };
  const read = (part: string, field: string | undefined) =>
    values[field === undefined ? part : `${part}.${field}`] as string;

  it('puts whole secrets and their fields in their places', () => {
    expect(template('{{db.username}} {{ stripe }} {{db.a.b}}', refs).render(read)).toBe('v-1 sk"1 dotted');
  });

  it('makes JSON that holds what the secrets hold', () => {
    const file = template('{ "password": "{{db.password}}", "stripe": ["{{stripe}}"] }', refs);
    expect(JSON.parse(file.render(read))).toEqual({ password: values['db.password'], stripe: ['sk"1'] });
  });

  it('encodes a place as it says, whatever the text is', () => {
    const url = template('{"url":"pg://{{db.username|url}}:{{db.password|url}}@h","key":"{{stripe}}"}', refs);
    const made = JSON.parse(url.render(read)) as { url: string };
    expect(decodeURIComponent(new URL(made.url).password)).toBe(values['db.password']);
    expect(template('x://h/?{{db.username|raw}}={{stripe | json}}', refs).render(read)).toBe(
      'x://h/?v-1=sk\\"1',
    );
  });

  it.each(['{{stripe}}', ' {{stripe}}\n', '{{stripe}}{{stripe}}', "'{{stripe}}'"])(
    'puts a secret in as it is where the text is nothing but places: %j',
    (text) => {
      const only = { stripe: refs.stripe };
      expect(template(text, only).render(read)).toBe(text.replaceAll('{{stripe}}', 'sk"1'));
    },
  );

  it('escapes within JSON of any kind, and refuses a place that no quotes hold', () => {
    const only = { stripe: refs.stripe };
    for (const text of ['"{{stripe}}"', '["{{stripe}}"]', '{"a":"{{stripe}}","b":{{stripe|raw}}}'])
      expect(template(text, only).render(() => '1"')).toContain('1\\"');
    for (const text of ['[{{stripe}}]', '{"a": {{stripe}}}'])
      expect(problemOf(() => template(text, only)).message).toContain('quotes');
  });

  it('takes minified JSON, which ends in braces of its own', () => {
    const nested = template(JSON.stringify({ db: { url: '{{db.username}}' }, stripe: ['{{stripe}}'] }), refs);
    expect(JSON.parse(nested.render(read))).toEqual({ db: { url: 'v-1' }, stripe: ['sk"1'] });
  });

  it('whatever a secret holds, a shell reads it back from one word', () => {
    const line = template('printf %s {{part|shell}}', { part: REF });
    const texts = fc.string({ minLength: 1, unit: 'binary' }).filter((text) => !/[\0\p{Cs}]/u.test(text));
    fc.assert(
      fc.property(texts, (text) => {
        const shell = spawnSync('sh', ['-c', line.render(() => text)]);
        expect(shell.stdout.toString()).toBe(text);
      }),
      { numRuns: 25 },
    );
  });

  it.each<[string, string | Record<string, string>]>([
    ['{{db.password}} {{stripe}} {{other.x}}', refs],
    ['{{db.password}}', refs],
    ['{{db.password|base64}} {{stripe}}', refs],
    ['{{db.password|toString}} {{stripe}}', refs],
    ['{{db.password|}} {{stripe}}', refs],
    ['{{toString}}', { db: REF }],
    ['{{db}}', {}],
    ['{{db}}', { db: 7 } as unknown as Record<string, string>],
  ])('refuses %s with %j', (text, given) => {
    expect(problemOf(() => template(text, given)).code).toBe('invalid-config');
  });
});
