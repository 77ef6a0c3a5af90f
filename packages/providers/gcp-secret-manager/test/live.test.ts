import { status } from '@grpc/grpc-js';
import { createSecrets, type Secrets, type SecretsConfig } from '@keyturn/core';
import { isSecretsError } from '@keyturn/core/provider';
import { leakProbe } from '@keyturn/core/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SecretManagerServer } from '../../../../test/servers/gcp.js';
import { overGrpc, startStore } from './calls.js';

/** What an application sees of the provider, through the core. */

let store: SecretManagerServer;
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  store = await startStore();
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  store.stop();
});

function live(settings: Partial<SecretsConfig> = {}) {
  const secrets = createSecrets({
    providers: { gcp: overGrpc(store.port) },
    resilience: { firstRetryDelay: 1 },
    ...settings,
  });
  closing.push(() => secrets.close());
  return secrets;
}

const outcome = (secrets: Secrets, name: string) =>
  secrets.getSecret(`gcp:${name}`).then(
    (one) => one.reveal(),
    (error: unknown) => (isSecretsError(error) ? error.code : 'a foreign error'),
  );

it('fifty references in one tick, under throttling and failures: each has its own outcome', async () => {
  const names = Array.from({ length: 50 }, (_, number) => `s${number}`);
  for (const name of names) store.add(`projects/orders/secrets/${name}`, `canary of ${name}`);
  store.secrets.delete('projects/orders/secrets/s7');
  for (const version of store.secrets.get('projects/orders/secrets/s23') ?? []) version.state = 'DISABLED';
  for (const code of [status.RESOURCE_EXHAUSTED, status.UNAVAILABLE, status.INTERNAL]) {
    store.faults.push({ code, details: 'canary' });
  }
  const probe = leakProbe(['canary']);
  try {
    const secrets = live();
    const all = await Promise.all(names.map((name) => outcome(secrets, name)));
    const codes: Record<string, string> = { s7: 'not-found', s23: 'not-found' };
    expect(all).toEqual(names.map((name) => codes[name] ?? `canary of ${name}`));
    expect(store.calls).toHaveLength(53);
    probe.assertClean();
  } finally {
    probe.stop();
  }
});

it('F29: versions and aliases of one secret are cached each by itself', async () => {
  const path = 'projects/orders/secrets/key';
  for (const value of ['one', 'two', 'three']) store.add(path, value);
  store.aliases.set(`${path}/aliases/live`, 2);
  const secrets = live();
  const asked = ['key', 'key?stage=live', 'key?version=1', 'key?version=3'];
  for (let turn = 0; turn < 2; turn++) {
    const found: string[] = [];
    for (const name of asked) found.push(await outcome(secrets, name));
    expect(found).toEqual(['three', 'two', 'one', 'three']);
  }
  expect(store.calls).toHaveLength(asked.length);
});

it('F40: a read that is denied from now on is never served stale', async () => {
  store.add('projects/orders/secrets/key', 'canary');
  const secrets = live({ cache: { ttl: 1, maxStale: '1h' } });
  expect(await outcome(secrets, 'key')).toBe('canary');
  store.faults.push(...Array.from({ length: 1_000 }, () => ({ code: status.PERMISSION_DENIED })));
  await expect.poll(() => outcome(secrets, 'key')).toBe('permission-denied');
  for (let read = 0; read < 20; read++) expect(await outcome(secrets, 'key')).toBe('permission-denied');
});

it('a new version is told to who watches, once, and within the cache ttl', async () => {
  store.add('projects/orders/secrets/key', 'one');
  const secrets = live({ cache: { ttl: 20 } });
  const seen: string[] = [];
  secrets.watch('gcp:key', ({ version }) => void seen.push(version));
  await expect.poll(() => seen).toEqual(['1']);
  store.add('projects/orders/secrets/key', 'two');
  await expect.poll(() => seen).toEqual(['1', '2']);
});
