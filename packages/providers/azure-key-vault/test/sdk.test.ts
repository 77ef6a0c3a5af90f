import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { azureKeyVault } from '@keyturn/azure-key-vault';
import { isSecretsError } from '@keyturn/core/provider';
import { leakProbe } from '@keyturn/core/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clientOptions, failureOf, unhurried } from './calls.js';
import { failure, type KeyVaultServer, startKeyVault } from './key-vault-server.js';

const run = promisify(execFile);
const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

let vault: KeyVaultServer;
beforeAll(async () => {
  vault = await startKeyVault();
});
afterAll(() => vault.stop());

it('no source file loads an SDK or a module of Node at its top', () => {
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

it.each(['@azure/keyvault-secrets', '@azure/identity'])(
  '%s that is not installed is named, with the command that installs it',
  async (name) => {
    const { stdout } = await run(process.execPath, ['--import', 'tsx', fixture('without-sdk.ts'), name]);
    const { before, code, remedy } = JSON.parse(stdout);
    expect([before, code]).toEqual([0, 'invalid-config']);
    expect(remedy).toContain(`npm install ${name}`);
  },
);

it('an SDK that could not be loaded once is loaded by the next fetch', async () => {
  vault.set('debugged', 'value');
  const args = ['--import', 'tsx', fixture('loaded-late.ts'), vault.vaultUrl, vault.ca, vault.token];
  const { stdout } = await run(process.execPath, args);
  expect(stdout).toBe('invalid-config, given\n');
});

it('F49: the debug output of the SDK shows no value and no token', async () => {
  vault.set('debugged', 'canary-2c6f');
  const env = {
    ...process.env,
    ...vault.environment,
    AZURE_LOG_LEVEL: 'verbose',
    AZURE_TOKEN_CREDENTIALS: 'prod',
  };
  const args = ['--import', 'tsx', fixture('fetch-once.ts'), vault.vaultUrl];
  const { stdout, stderr } = await run(process.execPath, args, { env: { ...env, TEST_CA: vault.ca } });
  expect(stdout).toBe('fetched 32\n');
  expect(stderr).toContain('azure:');
  for (const secret of ['canary-2c6f', vault.token, vault.environment.IDENTITY_HEADER ?? '']) {
    expect(stderr.includes(secret)).toBe(false);
  }
});

describe('by Managed Identity', () => {
  const names = ['AZURE_TOKEN_CREDENTIALS', 'IDENTITY_ENDPOINT', 'IDENTITY_HEADER'];
  beforeEach(() => {
    // Otherwise the chain goes on to the developer's tools, if the machine has any.
    Object.assign(process.env, vault.environment, { AZURE_TOKEN_CREDENTIALS: 'prod' });
    vault.tokenRequests.length = 0;
  });
  afterEach(() => {
    for (const name of names) Reflect.deleteProperty(process.env, name);
  });
  const provider = () => azureKeyVault({ vaultUrl: vault.vaultUrl, clientOptions: clientOptions(vault) });

  // First, because the token of a Managed Identity is then kept for the whole process.
  it.each([
    [400, { error: 'invalid_request', statusCode: 400 }],
    [404, {}],
    [429, {}],
    [500, {}],
  ])('a service of tokens that answers %i is unauthenticated: the SDK hides which', async (status, body) => {
    const usual = vault.answerToken;
    vault.answerToken = () => ({ status, body });
    try {
      expect((await failureOf(provider().fetch({ path: 'key' }, unhurried))).code).toBe('unauthenticated');
    } finally {
      vault.answerToken = usual;
    }
  });

  it('logs in where the environment leads, and shows neither value nor token', async () => {
    const value = `canary-${randomBytes(9).toString('hex')}`;
    vault.set('key', value);
    const probe = leakProbe([value, vault.token, vault.environment.IDENTITY_HEADER ?? '']);
    try {
      const own = provider();
      const { data, ...facts } = await own.fetch({ path: 'key' }, unhurried);
      expect(data).toBe(value);
      expect(vault.tokenRequests[0]?.headers['x-identity-header']).toBe(vault.environment.IDENTITY_HEADER);
      probe.inspect(facts, 'an answer');
      for (const status of [400, 401, 403, 404, 429, 500, 200]) {
        const fault = { status, body: status === 200 ? value : failure('Code', undefined, value) };
        vault.faults.push(fault, fault);
        const error = await own.fetch({ path: 'key' }, unhurried).catch((thrown: unknown) => thrown);
        vault.faults.length = 0;
        expect(isSecretsError(error)).toBe(true);
        probe.inspect(error, `the error of ${status}`);
      }
      probe.inspect(own, 'the provider');
      probe.assertClean();
    } finally {
      probe.stop();
    }
  });
});

it('the version that calls carry is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  expect(readFileSync(new URL('../src/sdk-client.ts', import.meta.url), 'utf8')).toContain(
    `keyturn/${version}`,
  );
});
