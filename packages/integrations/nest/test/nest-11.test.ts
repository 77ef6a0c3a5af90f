import 'reflect-metadata';
import { createRequire } from 'node:module';
import { HttpException } from '@nestjs/common';
import { expect, test, vi } from 'vitest';
import { testModule } from './module-suite.js';
import { testRedaction } from './redaction-suite.js';

/** The previous major is a dependency of a package of its own; there everything finds it by its real name. */
const { nest11 } = vi.hoisted(() => ({
  nest11: (name: string): Record<string, unknown> => {
    const { createRequire: requireOf } = process.getBuiltinModule('node:module');
    const holder = requireOf(import.meta.url).resolve('keyturn-nest-11/package.json');
    return { ...requireOf(holder)(name) };
  },
}));
vi.mock('@nestjs/common', () => nest11('@nestjs/common'));
vi.mock('@nestjs/core', () => nest11('@nestjs/core'));
vi.mock('@nestjs/microservices', () => nest11('@nestjs/microservices'));
vi.mock('@nestjs/platform-express', () => nest11('@nestjs/platform-express'));
vi.mock('@nestjs/platform-fastify', () => nest11('@nestjs/platform-fastify'));

test('this is Nest 11', () => {
  const holder = createRequire(import.meta.url).resolve('keyturn-nest-11/package.json');
  const common = createRequire(holder)('@nestjs/common') as { HttpException: unknown };
  expect(createRequire(holder)('@nestjs/common/package.json').version).toMatch(/^11\./);
  expect(HttpException).toBe(common.HttpException);
});
testModule();
testRedaction();
