import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { mountedFiles } from '../src/index.js';
import { newFolder, observe, realCall, until } from './workspace.js';

const chokidar = vi.hoisted(() => ({ imports: 0 }));
vi.mock('chokidar', (original) => {
  chokidar.imports++;
  return original();
});

const DEADLINE_MS = 20_000;

function folder(): string {
  const root = newFolder();
  mkdirSync(join(root, 'db'));
  for (const path of ['password', 'db/user', 'db/password']) writeFileSync(join(root, path), 'value');
  return root;
}

test('F48: a process that watches ends by itself', async () => {
  const script = fileURLToPath(new URL('./fixtures/watch-and-leave.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder()], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  let output = '';
  let endedMs = 0;
  child.stdout.on('data', (chunk) => {
    output += chunk;
    endedMs = performance.now();
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  expect(output).toBe('last line\n');
  expect(code).toBe(0);
  expect(performance.now() - endedMs).toBeLessThan(2_000);
});

test('chokidar is imported when the first watch begins, not before', async () => {
  const root = folder();
  const provider = mountedFiles({ root });
  await provider.fetch({ path: 'password' }, realCall());
  expect(chokidar.imports).toBe(0);
  await using watch = await observe(provider, 'password');
  writeFileSync(join(root, 'password'), 'next');
  await until(() => watch.seen.at(-1) === 'next', 'the change');
  expect(chokidar.imports).toBe(1);
});
