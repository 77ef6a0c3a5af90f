import { isSecretsError } from '@keyturn/core/provider';
import { gcpSecretManager } from '@keyturn/gcp-secret-manager';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { secretName, versionName } from '../src/secret-name.js';
import { failureOf, overGrpc, startStore, unhurried } from './calls.js';

const defaults = { project: 'orders' };

describe('names', () => {
  it.each([
    ['stripe-key', defaults, 'projects/orders', undefined],
    ['stripe_key', { project: '123456' }, 'projects/123456', undefined],
    [
      'k',
      { ...defaults, location: 'europe-west3' },
      'projects/orders/locations/europe-west3',
      'europe-west3',
    ],
    ['projects/other/secrets/k', { ...defaults, location: 'europe-west3' }, 'projects/other', undefined],
    ['projects/example.com:old/secrets/k', {}, 'projects/example.com:old', undefined],
    ['projects/p1/locations/us-east1/secrets/k', defaults, 'projects/p1/locations/us-east1', 'us-east1'],
  ])('%s under %j is below %s', (path, given, parent, location) => {
    expect(secretName(path, given)).toEqual({ parent, secret: path.split('/').at(-1), location });
  });

  it.each([
    ['', /letters, digits/],
    ['a.b', /letters, digits/],
    ['name with space', /letters, digits/],
    ['ключ', /letters, digits/],
    ['n'.repeat(256), /255/],
    ['projects/p/secrets/', /letters, digits/],
    ['projects/p/secrets/k/versions/3', /\?version=3/],
    ['projects/P!/secrets/k', /projects\/P\/secrets/],
    ['projects/p/locations/L/secrets/k', /projects\/P\/locations/],
    ['projects/p/k', /projects\/P\/secrets/],
    ['folders/p/secrets/k', /projects\/P\/secrets/],
    ['secrets/k', /projects\/P\/secrets/],
  ])('%s is refused', (path, word) => {
    const error = thrownBy(() => secretName(path, defaults));
    expect(error.code).toBe('invalid-ref');
    expect(error.message).toMatch(word);
  });

  it('a bare name without a project names the setting', () => {
    const error = thrownBy(() => secretName('k', {}));
    expect([error.code, error.problem]).toEqual(['invalid-config', expect.stringContaining('project')]);
  });

  it('whatever the path, what comes of it has no more segments than a name has', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab/.%2:-?#\\\0') }), (path) => {
        try {
          const { parent, secret } = secretName(path, defaults);
          expect(`${parent}/secrets/${secret}`).toMatch(
            /^projects\/[a-z0-9.:-]+(\/locations\/[a-z0-9-]+)?\/secrets\/[\w-]+$/,
          );
        } catch (error) {
          expect(isSecretsError(error)).toBe(true);
        }
      }),
    );
  });
});

describe('F29: versions and aliases', () => {
  it.each([
    [{}, 'latest'],
    [{ version: 'latest' }, 'latest'],
    [{ stage: 'latest' }, 'latest'],
    [{ version: '7' }, '7'],
    [{ stage: 'prod' }, 'prod'],
  ])('%j is %s', (qualifier, expected) => {
    expect(versionName({ path: 'k', ...qualifier })).toBe(expected);
  });

  it.each([
    [{ version: 'prod' }, /\?stage=/],
    [{ version: '0' }, /\?version=3/],
    [{ version: '1/../2' }, /\?version=3/],
    [{ version: '' }, /\?version=3/],
    [{ stage: '7' }, /\?version=3/],
    [{ stage: 'a:b' }, /letter/],
  ])('%j is refused', (qualifier, word) => {
    const error = thrownBy(() => versionName({ path: 'k', ...qualifier }));
    expect(error.code).toBe('invalid-ref');
    expect(error.message).toMatch(word);
  });
});

it('refuses before any I/O', async () => {
  const store = await startStore();
  const provider = overGrpc(store.port);
  try {
    for (const ref of [{ path: 'a b' }, { path: 'k', version: 'x' }, { path: 'projects/p/x' }]) {
      expect((await failureOf(provider.fetch(ref, unhurried))).code).toBe('invalid-ref');
    }
    expect(store.calls).toEqual([]);
  } finally {
    await provider.close?.();
    store.stop();
  }
});

describe('settings', () => {
  it.each([
    [{ project: 'Orders' }, 'project'],
    [{ project: '' }, 'project'],
    [{ project: 'a/../b' }, 'project'],
    [{ location: 'Europe/West' }, 'location'],
    [{ client: {} as never }, 'client'],
    [{ clientOptions: [] as never }, 'clientOptions'],
    [{ client: { accessSecretVersion: () => {} } as never, clientOptions: {} }, 'clientOptions'],
    [{ porject: 'orders' } as never, 'porject'],
    [null as never, 'gcpSecretManager'],
  ])('%j names the setting %s', (config, setting) => {
    const error = thrownBy(() => gcpSecretManager(config));
    expect(error.code).toBe('invalid-config');
    expect(error.problem).toContain(setting);
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
