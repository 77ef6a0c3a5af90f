import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createDevServer, type DevServer } from '@keyturn/dev-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const HOLDER = fileURLToPath(new URL('heap-holder.ts', import.meta.url));
const COUNT = 100;

describe('the heap of a process that holds a hundred secrets', () => {
  let server: DevServer;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyturn-heap-'));
    server = await createDevServer().start();
    for (let number = 0; number < COUNT; number++)
      await server.admin('POST', `secret/data/app-${number}`, { data: { key: canary(number) } });
  });
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true });
  });

  const canary = (number: number) => `canary${number}x7fK2pQ9`;

  /** How many of the secrets a snapshot of its heap shows. */
  async function seenIn(how: 'held' | 'revealed'): Promise<number> {
    const file = join(folder, `${how}.heapsnapshot`);
    const env = { ...process.env, VAULT_ADDR: server.address, VAULT_TOKEN: server.rootToken };
    const args = ['--expose-gc', '--import', 'tsx', HOLDER, file, String(COUNT), how];
    const { stdout } = await run(process.execPath, args, { env });
    expect(stdout).toContain(`written: ${2 * COUNT} held, ${how === 'revealed' ? 2 * COUNT : 0} revealed`);
    const snapshot = await readFile(file, 'latin1');
    return Array.from({ length: COUNT }, (_, number) => snapshot.includes(canary(number))).filter(Boolean)
      .length;
  }

  it('shows none of them, as they were not revealed', async () => {
    expect(await seenIn('held')).toBe(0);
  });

  it('would show them: those that were revealed and kept are there', async () => {
    expect(await seenIn('revealed')).toBe(COUNT);
  });
});
