import { createSecrets, type Secrets, type SecretsConfig } from '@keyturn/core';
import { isSecretsError } from '@keyturn/core/provider';
import { leakProbe } from '@keyturn/core/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { providerOf } from './calls.js';
import { failure, type KeyVaultServer, startKeyVault } from './key-vault-server.js';

/** What an application sees of the provider, through the core. */

let vault: KeyVaultServer;
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  vault = await startKeyVault();
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await vault.stop();
});

function live(settings: Partial<SecretsConfig> = {}) {
  const secrets = createSecrets({
    providers: { azure: providerOf(vault) },
    resilience: { firstRetryDelay: 1 },
    ...settings,
  });
  closing.push(() => secrets.close());
  return secrets;
}

const outcome = (secrets: Secrets, name: string) =>
  secrets.getSecret(`azure:${name}`).then(
    (one) => one.reveal(),
    (error: unknown) => (isSecretsError(error) ? error.code : 'a foreign error'),
  );

it('fifty references in one tick, under throttling and failures: each has its own outcome', async () => {
  const names = Array.from({ length: 50 }, (_, number) => `s${number}`);
  for (const name of names) vault.set(name, `canary of ${name}`);
  vault.secrets.delete('s7');
  for (const version of vault.secrets.get('s23') ?? []) version.attributes.enabled = false;
  vault.faults.push({ status: 429, body: failure('Throttled') }, { status: 503 }, { status: 500 });
  const probe = leakProbe(['canary', vault.token]);
  try {
    const secrets = live();
    const all = await Promise.all(names.map((name) => outcome(secrets, name)));
    const codes: Record<string, string> = { s7: 'not-found', s23: 'not-found' };
    expect(all).toEqual(names.map((name) => codes[name] ?? `canary of ${name}`));
    probe.assertClean();
  } finally {
    probe.stop();
  }
});

it('F40: a read that is denied from now on is never served stale', async () => {
  vault.set('key', 'canary');
  const secrets = live({ cache: { ttl: 1, maxStale: '1h' } });
  expect(await outcome(secrets, 'key')).toBe('canary');
  const denied = { status: 403, body: failure('Forbidden', 'ForbiddenByRbac') };
  vault.faults.push(...Array.from({ length: 1_000 }, () => denied));
  await expect.poll(() => outcome(secrets, 'key')).toBe('permission-denied');
  for (let read = 0; read < 20; read++) expect(await outcome(secrets, 'key')).toBe('permission-denied');
});

it('F29: versions of one secret are cached each by itself, and a new one is told to who watches', async () => {
  const older = vault.set('key', 'one');
  const newer = vault.set('key', 'two');
  const secrets = live({ cache: { ttl: 20 } });
  const seen: string[] = [];
  secrets.watch('azure:key', ({ version }) => void seen.push(version));
  await expect.poll(() => seen).toEqual([newer]);
  expect(await outcome(secrets, `key?version=${older}`)).toBe('one');
  const newest = vault.set('key', 'three');
  await expect.poll(() => seen).toEqual([newer, newest]);
  expect(await outcome(secrets, `key?version=${older}`)).toBe('one');
});
