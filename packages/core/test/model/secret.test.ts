import { format, inspect } from 'node:util';
import { fakeClock } from '@keyturn/core/testing';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Secret, type SecretFacts } from '../../src/model/secret.js';
import { SecretValue } from '../../src/model/secret-value.js';
import { encodable } from '../support/characters.js';
import { problemOf } from '../support/problem.js';
import { CANARY } from '../support/store.js';

const FACTS: SecretFacts = {
  version: '7',
  sentMonotonicMs: 0,
  expiresWallMs: undefined,
  staleReason: undefined,
  metadata: {},
};
const secretOf = (data: unknown, facts: Partial<SecretFacts> = {}, clock = fakeClock()) =>
  new Secret('vault:app', SecretValue.wrap(data), { ...FACTS, ...facts }, clock);

describe('F49: a secret shows its reference and version and nothing else', () => {
  const shapes = {
    text: secretOf(CANARY),
    bytes: secretOf(Buffer.from(CANARY)),
    fields: secretOf({ username: 'app', password: CANARY, nested: { deep: CANARY } }),
    'a field': secretOf({ password: CANARY }).field('password'),
    JSON: secretOf(`{"password":"${CANARY}"}`),
  };
  const SHOWN = /^Secret\(vault:app(#password)?, v7\)$/;

  describe.each(Object.entries(shapes))('%s', (_, secret) => {
    it.each<[string, () => string]>([
      ['String()', () => String(secret)],
      ['a template literal', () => `${secret}`],
      ['concatenation', () => ''.concat(secret as unknown as string)],
      ['toString()', () => secret.toString()],
      ['inspect', () => inspect(secret)],
      ['inspect with showHidden', () => inspect(secret, { showHidden: true, depth: null, getters: true })],
      ['format %s', () => format('%s', secret)],
      ['format %o', () => format('%o', secret)],
      ['format %O', () => format('%O', secret)],
      ['JSON', () => JSON.parse(JSON.stringify({ secret })).secret],
    ])('%s', (__, show) => {
      expect(show()).toMatch(SHOWN);
    });

    it('console.log', () => {
      const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
      const log = vi.spyOn(console, 'log').mockImplementation((...parts) => {
        process.stdout.write(format(...parts));
      });
      console.log(secret);
      const [line] = write.mock.calls[0] ?? [];
      log.mockRestore();
      write.mockRestore();
      expect(String(line)).toMatch(SHOWN);
    });

    it.each<[string, () => string]>([
      [
        'inspect that refuses custom views',
        () => inspect(secret, { customInspect: false, showHidden: true, depth: null }),
      ],
      ['format %j', () => format('%j', { secret })],
      ['structuredClone', () => inspect(structuredClone(secret), { showHidden: true, depth: null })],
      ['the cause of an error', () => inspect(new Error('failed', { cause: secret }), { depth: null })],
      ['a field of an error', () => inspect(Object.assign(new Error('failed'), { secret }), { depth: null })],
      ['inside arrays, maps and sets', () => inspect([secret, new Map([['k', secret]]), new Set([secret])])],
      ['spread', () => JSON.stringify({ ...secret })],
      ['its keys', () => Reflect.ownKeys(secret).map(String).join()],
      ['NaN from a number', () => String(Number(secret))],
      [
        'its own value, inspected',
        () => inspect(SecretValue.wrap(CANARY), { customInspect: false, showHidden: true }),
      ],
      ['its own value, as JSON', () => JSON.stringify(SecretValue.wrap({ password: CANARY }))],
    ])('nothing in %s', (__, show) => {
      expect(show()).not.toContain(CANARY);
    });
  });

  it('compares by identity, never by its content', () => {
    const [one, two] = [secretOf('same'), secretOf('same')];
    expect(one === two).toBe(false);
    expect(one).not.toBe('same');
  });

  it('a version that is no number is shown as it is', () => {
    expect(String(secretOf('x', { version: 'AWSCURRENT-1' }))).toBe('Secret(vault:app, AWSCURRENT-1)');
  });
});

describe('a secret', () => {
  it('reveals text, bytes and JSON of a single value', () => {
    const secret = secretOf('{"port":5432}');
    expect(secret.reveal()).toBe('{"port":5432}');
    expect(Buffer.from(secret.revealBytes()).toString()).toBe('{"port":5432}');
    expect(secret.revealJson()).toEqual({ port: 5432 });
  });

  it('gives bytes that are the caller’s to zero', () => {
    const secret = secretOf('text');
    secret.revealBytes().fill(0);
    expect(secret.reveal()).toBe('text');
  });

  it('keeps bytes that are no text', () => {
    const bytes = Uint8Array.from([0, 255, 128, 254]);
    expect(secretOf(bytes).revealBytes()).toEqual(bytes);
  });

  it('copies what it was given', () => {
    const given = Buffer.from('text');
    const secret = secretOf(given);
    given.fill(0);
    expect(secret.reveal()).toBe('text');
  });

  it('F25: reveals its fields together, of one version', () => {
    const secret = secretOf({ username: 'app', password: 'pw', port: 5432, empty: null });
    expect(secret.fields()).toEqual(['username', 'password', 'port']);
    expect(secret.revealFields()).toEqual({ username: 'app', password: 'pw', port: '5432' });
    expect(secret.field('password').version).toBe(secret.version);
    expect(secret.field('password').ref).toBe('vault:app#password');
  });

  it('reveals the only field without its name', () => {
    expect(secretOf({ password: 'pw' }).reveal()).toBe('pw');
  });

  it('reads the fields of a value that is a JSON object', () => {
    const secret = secretOf('{"id":12345678901234567890,"on":true,"none":null,"in":{"a":1}}');
    expect(secret.field('id').reveal()).toBe('12345678901234567890');
    expect(secret.revealFields()).toEqual({ id: '12345678901234567890', on: 'true', in: '{"a":1}' });
  });

  it.each<[string, string, (secret: Secret) => unknown, unknown]>([
    ['several fields revealed as one', 'invalid-ref', (secret) => secret.reveal(), { a: '1', b: '2' }],
    ['a field that it lacks', 'not-found', (secret) => secret.field('c'), { a: '1' }],
    ['a field of Object.prototype', 'not-found', (secret) => secret.field('constructor'), { a: '1' }],
    ['a field that is empty', 'bad-response', (secret) => secret.field('a'), { a: '' }],
    ['a null field of a JSON value', 'not-found', (secret) => secret.field('a'), '{"a":null,"b":"1"}'],
    ['a field of a value that has none', 'not-found', (secret) => secret.field('a'), 'plain'],
    ['a field of a JSON array', 'not-found', (secret) => secret.field('0'), '["a"]'],
    ['the fields of a value that has none', 'invalid-ref', (secret) => secret.revealFields(), 'plain'],
    ['the fields of broken JSON', 'invalid-ref', (secret) => secret.revealFields(), `{"a":"${CANARY}`],
    ['JSON of what is none', 'invalid-value', (secret) => secret.revealJson(), `{${CANARY}`],
  ])('refuses %s with %s, and tells no content', (_, code, use, data) => {
    const error = problemOf(() => use(secretOf(data)));
    expect(error.code).toBe(code);
    expect(inspect(error)).not.toContain(CANARY);
  });

  it.each([[''], [new Uint8Array()], [{}], [{ a: null }], [null], [undefined], [['a']], [7]])(
    'F21: a blank is no secret: %j',
    (data) => {
      expect(problemOf(() => SecretValue.wrap(data)).code).toBe('bad-response');
    },
  );

  it('knows its age and its end', () => {
    const clock = fakeClock({ wallMs: 1_000 });
    const secret = secretOf('x', { sentMonotonicMs: -500, expiresWallMs: 61_000 }, clock);
    expect(secret.ageMs).toBe(500);
    expect(secret.expiresAt?.getTime()).toBe(61_000);
    expect(secretOf('x').expiresAt).toBeUndefined();
    expect(secret.stale).toBe(false);
    expect(secretOf('x', { staleReason: 'timeout' }).stale).toBe(true);
  });

  it('round-trips any text and any bytes', () => {
    fc.assert(
      fc.property(encodable({ minLength: 1 }), fc.uint8Array({ minLength: 1 }), (text, bytes) => {
        expect(secretOf(text).reveal()).toBe(text);
        expect(secretOf(bytes).revealBytes()).toEqual(bytes);
        expect(secretOf({ text }).field('text').reveal()).toBe(text);
      }),
    );
  });
});
