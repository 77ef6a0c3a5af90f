import { azureKeyVault } from '@keyturn/azure-key-vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callError, matches } from '../src/call-error.js';
import { type CallFailure, callFailure } from '../src/call-failure.js';
import { FAILURE_ROWS } from '../src/failure-rows.js';
import { clientOptions, failureOf, providerOf, unhurried } from './calls.js';
import { type Fault, failure, type KeyVaultServer, startKeyVault } from './key-vault-server.js';

let vault: KeyVaultServer;
beforeAll(async () => {
  vault = await startKeyVault();
});
afterAll(() => vault.stop());

/** The error of a fetch that is answered so. */
const ANSWERS: readonly [fault: Fault, code: string, word: RegExp][] = [
  [{ status: 400, body: failure('BadParameter') }, 'invalid-ref', /malformed/],
  [{ status: 401, body: failure('Unauthorized') }, 'unauthenticated', /tenant/],
  [{ status: 403, body: failure('Forbidden', 'SecretDisabled') }, 'not-found', /disabled/],
  [{ status: 403, body: failure('Forbidden', 'ForbiddenByFirewall') }, 'permission-denied', /network/],
  [{ status: 403, body: failure('Forbidden', 'ForbiddenByConnection') }, 'permission-denied', /network/],
  [{ status: 403, body: failure('Forbidden', 'ForbiddenByRbac') }, 'permission-denied', /Secrets User/],
  [{ status: 403, body: failure('Forbidden', 'AccessDenied') }, 'permission-denied', /access policy/],
  [{ status: 403, body: '<html>denied</html>' }, 'permission-denied', /Secrets User/],
  [{ status: 404, body: failure('SecretNotFound') }, 'not-found', /recovered/],
  [{ status: 405, body: '' }, 'bad-response', /no sense/],
  [{ status: 408, body: '' }, 'unavailable', /later/],
  [{ status: 403, body: '' }, 'permission-denied', /Secrets User/],
  [{ status: 404, body: '' }, 'not-found', /recovered/],
  [{ status: 409, body: failure('Conflict', 'ObjectIsBeingRecovered') }, 'unavailable', /recovered/],
  [{ status: 429, body: failure('Throttled') }, 'rate-limited', /too often/],
  [{ status: 500, body: failure('InternalServerError') }, 'unavailable', /fails/],
  [{ status: 502, body: '<html>Bad Gateway</html>' }, 'unavailable', /fails/],
  [{ status: 503, body: failure('ServiceUnavailable') }, 'unavailable', /fails/],
  [{ status: 504, body: '' }, 'unavailable', /fails/],
  [{ status: 200, body: '<html>sign in</html>' }, 'bad-response', /proxy/],
];

it.each(ANSWERS)('%j is %s', async (fault, code, word) => {
  vault.faults.push(fault, fault);
  const error = await failureOf(providerOf(vault).fetch({ path: 'key' }, unhurried));
  // A token that is refused is asked for anew, once; everything else is answered once.
  expect(vault.faults.splice(0)).toHaveLength(fault.status === 401 ? 0 : 1);
  expect([error.code, error.status]).toEqual([code, fault.status]);
  expect(error.message).toMatch(word);
  expect(error.message).not.toContain('canary');
});

it.each([failure('Throttled'), ''])(
  'F19: a rate limit carries how long the vault asks to wait, with a body or without',
  async (body) => {
    vault.faults.push({ status: 429, headers: { 'Retry-After': '17' }, body });
    const error = await failureOf(providerOf(vault).fetch({ path: 'key' }, unhurried));
    expect(error.retryAfterMs).toBe(17_000);
  },
);

