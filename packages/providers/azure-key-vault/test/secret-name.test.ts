import { azureKeyVault } from '@keyturn/azure-key-vault';
import { isSecretsError } from '@keyturn/core/provider';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkQualifiers, pathOf, secretName } from '../src/secret-name.js';
import { failureOf, providerOf, unhurried } from './calls.js';
import { startKeyVault } from './key-vault-server.js';

describe('names', () => {
  it.each([
    ['stripe-key', undefined, 'stripe-key'],
    ['orders--stripe-key', undefined, 'orders--stripe-key'],
    ['orders/stripe-key', '--', 'orders--stripe-key'],
    ['a/b/c', '-x-', 'a-x-b-x-c'],
  ])('%s with the separator %s is %s', (path, separator, name) => {
    expect(secretName(path, separator)).toBe(name);
    expect(pathOf(name, separator)).toBe(path);
  });

  it.each([
    ['', undefined, /letters, digits/],
    ['a_b', undefined, /letters, digits/],
    ['a.b', undefined, /letters, digits/],
    ['a b', undefined, /letters, digits/],
    ['ключ', undefined, /letters, digits/],
    ['a%2fb', undefined, /letters, digits/],
    ['n'.repeat(128), undefined, /127/],
    ['a/b', undefined, /separator/],
    ['a--b/c', '--', /another path/],
    ['a-/b', '--', /another path/],
    ['a/../b', '--', /letters, digits/],
  ])('%s with the separator %s is refused', (path, separator, word) => {
    const error = thrownBy(() => secretName(path, separator));
    expect(error.code).toBe('invalid-ref');
    expect(error.message).toMatch(word);
  });

  it('two paths never stand for one name', () => {
    const path = fc.string({ unit: fc.constantFrom(...'ab-/'), minLength: 1, maxLength: 8 });
    const nameOf = (given: string) => {
      try {
        return secretName(given, '--');
      } catch {
        return undefined;
      }
    };
    fc.assert(
      fc.property(path, path, (one, other) => {
        const name = nameOf(one);
        if (name !== undefined && name === nameOf(other)) expect(one).toBe(other);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('F29: versions', () => {
  it.each([{}, { version: '0123456789abcdef0123456789ABCDEF' }])('%j is one', (qualifier) => {
    expect(() => checkQualifiers({ path: 'k', ...qualifier })).not.toThrow();
  });

  it.each([
    [{ version: '3' }, /32 hexadecimal/],
    [{ version: '' }, /32 hexadecimal/],
    [{ version: '../../keys/k' }, /32 hexadecimal/],
    [{ stage: 'current' }, /no stages/],
  ])('%j is refused', (qualifier, word) => {
    const error = thrownBy(() => checkQualifiers({ path: 'k', ...qualifier }));
    expect(error.code).toBe('invalid-ref');
    expect(error.message).toMatch(word);
  });
});

it('refuses before any I/O', async () => {
  const vault = await startKeyVault();
  try {
    for (const ref of [{ path: 'a_b' }, { path: 'k', version: '1' }, { path: 'k', stage: 's' }]) {
      expect((await failureOf(providerOf(vault).fetch(ref, unhurried))).code).toBe('invalid-ref');
    }
    expect(vault.requests).toEqual([]);
  } finally {
    await vault.stop();
  }
});

describe('settings', () => {
  const vaultUrl = 'https://orders.vault.azure.net';
  const client = { getSecret: async () => ({ properties: {} }), listPropertiesOfSecrets: () => [] as never };
  it.each([
    [{}, 'vaultUrl'],
    [{ vaultUrl: 'orders' }, 'vaultUrl'],
    [{ vaultUrl: 'http://orders.vault.azure.net' }, 'vaultUrl'],
    [{ vaultUrl: 'https://canary:word@orders.vault.azure.net' }, 'vaultUrl'],
    [{ vaultUrl: `${vaultUrl}/secrets/k` }, 'vaultUrl'],
    [{ vaultUrl: `${vaultUrl}?x=y` }, 'vaultUrl'],
    [{ vaultUrl, credential: { token: 'canary' } as never }, 'credential'],
    [{ vaultUrl, clientOptions: 'x' as never }, 'clientOptions'],
    [{ vaultUrl, separator: '/' }, 'separator'],
    [{ vaultUrl, separator: '' }, 'separator'],
    [{ vaultUrl, vault: 'orders' } as never, 'vault'],
    [{ client: {} as never }, 'client'],
    [{ client, vaultUrl }, 'vaultUrl'],
    [{ client, clientOptions: {} }, 'clientOptions'],
    [null as never, 'azureKeyVault'],
  ])('%j names the setting %s', (config, setting) => {
    const error = thrownBy(() => azureKeyVault(config));
    expect(error.code).toBe('invalid-config');
    expect(error.problem).toContain(setting);
    expect(error.message).not.toContain('canary');
  });

  it.each([vaultUrl, `${vaultUrl}/`, 'https://orders.vault.azure.cn'])('%s is a vault', (url) => {
    expect(azureKeyVault({ vaultUrl: url }).name).toBe('azure-key-vault');
  });
});

function thrownBy(call: () => unknown) {
  try {
    call();
  } catch (error) {
    if (isSecretsError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
