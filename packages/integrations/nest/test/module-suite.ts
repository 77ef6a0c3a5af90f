import { createSecrets, rotating, Secrets, type SecretsError, template } from '@keyturn/core';
import { memoryProvider } from '@keyturn/core/testing';
import { Controller, Get, Inject, Injectable } from '@nestjs/common';
import { describe, expect, test } from 'vitest';
import {
  InjectSecret,
  InjectSecrets,
  KEYTURN_REDACTOR,
  KeyturnModule,
  type LiveSecret,
  secretToken,
} from '../src/index.js';
import { createApp, handler, listen, moduleOf, PLATFORMS, stage } from './app.js';
import { CANARY } from './canary.js';

/** What the module does in any Nest; run once with each major. */
export function testModule(): void {
  describe.each(PLATFORMS)('in an application on %s', (platform) => {
    test('a class holds a secret that rotates under it, there already in its constructor', async () => {
      const { store, module } = stage();
      class Orders {
        readonly first: string;
        constructor(
          readonly secrets: Secrets,
          readonly password: LiveSecret,
        ) {
          this.first = password.current.reveal();
        }
        length() {
          return { length: this.password.current.reveal().length };
        }
      }
      Controller()(Orders);
      InjectSecrets()(Orders, undefined, 0);
      InjectSecret('store:db#password')(Orders, undefined, 1);
      handler(Orders, 'length', Get('length'));
      const app = await createApp(platform, moduleOf({ imports: [module], controllers: [Orders] }));
      const url = await listen(app);
      const orders = app.get(Orders);
      expect(orders.first).toBe(CANARY);
      expect(orders.secrets).toBe(app.get(Secrets));

      store.set('db', { username: 'orders', password: 'another' });
      await orders.secrets.rotate('store:db');
      expect(await (await fetch(`${url}/length`)).json()).toEqual({ length: 7 });
      expect((await orders.password.get()).reveal()).toBe('another');
      await app.close();
      expect(store.count('close')).toBe(1);
    });
  });

  describe('injection', () => {
    test('into properties, subclasses, factories and by template; each shows itself without its value', async () => {
      const { module } = stage();
      const url = template('db://{{username}}:{{password}}@host', 'store:db');
      class Base {
        readonly password!: LiveSecret;
        readonly url!: LiveSecret;
      }
      InjectSecret('store:db#password')(Base.prototype, 'password');
      InjectSecret(url)(Base.prototype, 'url');
      class Service extends Base {}
      const app = await createApp(
        'express',
        moduleOf({
          imports: [module],
          providers: [
            Service,
            {
              provide: 'name',
              inject: [secretToken('store:db#username')],
              useFactory: (name: LiveSecret) => name.current.reveal(),
            },
          ],
        }),
      );
      await app.init();
      const service = app.get(Service);
      expect(service.password.current.reveal()).toBe(CANARY);
      expect(service.url.current.reveal()).toBe(`db://orders:${encodeURIComponent(CANARY)}@host`);
      expect(app.get('name')).toBe('orders');
      expect(`${service.password} ${JSON.stringify(service.password)}`).toBe(
        'LiveSecret(store:db#password) "LiveSecret(store:db#password)"',
      );
      await app.close();
    });

    test('of a class that is declared after forRoot was called, in a module that imports nothing', async () => {
      const { module } = stage();
      class Late {
        constructor(readonly name: LiveSecret) {}
      }
      Injectable()(Late);
      const Root = moduleOf({ imports: [module, moduleOf({ providers: [Late] })] });
      InjectSecret('store:db#username')(Late, undefined, 0);
      const app = await createApp('express', Root);
      expect(app.get(Late, { strict: false }).name.current.reveal()).toBe('orders');
      await app.close();
    });

    test('what other applications of the process inject is not fetched', async () => {
      class Elsewhere {}
      InjectSecret('elsewhere:nothing')(Elsewhere, undefined, 0);
      const { store, module } = stage();
      const app = await createApp('express', moduleOf({ imports: [module] }));
      await app.init();
      expect(store.count('fetch')).toBe(0);
      await app.close();
    });
  });

  describe('a start that must fail', () => {
    const starting = async (refs: readonly string[], preload = true) => {
      const { store, module } = stage({ preload });
      class Payments {}
      Injectable()(Payments);
      for (const [index, ref] of refs.entries()) InjectSecret(ref)(Payments, undefined, index);
      const start = createApp('express', moduleOf({ imports: [module], providers: [Payments] }));
      const error = await start.then(
        () => undefined,
        (thrown: SecretsError) => thrown,
      );
      return { error, store };
    };

    test.each([
      ['a secret that is not there', 'store:nothing', 'not-found'],
      ['a field that is not there', 'store:db#nothing', 'not-found'],
      ['a malformed reference', 'store:../db', 'invalid-ref'],
      ['an unknown alias', 'other:db', 'invalid-ref'],
    ])('%s: the error names the class, and the store is closed', async (_, ref, code) => {
      const { error, store } = await starting([ref]);
      expect(error).toMatchObject({ name: 'SecretsError', code });
      expect(error?.message).toContain('It is injected into Payments.');
      if (code !== 'not-found') return;
      expect(error?.ref).toBe(ref);
      expect(store.count('close')).toBe(1);
    });

    test('several are listed together', async () => {
      const { error } = await starting(['store:one', 'store:two', 'store:db']);
      expect(error?.message).toMatch(
        /2 of 3 injected secrets cannot be had\. .*:\n- not-found: store:one[^\n]*\n- not-found: store:two/,
      );
    });

    test('a reference that cannot be right fails without preload too', async () => {
      const { error } = await starting(['other:db'], false);
      expect(error).toMatchObject({ code: 'invalid-ref' });
    });

    test('a pool that cannot get its credential', async () => {
      const { module } = stage();
      const pool = {
        provide: 'pool',
        inject: [Secrets],
        useFactory: (secrets: Secrets) =>
          rotating(secrets, 'store:pool', { open: async () => ({}), close: () => {} }),
      };
      const app = await createApp('express', moduleOf({ imports: [module], providers: [pool] }));
      await expect(app.init()).rejects.toMatchObject({ code: 'not-found', ref: 'store:pool' });
      await app.close();
    });

    test.each([
      ['nothing', undefined, 'The options are no object'],
      ['no providers', {}, 'providers'],
      ['a setting that does not exist', { providers: {}, cash: {} }, 'cash'],
      ['providers besides secrets', { secrets: {}, providers: {} }, 'providers is set besides secrets'],
      ['secrets that are none', { secrets: {} }, 'secrets is not made by createSecrets'],
      ['a preload that is no boolean', { providers: {}, preload: 'no' }, 'preload'],
    ])('a factory of options that returns %s', async (_, options, problem) => {
      const module = KeyturnModule.forRootAsync({ useFactory: () => options as never });
      const start = createApp('express', moduleOf({ imports: [module] }));
      await expect(start).rejects.toMatchObject({ code: 'invalid-config' });
      await expect(start).rejects.toThrow(problem);
    });
  });

  test('without preload the application starts while the store is down, and fetches meanwhile', async () => {
    const store = memoryProvider();
    class Service {
      constructor(readonly password: LiveSecret) {}
    }
    Injectable()(Service);
    InjectSecret('store:later')(Service, undefined, 0);
    const secrets = createSecrets({ providers: { store } });
    const failures: string[] = [];
    secrets.on('refresh-failed', ({ ref }) => failures.push(ref));
    const module = KeyturnModule.forRoot({ secrets, preload: false });
    const app = await createApp('express', moduleOf({ imports: [module], providers: [Service] }));
    await app.init();
    await expect.poll(() => failures).toContain('store:later');
    const { password } = app.get(Service);
    expect(() => password.current).toThrow('No version of it is at hand');
    await expect(password.get()).rejects.toMatchObject({ code: 'not-found' });
    await app.close();
    await secrets.close();
  });

  test('options come from a factory, with what it injects', async () => {
    const { store } = stage();
    const Config = moduleOf({ providers: [{ provide: 'store', useValue: store }], exports: ['store'] });
    const module = KeyturnModule.forRootAsync({
      imports: [Config],
      inject: ['store'],
      useFactory: async (given: typeof store) => ({ providers: { store: given } }),
    });
    const app = await createApp('express', moduleOf({ imports: [module] }));
    expect((await app.get(Secrets).getSecret('store:db#username')).reveal()).toBe('orders');
    expect(app.get(KEYTURN_REDACTOR)).toBeUndefined();
    await app.close();
    expect(store.count('close')).toBe(1);
  });

  test('a module that is not global is seen where it is imported only', async () => {
    const { store } = stage();
    class Service {
      constructor(readonly secrets: Secrets) {}
    }
    Inject(Secrets)(Service, undefined, 0);
    const module = KeyturnModule.forRoot({ providers: { store }, isGlobal: false });
    const start = createApp('express', moduleOf({ imports: [module, moduleOf({ providers: [Service] })] }));
    await expect(start).rejects.toThrow("Nest can't resolve dependencies of the Service");
  });

  describe('the end', () => {
    test('comes after everybody else is told and the server is closed, and once', async () => {
      const { store, module } = stage();
      store.lease('creds', { ttlMs: 60_000, renewable: true, make: () => ({ password: CANARY }) });
      const states: string[] = [];
      class Service {
        constructor(readonly creds: LiveSecret) {}
        #note(hook: string) {
          states.push(`${hook}: ${store.liveLeases().length} lease, closed ${store.count('close')}`);
        }
        onModuleDestroy() {
          this.#note('onModuleDestroy');
        }
        beforeApplicationShutdown() {
          this.#note('beforeApplicationShutdown');
        }
        onApplicationShutdown() {
          this.#note('onApplicationShutdown');
        }
      }
      Injectable()(Service);
      InjectSecret('store:creds')(Service, undefined, 0);
      const app = await createApp('express', moduleOf({ imports: [module], providers: [Service] }));
      await listen(app);
      await Promise.all([app.close(), app.close()]);
      expect([...new Set(states)]).toEqual([
        'onModuleDestroy: 1 lease, closed 0',
        'beforeApplicationShutdown: 1 lease, closed 0',
        'onApplicationShutdown: 1 lease, closed 0',
      ]);
      expect(store.liveLeases()).toHaveLength(0);
      expect(store.count('close')).toBe(1);
    });

    test('does not close secrets that were passed in', async () => {
      const { store } = stage();
      const secrets = createSecrets({ providers: { store } });
      class Service {}
      InjectSecret('store:db')(Service, undefined, 0);
      const app = await createApp(
        'express',
        moduleOf({ imports: [KeyturnModule.forRoot({ secrets })], providers: [Service] }),
      );
      expect(app.get(Secrets)).toBe(secrets);
      expect(secrets.inventory()[0]?.consumers.total).toBe(1);
      await app.close();
      expect(secrets.inventory()[0]?.consumers.total).toBe(0);
      expect(store.count('close')).toBe(0);
      await secrets.close();
    });
  });
}
