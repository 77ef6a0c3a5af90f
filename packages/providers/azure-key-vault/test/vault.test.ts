import { createSecureContext } from 'node:tls';
import { SecretClient } from '@azure/keyvault-secrets';
import { azureKeyVault, type KeyVaultClient } from '@keyturn/azure-key-vault';
import { createSecrets } from '@keyturn/core';
import type { Provider, ProviderRef } from '@keyturn/core/provider';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clientOptions, failureOf, providerOf, unhurried } from './calls.js';
import { authority, pkcs12 } from './certificates.js';
import { type KeyVaultServer, startKeyVault } from './key-vault-server.js';

let vault: KeyVaultServer;
let provider: Provider;
beforeAll(async () => {
  vault = await startKeyVault();
  provider = providerOf(vault);
});
afterAll(() => vault.stop());
beforeEach(() => {
  vault.secrets.clear();
  vault.requests.length = 0;
  vault.isFrozen = false;
});

const fetch = (ref: ProviderRef) => provider.fetch(ref, unhurried);

describe('F29: versions', () => {
  it('the current one, and an older one by its id, whatever the order of their times', async () => {
    const older = vault.set('key', 'one', { attributes: { enabled: true, created: 200, updated: 200 } });
    const newer = vault.set('key', 'two', { attributes: { enabled: true, created: 100, updated: 100 } });
    expect(await fetch({ path: 'key' })).toMatchObject({ data: 'two', version: newer });
    expect(await fetch({ path: 'key', version: older })).toMatchObject({ data: 'one', version: older });
    const missing = await failureOf(fetch({ path: 'key', version: '0'.repeat(32) }));
    expect(missing.code).toBe('not-found');
  });

  it('F21: an answer of another version than the one that was asked for is refused', async () => {
    const id = vault.set('key', 'value');
    const other = { id: `https://v/secrets/key/${'0'.repeat(32)}`, value: 'canary' };
    vault.faults.push({ status: 200, body: other });
    expect((await failureOf(fetch({ path: 'key', version: id }))).code).toBe('bad-response');
    expect((await fetch({ path: 'key', version: id })).version).toBe(id);
  });

  it('a name is found whatever its case', async () => {
    vault.set('Stripe-Key', 'value');
    expect((await fetch({ path: 'stripe-key' })).data).toBe('value');
  });
});

describe('attributes', () => {
  it('are facts of the version, and tags are named without what they say', async () => {
    vault.set('key', 'value', {
      contentType: 'text/plain',
      tags: { owner: 'canary-person', team: 'orders' },
      attributes: {
        enabled: true,
        created: 1_700_000_000,
        updated: 1_700_000_001,
        nbf: 1_600_000_000,
        exp: 1_900_000_000,
      },
    });
    const { metadata, lease } = await fetch({ path: 'key' });
    expect(lease).toBeUndefined();
    expect(metadata).toEqual({
      contentType: 'text/plain',
      enabled: 'true',
      created: '2023-11-14T22:13:20.000Z',
      updated: '2023-11-14T22:13:21.000Z',
      notBefore: '2020-09-13T12:26:40.000Z',
      expires: '2030-03-17T17:46:40.000Z',
      tags: 'owner, team',
    });
  });

  it('an expired secret that is enabled can be read, as Key Vault has it', async () => {
    vault.set('key', 'value', { attributes: { enabled: true, created: 1, updated: 1, exp: 2 } });
    expect(await fetch({ path: 'key' })).toMatchObject({
      data: 'value',
      metadata: { expires: '1970-01-01T00:00:02.000Z' },
    });
  });

  it('F42: a disabled secret is not-found, told apart from an outage and from a denial', async () => {
    vault.set('key', 'value', { attributes: { enabled: false, created: 1, updated: 1 } });
    const error = await failureOf(fetch({ path: 'key' }));
    expect([error.code, error.status]).toEqual(['not-found', 403]);
    expect(error.message).toMatch(/disabled/);
  });

  it('F42: a deleted secret is not-found', async () => {
    vault.set('key', 'value');
    vault.secrets.delete('key');
    const error = await failureOf(fetch({ path: 'key' }));
    expect([error.code, error.status]).toEqual(['not-found', 404]);
    expect(error.message).toMatch(/recovered/);
  });
});

