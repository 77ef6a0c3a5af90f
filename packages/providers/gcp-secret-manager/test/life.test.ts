import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { overGrpc, startStore, unhurried } from './calls.js';

it('F48: reads that nobody waits for, and a close, leave nothing that holds the process, and no rejection', async () => {
  const store = await startStore();
  store.add('projects/orders/secrets/key', 'canary');
  const fixture = fileURLToPath(new URL('./fixtures/read-and-leave.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', fixture, String(store.port)], {
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  try {
    const errors = text(child.stderr);
    await once(child.stdout, 'data');
    store.isFrozen = true;
    child.stdin.write('read\n');
    await expect.poll(() => store.calls.length).toBe(3);
    const out = text(child.stdout);
    const ended = once(child, 'exit');
    child.stdin.write('leave\n');
    expect((await ended)[0]).toBe(0);
    expect(JSON.parse(await out)).toEqual({ codes: ['aborted', 'aborted'], held: [] });
    expect(await errors).not.toMatch(/rejection|canary/i);
  } finally {
    child.kill('SIGKILL');
    store.stop();
  }
});

it('a connection that breaks without a word is found dead, and another one is opened', async () => {
  const store = await startStore();
  store.add('projects/orders/secrets/key', 'value');
  const line = await lineTo(store.port);
  const pings = { 'grpc.keepalive_time_ms': 100, 'grpc.keepalive_timeout_ms': 100 };
  const provider = overGrpc(line.port, {}, pings);
  const outcome = () =>
    provider.fetch({ path: 'key' }, { ...unhurried, signal: AbortSignal.timeout(300) }).then(
      () => 'given',
      () => 'nothing',
    );
  try {
    await expect.poll(outcome).toBe('given'); // The first one loads the SDK as well.
    line.fallSilent();
    expect(await outcome()).toBe('nothing');
    await expect.poll(outcome).toBe('given');
    expect(line.opened()).toBeGreaterThan(1);
  } finally {
    await provider.close?.();
    line.stop();
    store.stop();
  }
});

/** A way to a port, whose connections so far can fall silent: they stay open, and nothing passes any more. */
async function lineTo(target: number) {
  const sockets: Socket[] = [];
  let opened = 0;
  const server = createServer((caller) => {
    opened++;
    const callee = connect(target, '127.0.0.1');
    for (const socket of [caller, callee]) sockets.push(socket.on('error', () => {}));
    caller.pipe(callee).pipe(caller);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    opened: () => opened,
    fallSilent() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
