import { Agent } from 'node:http';
import { connect } from 'node:net';
import { createDevServer, type DevServer } from '@keyturn/dev-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from './call.js';

let server: DevServer;
beforeAll(async () => {
  server = await createDevServer().start();
  await server.admin('POST', 'secret/data/a', { data: { v: 1 } });
});
afterAll(() => server.close());

test('LIST and SCAN work on one kept-alive connection, between other methods and after bodies', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const statuses: number[] = [];
  const ports = new Set<string>();
  agent.on('free', (socket) => ports.add(String(socket.localPort)));
  for (const [method, path] of [
    ['LIST', 'secret/metadata'],
    ['GET', 'secret/data/a'],
    ['POST', 'secret/data/a'],
    ['LIST', 'secret/metadata'],
    ['SCAN', 'secret/metadata'],
    ['HEAD', 'sys/health'],
    ['PURGE', 'secret/data/a'],
    ['LIST', 'secret/metadata/none'],
  ] as const) {
    const body = method === 'POST' ? { body: { data: { text: 'LIST / HTTP/1.1\r\n'.repeat(5_000) } } } : {};
    statuses.push((await ask(server, method, path, { agent, ...body })).status);
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 405, 404]);
  expect(ports.size).toBe(1);
  agent.destroy();
});

test('a method that arrives in pieces is still found', async () => {
  const { port } = new URL(server.address);
  const socket = connect(Number(port), '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.setNoDelay(true);
  const request = `LIST /v1/secret/metadata HTTP/1.1\r\nHost: x\r\nX-Vault-Token: ${server.rootToken}\r\nConnection: close\r\n\r\n`;
  for (const piece of ['L', 'IS', 'T ', request.slice(5)]) {
    await new Promise((resolve) => socket.write(piece, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(answer).toContain('"keys":["a"]');
});

test('what is no HTTP at all is refused in plain text', async () => {
  const socket = connect(Number(new URL(server.address).port), '127.0.0.1');
  socket.end('this is not HTTP\r\n\r\n');
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request[\s\S]*400 Bad Request$/);
});

test('many connections at once', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      ask(server, index % 2 ? 'LIST' : 'GET', index % 2 ? 'secret/metadata' : 'secret/data/a', { agent }),
    ),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  agent.destroy();
});
