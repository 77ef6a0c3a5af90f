import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startKeyVault } from './key-vault-server.js';

it('F48: reads that nobody waits for leave nothing that holds the process, and no rejection', async () => {
  const vault = await startKeyVault();
  vault.set('key', 'canary');
  const fixture = fileURLToPath(new URL('./fixtures/read-and-leave.ts', import.meta.url));
  const args = ['--import', 'tsx', fixture, vault.vaultUrl, vault.ca, vault.token];
  const child = spawn(process.execPath, args, { env: { ...process.env, NODE_NO_WARNINGS: '1' } });
  try {
    const errors = text(child.stderr);
    await once(child.stdout, 'data');
    const answered = vault.requests.length;
    vault.isFrozen = true;
    child.stdin.write('read\n');
    await expect.poll(() => vault.requests.length).toBe(answered + 2);
    const out = text(child.stdout);
    const ended = once(child, 'exit');
    child.stdin.write('leave\n');
    expect((await ended)[0]).toBe(0);
    expect(JSON.parse(await out)).toEqual(['aborted', 'aborted']);
    expect(await errors).not.toMatch(/rejection|canary/i);
  } finally {
    child.kill('SIGKILL');
    await vault.stop();
  }
});
