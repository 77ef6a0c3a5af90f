import 'reflect-metadata';
import { HttpException } from '@nestjs/common';
import { expect, test } from 'vitest';
import { testModule } from './module-suite.js';
import { testRedaction } from './redaction-suite.js';

test('this is Nest 12', async () => {
  const { default: manifest } = await import('@nestjs/common/package.json', { with: { type: 'json' } });
  expect(manifest.version).toMatch(/^12\./);
  expect(HttpException).toBe((await import('@nestjs/common')).HttpException);
});
testModule();
testRedaction();
