import { memoryProvider } from '@keyturn/core/testing';
import { createRedactor } from '@keyturn/redact';
import { type DynamicModule, type INestApplication, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { KeyturnModule } from '../src/index.js';
import { CANARY } from './canary.js';

export const PLATFORMS = ['express', 'fastify'] as const;
export type Platform = (typeof PLATFORMS)[number];

/** A store with one secret, the module over it, and what masks. */
export function stage(options: { readonly preload?: boolean } = {}) {
  const store = memoryProvider();
  store.set('db', { username: 'orders', password: CANARY });
  const redactor = createRedactor();
  const responseRedactor = createRedactor({ shapes: false });
  const module = KeyturnModule.forRoot({
    providers: { store },
    redactor,
    responseRedactor,
    ...options,
  });
  return { store, redactor, responseRedactor, module };
}

/** A module class of this metadata; without decorator syntax, so that no compiler setting is needed. */
export function moduleOf(metadata: Parameters<typeof Module>[0]): Type {
  class AppModule {}
  Module(metadata)(AppModule);
  return AppModule;
}

export function createApp(
  platform: Platform,
  module: Type | DynamicModule,
  options: Parameters<typeof NestFactory.create>[2] = {},
): Promise<INestApplication> {
  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  return NestFactory.create(module, adapter, { logger: false, abortOnError: false, ...options });
}

/** Listens on a free port; the address. */
export async function listen(app: INestApplication): Promise<string> {
  await app.listen(0, '127.0.0.1');
  return (await app.getUrl()).replace('[::1]', '127.0.0.1');
}

/** Declares `name` of `type` as a handler: `handler(Orders, 'list', Get('orders'))`. */
export function handler(type: Type, name: string, ...decorators: MethodDecorator[]): void {
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name);
  for (const decorate of decorators) decorate(type.prototype, name, descriptor ?? {});
}
