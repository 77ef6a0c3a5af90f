import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { approle, vault } from '@keyturn/vault';
import { expect, it } from 'vitest';
import { failureOf, unhurried } from './calls.js';

const { cache } = createRequire(import.meta.url);
const loaded = () =>
  Object.keys(cache).filter((file) => /node_modules\/(node-vault|axios)\//.test(file)).length;

it('node-vault is loaded by the first call, and not before', async () => {
  const auth = approle({ roleId: 'r', secretId: 's' });
  const provider = vault({ address: 'http://127.0.0.1:1', auth });
  expect(loaded()).toBe(0);
  expect((await failureOf(provider.session?.login(unhurried) as Promise<unknown>)).code).toBe('unavailable');
  expect(loaded()).toBeGreaterThan(0);
});

it('no source file loads a module of Node at its top: https alone costs 5 ms', () => {
  const source = fileURLToPath(new URL('../src', import.meta.url));
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  expect(files.length).toBeGreaterThan(20);
  for (const file of files) {
    const imports = readFileSync(`${source}/${file}`, 'utf8').match(
      /^import (?!type\b).*from '(node:|node-vault).*$/gm,
    );
    expect([file, imports]).toEqual([file, null]);
  }
});
