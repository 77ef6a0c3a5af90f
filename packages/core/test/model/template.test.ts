import { template } from '@keyturn/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodable } from '../support/characters.js';
import { problemOf } from '../support/problem.js';
import { CANARY } from '../support/store.js';

const REF = 'vault:database/creds/orders';

describe('a template', () => {
  it('is shown by its reference', () => {
    expect(String(template('{{password}}', REF))).toBe(`template(${REF})`);
  });

  it('puts fields in their places, as they are in plain text', () => {
    const text = template('user={{ username }};password={{password}}', REF);
    expect(text.render({ username: 'a b', password: '$&{{x}}' })).toBe('user=a b;password=$&{{x}}');
  });

  it('percent-encodes each place of a URL', () => {
    const url = template('postgres://{{username}}:{{password}}@db/orders', REF);
    expect(url.render({ username: 'v-1', password: 'p@ss/w:rd#1?' })).toBe(
      'postgres://v-1:p%40ss%2Fw%3Ard%231%3F@db/orders',
    );
  });

  it('whatever the fields hold, a URL made from them gives them back', () => {
    const url = template('postgres://{{username}}:{{password}}@db/orders', REF);
    const texts = encodable({ minLength: 1 });
    fc.assert(
      fc.property(texts, texts, (username, password) => {
        const made = new URL(url.render({ username, password }));
        expect(decodeURIComponent(made.username)).toBe(username);
        expect(decodeURIComponent(made.password)).toBe(password);
        expect(made.host).toBe('db');
      }),
    );
  });

  it.each(['no place', 'open {{username', 'close username}}', '{{}}', '{{user name}} {{ok}} }}'])(
    'refuses a text without a proper place: %s',
    (text) => {
      expect(problemOf(() => template(text, REF)).code).toBe('invalid-config');
    },
  );

  it.each(['password', 'constructor', 'toString'])(
    'names the field %s that the secret lacks, and no value',
    (name) => {
      const error = problemOf(() => template(`{{${name}}}`, REF).render({ username: CANARY }));
      expect(error.code).toBe('not-found');
      expect(error.message).toContain(name);
      expect(error.message).toContain('username');
      expect(error.message).not.toContain(CANARY);
    },
  );

  it('F21: does not make a connection string with an empty password', () => {
    const url = template('postgres://{{username}}:{{password}}@db/orders', REF);
    expect(problemOf(() => url.render({ username: 'a', password: '' })).code).toBe('not-found');
  });
});
