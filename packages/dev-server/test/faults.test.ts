import { Agent } from 'node:http';
import { fakeClock } from '@keyturn/core/testing';
import { createDevServer, type DevServer } from '@keyturn/dev-server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ask } from './call.js';

const clock = fakeClock();
let server: DevServer;
const get = (path = 'secret/data/app') => ask(server, 'GET', path);

beforeEach(async () => {
  server = await createDevServer({ clock }).start();
  await server.admin('POST', 'secret/data/app', { data: { v: 1 } });
});
afterEach(() => server.close());

describe('answers', () => {
  test('F19: 429 with Retry-After, for so many requests', async () => {
    const fault = server.inject({ answer: 429, errors: ['slow down'], retryAfterSeconds: 7, times: 2 });
    const first = await get();
    expect(first).toMatchObject({
      status: 429,
      headers: { 'retry-after': '7' },
      body: { errors: ['slow down'] },
    });
    expect([(await get()).status, (await get()).status]).toEqual([429, 200]);
    expect(fault.hits).toBe(2);
  });

  test('5xx on some paths or methods only', async () => {
    server.inject({ answer: 500, path: 'secret/data/' });
    server.inject({ answer: 502, path: /policies/, method: 'list' });
    expect((await get()).status).toBe(500);
    expect((await get('sys/mounts')).status).toBe(200);
    expect((await ask(server, 'LIST', 'sys/policies/acl')).status).toBe(502);
    expect((await get('sys/policies/acl/default')).status).toBe(200);
  });

  test.each([
    ['html', 'text/html', /^<!DOCTYPE html>/],
    ['malformed-json', 'application/json', /^\{"data": \{$/],
    ['empty', 'application/json', /^$/],
  ] as const)('F21: %s with status 200', async (answer, type, text) => {
    server.inject({ answer });
    const got = await get();
    expect(got).toMatchObject({ status: 200, headers: { 'content-type': type } });
    expect(got.text).toMatch(text);
  });

  test('a fault that is removed is over; the oldest wins', async () => {
    const first = server.inject({ answer: 500 });
    server.inject({ answer: 503 });
    expect((await get()).status).toBe(500);
    first.remove();
    expect((await get()).status).toBe(503);
    await server.recover();
    expect((await get()).status).toBe(200);
  });
});

describe('connections', () => {
  test('reset', async () => {
    server.inject({ answer: 'reset', times: 1 });
    await expect(get()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await get()).status).toBe(200);
    expect(server.requests({ status: 0 })).toHaveLength(1);
  });

  test('hang, until the server closes', async () => {
    server.inject({ answer: 'hang' });
    const hanging = get();
    const outcome = hanging.catch((error) => error.code);
    await expect.poll(() => server.requests({ status: 0 }).length).toBe(1);
    await server.close();
    expect(await outcome).toBe('ECONNRESET');
  });

  test('refused, and back at the same address, with everything as it was', async () => {
    const agent = new Agent({ keepAlive: true });
    const { address } = server;
    await ask(server, 'GET', 'sys/health', { agent });
    await server.refuseConnections();
    await expect(ask(server, 'GET', 'sys/health', { agent })).rejects.toMatchObject({
      code: expect.stringMatching(/ECONNREFUSED|ECONNRESET/),
    });
    await expect(get()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.acceptConnections();
    expect(server.address).toBe(address);
    expect((await get()).body).toMatchObject({ data: { data: { v: 1 } } });
    agent.destroy();
  });

  test('latency is the clock of the test', async () => {
    server.inject({ latencyMs: 60_000 });
    let answered = false;
    const asked = get().then((answer) => {
      answered = true;
      return answer.status;
    });
    await expect.poll(() => clock.pending).toBe(1);
    await clock.advance(59_999);
    expect(answered).toBe(false);
    await clock.advance(1);
    expect(await asked).toBe(200);
  });
});

describe('states', () => {
  test('F18: sealed', async () => {
    server.seal();
    expect(server.sealed).toBe(true);
    expect((await get()).body).toEqual({ errors: ['Vault is sealed'] });
    server.unseal();
    expect((await get()).status).toBe(200);
  });

  test('F20: a standby answers its health with 429, and refuses or redirects the rest', async () => {
    server.standby(true);
    expect((await get('sys/health')).status).toBe(429);
    expect((await get()).body).toEqual({ errors: ['Vault is in standby mode'] });
    server.standby({ redirect: 'http://127.0.0.1:8200' });
    expect(await get('secret/data/app?version=1')).toMatchObject({
      status: 307,
      headers: { location: 'http://127.0.0.1:8200/v1/secret/data/app?version=1' },
    });
    server.standby(false);
    expect((await get('sys/health')).status).toBe(200);
  });
});

describe('the request log', () => {
  test('counts by method, path and status, in order', async () => {
    await get();
    await get('secret/data/none');
    await ask(server, 'LIST', 'secret/metadata');
    expect(server.requests().map(({ method, path, status }) => [method, path, status])).toEqual([
      ['GET', 'secret/data/app', 200],
      ['GET', 'secret/data/none', 404],
      ['LIST', 'secret/metadata', 200],
    ]);
    expect(server.requests({ method: 'get', path: 'secret/data/' })).toHaveLength(2);
    expect(server.requests({ path: /none$/, status: 404 })).toHaveLength(1);
    server.clearRequests();
    expect(server.requests()).toEqual([]);
  });
});
