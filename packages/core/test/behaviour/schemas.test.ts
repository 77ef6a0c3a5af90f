import { inspect } from 'node:util';
import { defineSecrets, type Secret, template } from '@keyturn/core';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import { CANARY } from '../support/store.js';
import { codeOf, world } from '../support/world.js';

async function errorOf(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  return promise.then(
    () => expect.fail('it did not reject'),
    (error) => error,
  );
}

describe('getSecret with a schema', () => {
  const SCHEMAS = {
    zod: z.object({ username: z.string(), password: z.string().min(8), port: z.coerce.number() }),
    valibot: v.object({
      username: v.string(),
      password: v.pipe(v.string(), v.minLength(8)),
      port: v.pipe(v.string(), v.transform(Number)),
    }),
    arktype: type({ username: 'string', password: 'string >= 8', port: 'string.numeric.parse' }),
  };

  it.each(Object.entries(SCHEMAS))(
    'takes one of %s, and gives what it made of the fields',
    async (_, schema) => {
      const { store, secrets } = world();
      store.put('db', { username: 'app', password: 'long enough', port: 5432 });
      const secret = await secrets.getSecret('s:db', { schema });
      expect(secret.revealValue()).toEqual({ username: 'app', password: 'long enough', port: 5432 });
      expect(secret.revealFields().port).toBe('5432');
      expect(secret.version).toBe((await secrets.getSecret('s:db')).version);
    },
  );

  it.each(Object.entries(SCHEMAS))(
    'of %s that does not match: names the places, never the content',
    async (_, schema) => {
      const { store, secrets } = world();
      store.put('db', { username: 'app', password: CANARY.slice(0, 7), port: CANARY });
      const error = await errorOf(secrets.getSecret('s:db', { schema }));
      expect(error.code).toBe('invalid-value');
      expect(error.message).toContain('password');
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(CANARY.slice(0, 7));
    },
  );

  it('gives a text to a schema of a text, JSON to one of an object', async () => {
    const { store, secrets } = world();
    store.put('json', '{"limit":3}');
    store.put('text', 'three');
    const json = await secrets.getSecret('s:json', { schema: z.object({ limit: z.number() }) });
    const text = await secrets.getSecret('s:text', { schema: z.enum(['three', 'four']) });
    expect([json.revealValue(), text.revealValue()]).toEqual([{ limit: 3 }, 'three']);
  });

  it('checks each new version, and asks the store no more often for it', async () => {
    const { store, secrets } = world();
    const schema = z.string().startsWith('sk_');
    store.put('key', 'sk_1');
    await secrets.getSecret('s:key', { schema });
    await secrets.getSecret('s:key', { schema });
    expect(store.count('fetch')).toBe(1);
    store.put('key', 'pk_2');
    await secrets.rotate('s:key');
    expect(await codeOf(secrets.getSecret('s:key', { schema }))).toBe('invalid-value');
  });

  it('names the field of what does not match, and no key within it, which may be content', async () => {
    const { store, secrets } = world();
    store.put('json', JSON.stringify({ accounts: { [CANARY]: 'x' } }));
    const schema = z.object({ accounts: z.record(z.string(), z.number()) });
    const { message } = await errorOf(secrets.getSecret('s:json', { schema }));
    expect(message).toContain('at accounts.…');
    expect(message).not.toContain(CANARY);
  });

  it('takes schemas that answer later', async () => {
    const { store, secrets } = world();
    store.put('key', 'sk_1');
    const schema = z.string().refine(async (text) => text === 'sk_1');
    expect((await secrets.getSecret('s:key', { schema })).revealValue()).toBe('sk_1');
  });

  it('keeps what a schema throws to itself', async () => {
    const { store, secrets } = world();
    store.put('key', CANARY);
    const schema = z.string().transform((text) => {
      throw new Error(text);
    });
    const error = await errorOf(secrets.getSecret('s:key', { schema }));
    expect(error.code).toBe('invalid-value');
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(CANARY);
  });

  it.each([undefined, null, { issues: 5 }])('takes %j for no answer of a schema', async (answer) => {
    const { store, secrets } = world();
    store.put('key', CANARY);
    const schema = { '~standard': { version: 1, vendor: 'test', validate: () => answer } } as never;
    expect(await codeOf(secrets.getSecret('s:key', { schema }))).toBe('invalid-value');
  });

  it('refuses what is no schema before it asks the store', async () => {
    const { store, secrets } = world();
    expect(await codeOf(secrets.getSecret('s:key', { schema: { parse: () => 'x' } as never }))).toBe(
      'invalid-config',
    );
    expect(store.count('fetch')).toBe(0);
  });

  it('shows nothing of what it made when it is printed', async () => {
    const { store, secrets } = world();
    store.put('key', CANARY);
    const secret = await secrets.getSecret('s:key', { schema: z.string() });
    expect([`${secret}`, JSON.stringify(secret), inspect(secret, { showHidden: true })].join()).not.toContain(
      CANARY,
    );
  });

  it('revealValue() without a schema says what to do', async () => {
    const { store, secrets } = world();
    store.put('key', 'one');
    const secret = await secrets.getSecret('s:key');
    expect(() => secret.revealValue()).toThrow(/schema/);
  });

  it('is typed by it', () => {
    const get = (secrets: ReturnType<typeof world>['secrets']) =>
      secrets.getSecret('s:db', { schema: SCHEMAS.zod });
    expectTypeOf(get).returns.resolves.toEqualTypeOf<
      Secret<{ username: string; password: string; port: number }>
    >();
  });
});

