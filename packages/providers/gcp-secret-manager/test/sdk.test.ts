import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PassThroughClient } from 'google-auth-library';
import { expect, it } from 'vitest';
import { Clients } from '../src/clients.js';
import { startStore } from './calls.js';

const run = promisify(execFile);
const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

it('no source file loads the SDK or a module of Node at its top', () => {
  const source = fileURLToPath(new URL('../src', import.meta.url));
  const files = readdirSync(source).filter((file) => file.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) {
    const imports = readFileSync(`${source}/${file}`, 'utf8').match(
      /^import (?!type\b).*from '(?!\.|@keyturn\/core\/provider').*$/gm,
    );
    expect([file, imports]).toEqual([file, null]);
  }
});

it('an SDK that is not installed is named, with the command that installs it', async () => {
  const { stdout } = await run(process.execPath, ['--import', 'tsx', fixture('without-sdk.ts')]);
  const { before, code, remedy } = JSON.parse(stdout);
  expect([before, code]).toEqual([0, 'invalid-config']);
  expect(remedy).toContain('npm install @google-cloud/secret-manager');
});

it('F49: the debug output of the SDK shows no payload', async () => {
  const store = await startStore();
  store.add('projects/orders/secrets/key', 'canary-2c6f');
  try {
    const env = { ...process.env, GOOGLE_SDK_NODE_LOGGING: '*' };
    const args = ['--import', 'tsx', fixture('fetch-once.ts'), String(store.port)];
    const { stdout, stderr } = await run(process.execPath, args, { env });
    expect(stdout).toBe('fetched 1\n');
    const numbers = [...Buffer.from('canary-2c6f')].join();
    for (const form of ['canary-2c6f', numbers, Buffer.from('canary-2c6f').toString('base64').slice(0, 12)]) {
      expect(stderr.includes(form)).toBe(false);
    }
  } finally {
    store.stop();
  }
});

it('regional secrets have a client of their own, for the endpoint of their location', async () => {
  const clientOptions = { authClient: new PassThroughClient(), projectId: 'orders' };
  const endpoints = async (options: object) => {
    const clients = new Clients({ clientOptions: { ...clientOptions, ...options } });
    const made = [
      await clients.at(undefined),
      await clients.at('europe-west3'),
      await clients.at('europe-west3'),
    ];
    await clients.close();
    expect(made[1]).toBe(made[2]);
    return made
      .slice(0, 2)
      .map(
        (client) =>
          (client as unknown as { apiEndpoint: string; _opts: { servicePath: string } })._opts.servicePath,
      );
  };
  expect(await endpoints({})).toEqual([
    'secretmanager.googleapis.com',
    'secretmanager.europe-west3.rep.googleapis.com',
  ]);
  expect(await endpoints({ apiEndpoint: 'private.example' })).toEqual(['private.example', 'private.example']);
});

it('what is needed to notice a dead connection is set, unless it is set otherwise', async () => {
  const optionsOf = async (options: object) => {
    const clients = new Clients({
      clientOptions: { authClient: new PassThroughClient(), projectId: 'orders', ...options },
    });
    const client = (await clients.at(undefined)) as unknown as { _opts: Record<string, unknown> };
    await clients.close();
    return client._opts;
  };
  expect(await optionsOf({})).toMatchObject({
    'grpc.keepalive_time_ms': 30_000,
    'grpc.max_reconnect_backoff_ms': 5_000,
  });
  expect(await optionsOf({ 'grpc.keepalive_time_ms': 60_000 })).toMatchObject({
    'grpc.keepalive_time_ms': 60_000,
  });
});
