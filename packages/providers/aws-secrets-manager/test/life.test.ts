import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startScriptedAws } from '../../../../test/servers/scripted-aws.js';

it('F48: reads that nobody waits for, and a close, leave nothing that holds the process, and no rejection', async () => {
  const server = await startScriptedAws(({ input }) => {
    if (input.SecretId !== 'answered') return 'hang';
    return {
      result: { Name: 'answered', VersionId: 'a1b2c3d4-5678-90ab-cdef-EXAMPLE11111', SecretString: 'x' },
    };
  });
  const fixture = fileURLToPath(new URL('./fixtures/read-and-leave.ts', import.meta.url));
  const child = spawn(process.execPath, ['--no-deprecation', '--import', 'tsx', fixture, server.endpoint], {
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  try {
    const [out, errors] = [text(child.stdout), text(child.stderr)];
    const ended = new Promise((resolve) => child.on('exit', resolve));
    await expect.poll(() => server.calls.length).toBe(4);
    child.stdin.write('leave\n');
    expect(await ended).toBe(0);
    expect(JSON.parse(await out)).toEqual({ codes: ['aborted', 'aborted', 'aborted'], held: [] });
    expect(await errors).not.toMatch(/rejection|canary/i);
  } finally {
    child.kill('SIGKILL');
    await server.stop();
  }
});