describe('without an answer', () => {
  it('nothing that listens there is unavailable', async () => {
    const provider = providerOf(vault, { vaultUrl: 'https://127.0.0.1:1' });
    expect((await failureOf(provider.fetch({ path: 'key' }, unhurried))).code).toBe('unavailable');
  });

  it('a certificate that is not trusted is told, with the setting', async () => {
    const provider = providerOf(vault, { clientOptions: { disableChallengeResourceVerification: true } });
    const error = await failureOf(provider.fetch({ path: 'key' }, unhurried));
    expect([error.code, error.remedy]).toEqual(['unavailable', expect.stringContaining('tlsOptions.ca')]);
  });

  it('the token is kept from what is no vault, and the setting is named', async () => {
    const { tlsOptions } = clientOptions(vault);
    let asked = 0;
    const credential = {
      async getToken() {
        asked += 1;
        return { token: vault.token, expiresOnTimestamp: Date.now() + 60_000 };
      },
    };
    const provider = azureKeyVault({ vaultUrl: vault.vaultUrl, credential, clientOptions: { tlsOptions } });
    const error = await failureOf(provider.fetch({ path: 'key' }, unhurried));
    expect([error.code, error.remedy]).toEqual(['invalid-config', expect.stringContaining('vaultUrl')]);
    expect(asked).toBe(0);
  });

  it.each([
    [{ code: 'ENOTFOUND' }, /deleted has no name/],
    [{ code: 'EAI_AGAIN' }, /DNS/],
    [{ code: 'ECONNRESET' }, /network/],
    [{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, /tlsOptions\.ca/],
    [{ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, /tlsOptions\.ca/],
    [{ code: 'CERT_HAS_EXPIRED' }, /tlsOptions\.ca/],
  ])('%j is unavailable', (facts, word) => {
    const error = callError(Object.assign(new Error('canary'), facts));
    expect(error.code).toBe('unavailable');
    expect(error.message).toMatch(word);
  });
});

describe('logins', () => {
  const failed = (name: string, facts: object = {}) => Object.assign(new Error('canary'), { name }, facts);
  it.each([
    [failed('CredentialUnavailableError'), 'unauthenticated'],
    [failed('AuthenticationRequiredError'), 'unauthenticated'],
    [failed('AuthenticationError', { statusCode: 400 }), 'unauthenticated'],
    [failed('AuthenticationError', { statusCode: 503 }), 'unavailable'],
    [failed('AuthenticationError', { statusCode: 429 }), 'rate-limited'],
    [failed('AggregateAuthenticationError', { errors: [] }), 'unauthenticated'],
    [
      failed('AggregateAuthenticationError', {
        errors: [failed('CredentialUnavailableError'), failed('AuthenticationError', { statusCode: 503 })],
      }),
      'unavailable',
    ],
  ])('%s is %s', async (thrown, code) => {
    const credential = { getToken: () => Promise.reject(thrown) };
    const error = await failureOf(providerOf(vault, { credential }).fetch({ path: 'key' }, unhurried));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain('canary');
  });

  it('a credential that gives no token is unauthenticated', async () => {
    const credential = { getToken: async () => null };
    const error = await failureOf(providerOf(vault, { credential }).fetch({ path: 'key' }, unhurried));
    expect(error.code).toBe('unauthenticated');
  });

  it('a token that the vault does not take any more is unauthenticated', async () => {
    const credential = {
      getToken: async () => ({ token: 'canary-expired', expiresOnTimestamp: Date.now() + 60_000 }),
    };
    const error = await failureOf(providerOf(vault, { credential }).fetch({ path: 'key' }, unhurried));
    expect([error.code, error.status]).toEqual(['unauthenticated', 401]);
  });
});

describe('a token that the vault does not take any more', () => {
  /** Gives the tokens one after the other, each said to be good for an hour; the last one for ever. */
  function tokensOf(...tokens: string[]) {
    const credential = {
      asked: 0,
      async getToken() {
        const token = tokens[Math.min(credential.asked++, tokens.length - 1)] ?? '';
        return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    };
    return credential;
  }

  it('F43: is asked for anew at once, whenever it was to end', async () => {
    vault.set('key', 'value');
    const credential = tokensOf('revoked', vault.token);
    const provider = providerOf(vault, { credential });
    expect((await provider.fetch({ path: 'key' }, unhurried)).data).toBe('value');
    expect((await provider.fetch({ path: 'key' }, unhurried)).data).toBe('value');
    expect(credential.asked).toBe(2);
  });

  it('F43: is asked for anew once for all who read meanwhile, and never in a loop', async () => {
    vault.set('key', 'value');
    const mended = tokensOf('revoked', vault.token);
    const provider = providerOf(vault, { credential: mended });
    await Promise.all(Array.from({ length: 20 }, () => provider.fetch({ path: 'key' }, unhurried)));
    expect(mended.asked).toBeLessThanOrEqual(4);

    const hopeless = tokensOf('revoked');
    const error = await failureOf(
      providerOf(vault, { credential: hopeless }).fetch({ path: 'key' }, unhurried),
    );
    expect([error.code, hopeless.asked]).toEqual(['unauthenticated', 2]);
  });
});

describe('the table', () => {
  it('has no row that nothing reaches', () => {
    const none: CallFailure = {
      status: undefined,
      code: undefined,
      reason: undefined,
      isLogin: false,
      isStranger: false,
      retryAfterMs: undefined,
    };
    const reached = [
      ...ANSWERS.map(([{ status, body }]) => ({
        ...none,
        status,
        reason: (body as ReturnType<typeof failure>).error?.innererror?.code,
      })),
      ...[undefined, 429, 503].map((status) => ({ ...none, isLogin: true, status })),
      ...[undefined, 'ENOTFOUND', 'CERT_HAS_EXPIRED'].map((code) => ({ ...none, code })),
      { ...none, isStranger: true },
    ].map((facts) => FAILURE_ROWS.findIndex((row) => matches(row, facts)));
    expect([...new Set(reached)].sort((one, other) => one - other)).toEqual(
      FAILURE_ROWS.map((_, row) => row),
    );
  });

  it.each([undefined, null, 'text', 7, {}, new Proxy({}, { get: () => null }), Object.create(null)])(
    'takes anything that is thrown: %s',
    (thrown) => {
      expect(callFailure(thrown).status).toBeUndefined();
    },
  );
});