describe('defineSecrets', () => {
  const needs = defineSecrets({
    stripe: 's:orders#stripe_key',
    database: { ref: 's:db', schema: z.object({ username: z.string(), password: z.string() }) },
    url: template('postgres://{{username}}:{{password}}@db', 's:db'),
  });

  it('loads all at once, and gives each by its name, as it is then', async () => {
    const { store, secrets } = world();
    store.put('orders', { stripe_key: 'sk_1' });
    store.put('db', { username: 'app', password: 'pw' });
    const { stripe, database, url } = await needs.load(secrets);
    expect((await stripe()).reveal()).toBe('sk_1');
    expect((await database()).revealValue()).toEqual({ username: 'app', password: 'pw' });
    expect((await url()).reveal()).toBe('postgres://app:pw@db');
    store.put('orders', { stripe_key: 'sk_2' });
    await secrets.rotate('s:orders');
    expect((await stripe()).reveal()).toBe('sk_2');
  });

  it('names everything that is missing or does not match, in one error', async () => {
    const { store, secrets } = world();
    store.put('db', { username: 'app' });
    const { message } = await errorOf(needs.load(secrets));
    expect(message).toContain('3 of 3');
    expect(message).toContain('not-found: s:orders');
    expect(message).toContain('does not match its schema at password');
    expect(message).toContain('has no field "password"');
  });

  it('is the inventory of what the service reads', () => {
    expect(needs.refs).toEqual({
      stripe: ['s:orders#stripe_key'],
      database: ['s:db'],
      url: ['s:db'],
    });
  });

  it('refuses a malformed reference and what is no schema when it is declared', () => {
    expect(() => defineSecrets({ bad: 'no alias' })).toThrow(/invalid-ref/);
    expect(() => defineSecrets({ bad: { ref: 's:db', schema: {} as never } })).toThrow(/Standard Schema/);
  });

  it('is typed by what was declared', () => {
    type Loaded = Awaited<ReturnType<typeof needs.load>>;
    expectTypeOf<Loaded['database']>().returns.resolves.toEqualTypeOf<
      Secret<{ username: string; password: string }>
    >();
    expectTypeOf<Loaded['stripe']>().returns.resolves.toEqualTypeOf<Secret>();
    // @ts-expect-error: nothing was declared by that name
    expectTypeOf<Loaded['nothing']>();
  });
});
