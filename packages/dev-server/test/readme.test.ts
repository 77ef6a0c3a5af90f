import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

test('the example of the README runs as it stands, and prints what it says', async () => {
  const script = /```js\n([\s\S]*?)```/.exec(README)?.[1] ?? '';
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script],
    { cwd: ROOT, env: { ...process.env, NODE_OPTIONS: '' } },
  );
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    'sk_test_1',
    '503',
    '200',
    'GET secret/data/orders 200',
    'GET secret/data/orders 503',
    'GET secret/data/orders 200',
    '',
  ]);
});

test('it says how many recorded calls are replayed', () => {
  const vectors = new URL('../../../test/contract/vectors/vault-observed.json', import.meta.url);
  const { cases } = JSON.parse(readFileSync(vectors, 'utf8'));
  expect(README).toContain(`replays ${cases.length - 43} recorded calls`);
});