describe('values', () => {
  it('64 KiB and more come whole', async () => {
    const value = '漢'.repeat(40_000);
    vault.set('key', value);
    expect((await fetch({ path: 'key' })).data).toBe(value);
  });

  it('JSON that is no object is a single value; an object has fields', async () => {
    vault.set('list', '["a"]');
    vault.set('object', '{"user": "app", "port": 5432}', { contentType: 'application/json' });
    const secrets = createSecrets({ providers: { azure: provider } });
    try {
      expect((await secrets.getSecret('azure:list')).reveal()).toBe('["a"]');
      expect((await secrets.getSecret('azure:object#port')).reveal()).toBe('5432');
      expect((await failureOf(secrets.getSecret('azure:list#user'))).message).toMatch(/leave out the #field/);
    } finally {
      await secrets.close();
    }
  });

  it.each([
    ['an empty value', { id: 'https://v/secrets/key/0123456789abcdef0123456789abcdef', value: '' }],
    ['no value', { id: 'https://v/secrets/key/0123456789abcdef0123456789abcdef' }],
    ['no version', { id: 'https://v/secrets/key', value: 'x' }],
    [
      'an answer about another secret',
      { id: 'https://v/secrets/other/0123456789abcdef0123456789abcdef', value: 'canary' },
    ],
    ['a page of a proxy', '<!doctype html><title>Sign in</title>'],
    ['half an answer', '{"value": "canary'],
  ])('F21: %s is bad-response, so that it never replaces a value', async (_, body) => {
    vault.faults.push({ status: 200, body });
    const error = await failureOf(fetch({ path: 'key' }));
    expect(error.code).toBe('bad-response');
    expect(error.message).not.toContain('canary');
  });
});

describe('F25: certificates, with their key of the same version', () => {
  const { ca, issue } = authority();
  const leaf = issue();
  const fieldsOf = async (value: string, contentType: string) => {
    vault.set('web', value, { contentType });
    return (await fetch({ path: 'web' })).data as Record<string, string | Uint8Array>;
  };
  const pem = (text: string) => fieldsOf(text, 'application/x-pem-file');

  it('PEM becomes fields that tls takes: the certificate of the key first, those that vouch for it after', async () => {
    const orders = [leaf.key + leaf.cert + ca, ca + leaf.cert + leaf.key];
    for (const text of orders) {
      const fields = await pem(text);
      expect(fields).toEqual({ key: lines(leaf.key), cert: lines(leaf.cert) + lines(ca), chain: lines(ca) });
      const { cert, key } = fields as Record<string, string>;
      expect(() => createSecureContext({ cert, key })).not.toThrow();
    }
  });

  it('a certificate alone has no chain, and a bundle without a key has none', async () => {
    expect(await pem(leaf.key + leaf.cert)).toEqual({ key: lines(leaf.key), cert: lines(leaf.cert) });
    expect(await pem(ca)).toEqual({ cert: lines(ca) });
  });

  it.each([
    ['no certificate', leaf.key],
    ['the certificate of another key', leaf.key + ca],
    ['a key that is none', `-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n${leaf.cert}`],
    ['no PEM', 'canary'],
  ])('%s is bad-response', async (_, text) => {
    const error = await failureOf(pem(text));
    expect(error.code).toBe('bad-response');
    expect(error.message).not.toContain('canary');
  });

  it('PKCS #12 stays as it is, as bytes that tls takes', async () => {
    const fields = await fieldsOf(pkcs12(leaf), 'application/x-pkcs12');
    expect(Object.keys(fields)).toEqual(['pfx']);
    expect(() =>
      createSecureContext({ pfx: Buffer.from(fields.pfx as Uint8Array), passphrase: '' }),
    ).not.toThrow();
    const secrets = createSecrets({ providers: { azure: provider } });
    const pfx = await secrets.getSecret('azure:web#pfx');
    expect(Buffer.from(pkcs12Of(vault)).equals(Buffer.from(pfx.revealBytes()))).toBe(true);
    await secrets.close();
  });

  it('what is only said to be PKCS #12 is bad-response', async () => {
    expect((await failureOf(fieldsOf('canary', 'application/x-pkcs12'))).code).toBe('bad-response');
  });
});

describe('calls', () => {
  it('are made once: the core retries, not the SDK', async () => {
    await failureOf(fetch({ path: 'first' }));
    vault.requests.length = 0;
    vault.faults.push({ status: 503 }, { status: 429, headers: { 'Retry-After': '1' } });
    expect((await failureOf(fetch({ path: 'key' }))).code).toBe('unavailable');
    expect((await failureOf(fetch({ path: 'key' }))).code).toBe('rate-limited');
    expect(vault.requests).toHaveLength(2);
  });

  it('say who asks', async () => {
    vault.set('key', 'value');
    await fetch({ path: 'key' });
    expect(vault.requests.at(-1)?.headers['user-agent']).toMatch(/^keyturn\/\d/);
  });

  it('that nobody waits for any more are cut', async () => {
    vault.isFrozen = true;
    const controller = new AbortController();
    const failure = failureOf(provider.fetch({ path: 'key' }, { ...unhurried, signal: controller.signal }));
    await expect.poll(() => vault.requests.length).toBe(1);
    controller.abort();
    expect((await failure).code).toBe('aborted');
    await expect.poll(() => vault.requests[0]?.destroyed).toBe(true);
  });

  it('do not wait for a credential that nobody waits for any more', async () => {
    const credential = { getToken: () => new Promise<never>(() => {}) };
    const controller = new AbortController();
    const options = { ...unhurried, signal: controller.signal };
    const failure = failureOf(providerOf(vault, { credential }).fetch({ path: 'key' }, options));
    await expect.poll(() => vault.requests.length).toBe(1);
    controller.abort();
    expect((await failure).code).toBe('aborted');
  });
});

describe('list', () => {
  const listed = async (prefix: string, separator?: string) => {
    const paths: string[] = [];
    const lister = providerOf(vault, separator === undefined ? {} : { separator });
    for await (const { path } of lister.list?.(prefix, unhurried) ?? []) paths.push(path);
    return paths;
  };
  beforeEach(() => {
    for (const name of ['a--b', 'a--b-c', 'a--b--d', 'e', '--f', 'g']) vault.set(name, 'x');
    vault.set('g', 'y', { attributes: { enabled: false, created: 1, updated: 1 } });
    vault.pageSize = 2;
  });

  it.each([
    ['', undefined, ['--f', 'a--b', 'a--b--d', 'a--b-c', 'e']],
    ['a--b-', undefined, ['a--b--d', 'a--b-c']],
    ['nope', undefined, []],
    ['', '--', ['a/b', 'a/b/d', 'a/b-c', 'e']],
    ['a', '--', ['a/b', 'a/b/d', 'a/b-c']],
    ['a/b/', '--', ['a/b/d']],
    ['a/', undefined, []],
  ])('%j with the separator %s names what is enabled, page by page', async (prefix, separator, expected) => {
    expect(await listed(prefix, separator)).toEqual(expected);
  });

  it('asks for no page that its caller does not come to', async () => {
    for await (const _ of provider.list?.('', unhurried) ?? []) break;
    const pages = vault.requests.filter(({ headers }) => headers.authorization !== undefined);
    expect(pages).toHaveLength(1);
  });

  it('F19: a page that is refused carries how long to wait', async () => {
    vault.faults.push({ status: 429, headers: { 'Retry-After': '5' } });
    const error = await failureOf(listed(''));
    expect([error.code, error.retryAfterMs]).toEqual(['rate-limited', 5_000]);
  });
});

describe('a client of the caller', () => {
  it('may be one of the SDK', async () => {
    vault.set('key', 'value');
    const credential = {
      getToken: async () => ({ token: vault.token, expiresOnTimestamp: Date.now() + 3_600_000 }),
    };
    const client = new SecretClient(vault.vaultUrl, credential, clientOptions(vault));
    expect((await azureKeyVault({ client }).fetch({ path: 'key' }, unhurried)).data).toBe('value');
  });

  it('may be anything that answers like one', async () => {
    const client: KeyVaultClient = {
      getSecret: async (name) => ({
        value: `value of ${name}`,
        properties: { version: 'v1', expiresOn: new Date(Number.NaN) },
      }),
      async *listPropertiesOfSecrets() {
        yield { name: 'key' };
      },
    };
    const own = azureKeyVault({ client });
    expect(await own.fetch({ path: 'key' }, unhurried)).toEqual({
      data: 'value of key',
      version: 'v1',
      metadata: {},
    });
    const paths: string[] = [];
    for await (const { path } of own.list?.('', unhurried) ?? []) paths.push(path);
    expect(paths).toEqual(['key']);
  });
});

function lines(pem: string): string {
  return `${pem.trim()}\n`;
}

function pkcs12Of({ secrets }: KeyVaultServer): Buffer {
  return Buffer.from(secrets.get('web')?.at(-1)?.value ?? '', 'base64');
}
