import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { SecretsError } from '@keyturn/core/provider';
import { leakProbe } from '@keyturn/core/testing';
import { gcpSecretManager } from '@keyturn/gcp-secret-manager';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { crc32c } from '../src/crc32c.js';
import { failureOf, restOptions, unhurried } from './calls.js';
import { type Answer, type RestServer, startRestServer } from './rest-server.js';

const value = `canary-${randomBytes(9).toString('hex')}`;
const accessToken = `ya29.canary-${randomBytes(9).toString('hex')}`;
const workloadToken = `canary-${randomBytes(9).toString('hex')}`;
const data = Buffer.from(value);
const accessed: Answer = {
  body: {
    name: 'projects/1/secrets/key/versions/1',
    payload: { data: data.toString('base64'), dataCrc32c: String(crc32c(data)) },
  },
};

let store: RestServer;
let tokens: RestServer;
let folder: string;
beforeAll(async () => {
  [store, tokens] = await Promise.all([startRestServer(), startRestServer()]);
  folder = mkdtempSync(join(tmpdir(), 'keyturn-gcp-'));
  writeFileSync(join(folder, 'workload-token'), workloadToken);
});
afterAll(async () => {
  await Promise.all([store.stop(), tokens.stop()]);
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  store.answer = () => accessed;
  store.requests.length = 0;
});

/** The two that workloads have: the metadata server of Google's machines, and Workload Identity Federation. */
const WORKLOADS: readonly [name: string, options: () => object, environment: () => Record<string, string>][] =
  [
    ['the metadata server', () => ({}), () => ({ GCE_METADATA_HOST: `127.0.0.1:${tokens.port}` })],
    [
      'Workload Identity Federation',
      () => ({
        credentials: {
          type: 'external_account',
          audience:
            '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/one',
          subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          token_url: `http://127.0.0.1:${tokens.port}/v1/token`,
          credential_source: { file: join(folder, 'workload-token') },
        },
      }),
      () => ({}),
    ],
  ];

describe.each(WORKLOADS)('by %s', (_, options, environment) => {
  const before = { ...process.env };
  beforeEach(() => {
    Reflect.deleteProperty(process.env, 'GOOGLE_APPLICATION_CREDENTIALS');
    // The machine's own gcloud login, if it has one, must not be found.
    Object.assign(process.env, { CLOUDSDK_CONFIG: folder, HOME: folder }, environment());
  });
  afterEach(() => {
    for (const name of Object.keys(process.env))
      if (!(name in before)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, before);
  });

  it('logs in, and sends its token', async () => {
    answerTokens({ body: grant() });
    const { outcome } = await fetched();
    expect(outcome).toMatchObject({ version: '1' });
    expect(store.requests.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${accessToken}`]);
  });

  it.each<[string, Answer, string]>([
    ['a workload that is not known', { status: 404, body: 'no service account' }, 'unauthenticated'],
    ['a token that was refused', { status: 400, body: { error: 'invalid_grant' } }, 'unauthenticated'],
    ['a service account that may not be used', { status: 403, body: { error: 'denied' } }, 'unauthenticated'],
    ['too many logins', { status: 429, body: { error: 'slow_down' } }, 'rate-limited'],
  ])('%s: %j is %s', async (_case, answer, code) => {
    answerTokens(answer);
    const { outcome } = await fetched();
    expect((outcome as SecretsError).code).toBe(code);
    expect(store.requests).toEqual([]);
  });

  it('a login that failed is tried anew by the next fetch', async () => {
    const provider = gcpSecretManager({ project: 'orders', clientOptions: clientOptions() });
    try {
      answerTokens({ status: 400, body: { error: 'invalid_grant' } });
      expect((await failureOf(provider.fetch({ path: 'key' }, unhurried))).code).toBe('unauthenticated');
      answerTokens({ body: grant() });
      expect((await provider.fetch({ path: 'key' }, unhurried)).version).toBe('1');
    } finally {
      await provider.close?.();
    }
  });

  it('F49: errors and answers show neither value nor token', async () => {
    const probe = leakProbe([value, accessToken, workloadToken]);
    try {
      answerTokens({ body: grant() });
      for (const answer of [
        accessed,
        { status: 403, body: '{}' },
        { status: 500, body: value },
        { body: value },
      ]) {
        store.answer = () => answer;
        const { outcome, provider } = await fetched();
        const { data: _, ...shown } = { data: undefined, ...outcome };
        probe.inspect(outcome instanceof Error ? outcome : shown, 'an outcome');
        probe.inspect(provider, 'the provider');
      }
      probe.assertClean();
    } finally {
      probe.stop();
    }
  });

  function clientOptions() {
    const { authClient: _, ...rest } = restOptions(store.port);
    return { ...rest, ...options() };
  }

  async function fetched() {
    const provider = gcpSecretManager({ project: 'orders', clientOptions: clientOptions() });
    try {
      const outcome = await provider.fetch({ path: 'key' }, unhurried).catch((error: SecretsError) => error);
      return { outcome, provider };
    } finally {
      await provider.close?.();
    }
  }
});

describe('without any credential', () => {
  it('is unauthenticated, and no rejection is left unhandled', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    const files: Record<string, string | undefined> = {
      'not-there.json': undefined,
      'no-json.json': 'canary-no-json',
      'no-key.json': JSON.stringify({ type: 'service_account' }),
      'mangled-key.json': JSON.stringify({
        type: 'service_account',
        client_email: 'orders@example.iam.gserviceaccount.com',
        private_key: '-----BEGIN PRIVATE KEY-----\\ncanary-mangled\\n-----END PRIVATE KEY-----',
      }),
    };
    try {
      const { authClient: _, ...rest } = restOptions(store.port);
      for (const [name, content] of Object.entries(files)) {
        const keyFilename = join(folder, name);
        if (content !== undefined) writeFileSync(keyFilename, content);
        const provider = gcpSecretManager({ project: 'orders', clientOptions: { ...rest, keyFilename } });
        const error = await failureOf(provider.fetch({ path: 'key' }, unhurried));
        expect([name, error.code]).toEqual([name, 'unauthenticated']);
        expect(inspect(error)).not.toContain('canary');
        await provider.close?.();
      }
      await new Promise(setImmediate);
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', note);
    }
  });
});

const grant = () => ({
  access_token: accessToken,
  issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  token_type: 'Bearer',
  expires_in: 3_600,
});

/** What a login is answered; the other questions to a metadata server have their usual answers. */
function answerTokens(answer: Answer): void {
  tokens.answer = ({ url = '' }) => {
    const headers = { 'Metadata-Flavor': 'Google' };
    if (/\/token/.test(url)) return { ...answer, headers };
    return {
      headers: { ...headers, 'Content-Type': 'text/plain' },
      body: /universe/.test(url) ? 'googleapis.com' : 'orders',
    };
  };
}
