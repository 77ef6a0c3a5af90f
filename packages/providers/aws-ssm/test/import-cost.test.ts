import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { awsSsm } from '@keyturn/aws-ssm';
import { expect, it } from 'vitest';
import { failureOf, unhurried } from './calls.js';

const { cache } = createRequire(import.meta.url);
const loaded = () =>
  Object.keys(cache).filter((file) => /node_modules\/@(aws-sdk|smithy)\//.test(file)).length;

it('the SDK is loaded by the first call, and not before', async () => {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const provider = awsSsm({ region: 'eu-central-1', endpoint: 'http://127.0.0.1:1', credentials });
  await failureOf(provider.fetch({ path: 'not a name' }, unhurried));
  expect(loaded()).toBe(0);
  expect((await failureOf(provider.fetch({ path: 'a' }, unhurried))).code).toBe('unavailable');
  expect(loaded()).toBeGreaterThan(0);
});

it('no source file loads the SDK or a module of Node at its top', () => {
  const source = fileURLToPath(new URL('../src', import.meta.url));
  const files = readdirSync(source).filter((file) => file.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) {
    const imports = readFileSync(`${source}/${file}`, 'utf8').match(
      /^import (?!type\b)[^;]*from '(?:node:|@aws-sdk)[^;]*;/gm,
    );
    expect([file, imports]).toEqual([file, null]);
  }
});
