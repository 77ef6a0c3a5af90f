import { request } from 'node:http';
import { leakProbe } from '@keyturn/core/testing';
import { type AwsIamConfig, awsIam } from '@keyturn/vault';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type PipServer, startMinistack } from '../../../../test/servers/aws.js';
import { createIdentity, type IamIdentity } from '../../../../test/servers/iam-identities.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { signedCallerIdentity } from '../src/auth/signed-caller-identity.js';
import { utcStamp } from '../src/auth/utc-stamp.js';
import { failureOf, unhurried } from './calls.js';
import { keepLogin, sessionOf } from './kept-login.js';
import type { ScriptedServer, Seen } from './scripted-server.js';
import { type Admission, startStandIn } from './stand-in-store.js';

const SERVER_ID = 'vault.corp.example';

interface Sent {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The request that a login carries. */
function carriedBy(login: Readonly<Record<string, string>>): Sent {
  const text = (field: string) => Buffer.from(login[field] ?? '', 'base64').toString('utf8');
  return {
    url: text('iam_request_url'),
    headers: JSON.parse(text('iam_request_headers')),
    body: text('iam_request_body'),
  };
}

/** Sends a signed request to the STS at `endpoint`, as if that were where the request was signed for. */
function forward({ headers, body }: Sent, endpoint: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(endpoint, { method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** Does what Vault's aws method does: checks the request, has STS say who signed it, and lets one identity in. */
async function admit({ url, body }: Seen, endpoint: string): Promise<Admission> {
  const { role, iam_http_request_method: method, ...login } = JSON.parse(body);
  const sent = carriedBy(login);
  const { Authorization = '', ...headers } = sent.headers;
  const signed = /SignedHeaders=([^,]+)/.exec(Authorization)?.[1]?.split(';') ?? [];
  if (url !== '/v1/auth/aws/login' || method !== 'POST') return { refusal: 'unexpected request' };
  if (sent.url !== `https://${headers.Host}/` || !/^sts\.[\w.-]*amazonaws\.com$/.test(headers.Host ?? '')) {
    return { refusal: 'not STS' };
  }
  if (sent.body !== 'Action=GetCallerIdentity&Version=2011-06-15') return { refusal: 'another action' };
  if (headers['X-Vault-AWS-IAM-Server-ID'] !== SERVER_ID) return { refusal: 'missing server id header' };
  if (!signed.includes('x-vault-aws-iam-server-id')) return { refusal: 'the server id is not signed' };
  const { status, text } = await forward(sent, endpoint);
  const arn = /<Arn>(.*)<\/Arn>/.exec(text)?.[1] ?? '';
  if (status !== 200) return { refusal: `received ${status} from STS` };
  if (role !== 'orders' || !arn.endsWith(':user/orders'))
    return { refusal: `${arn} is not bound to ${role}` };
  return { token: 's.CANARY-token' };
}

describe.skipIf(!requireServer('ministack'))('AWS IAM', () => {
  let sts: PipServer;
  let store: ScriptedServer;
  let orders: IamIdentity['credentials'];
  let billing: IamIdentity['credentials'];

  beforeAll(async () => {
    sts = await startMinistack({ auth: true });
    orders = (await createIdentity(sts.endpoint, 'orders')).credentials;
    billing = (await createIdentity(sts.endpoint, 'billing')).credentials;
    store = await startStandIn(/\/login$/, (seen) => admit(seen, sts.endpoint));
  });
  afterAll(async () => {
    await store?.stop();
    await sts?.stop();
  });
  afterEach(() => vi.unstubAllEnvs());

  const logins = (config: Partial<AwsIamConfig> = {}) =>
    sessionOf(awsIam({ role: 'orders', serverId: SERVER_ID, credentials: orders, ...config }), {
      address: store.address,
    });

  it.each([undefined, 'eu-central-1'])('logs in by the STS of the region %s', async (region) => {
    const { login, read } = logins(region === undefined ? {} : { region });
    expect((await read((await login()).credential)).data).toEqual({ a: 'b' });
    const sent = carriedBy(JSON.parse(store.seen.findLast(({ url }) => url.endsWith('/login'))?.body ?? ''));
    expect(sent.url).toBe(`https://sts.${region === undefined ? '' : `${region}.`}amazonaws.com/`);
    expect(sent.headers.Authorization).toContain(`/${region ?? 'us-east-1'}/sts/aws4_request`);
  });

  it.each<[string, () => Partial<AwsIamConfig>]>([
    ['another secret key', () => ({ credentials: { ...orders, secretAccessKey: 'CANARY' } })],
    ['another identity', () => ({ credentials: billing })],
    ['another server id', () => ({ serverId: 'other.example' })],
    ['another role', () => ({ role: 'billing' })],
  ])('%s is refused, and what to check is said', async (_, wrong) => {
    const error = await failureOf(logins(wrong()).login());
    expect(error.code).toBe('unauthenticated');
    expect(error.message).toMatch(/bound to the IAM identity.*region and serverId in auth: awsIam.*clock/s);
    expect(error.message).not.toContain('CANARY');
  });

  it('a header changed after it was signed is refused by STS', async () => {
    const facts = { region: undefined, serverId: SERVER_ID, wallMs: unhurried.clock.wallMs() };
    const signed = await signedCallerIdentity(orders, facts);
    expect((await forward(signed, sts.endpoint)).status).toBe(200);
    const headers = { ...signed.headers, 'X-Vault-AWS-IAM-Server-ID': 'other.example' };
    expect((await forward({ ...signed, headers }, sts.endpoint)).status).toBe(403);
  });

  it('the keys come from the chain of the SDK when none are given', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', orders.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', orders.secretAccessKey);
    await sessionOf(awsIam({ role: 'orders', serverId: SERVER_ID }), { address: store.address }).login();
  });

  it('F43: the keys are asked for at each login', async () => {
    const given = [billing, orders];
    const { login } = logins({ credentials: async () => given.shift() ?? billing });
    expect((await failureOf(login())).code).toBe('unauthenticated');
    await login();
  });

  it('F15, F49: the core keeps the login, and it shows nowhere', async () => {
    const probe = leakProbe([orders.secretAccessKey, 's.CANARY-token']);
    const auth = awsIam({ role: 'orders', serverId: SERVER_ID, credentials: orders });
    const kept = await keepLogin(auth, { address: store.address }, probe);
    probe.stop();
    probe.assertClean();
    expect(kept.unread).toBe(0);
  });
});

describe('what is signed', () => {
  it('carries the token of temporary keys, and signs it', async () => {
    const keys = { accessKeyId: 'ASIA', secretAccessKey: 'k', sessionToken: 'a-session-token' };
    const { headers } = await signedCallerIdentity(keys, {
      region: 'cn-north-1',
      serverId: undefined,
      wallMs: 1_764_000_000_000,
    });
    expect(headers).toMatchObject({
      Host: 'sts.cn-north-1.amazonaws.com.cn',
      'X-Amz-Date': '20251124T160000Z',
      'X-Amz-Security-Token': 'a-session-token',
    });
    expect(headers.Authorization).toContain(
      'SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,',
    );
  });

  it('its time is that of the clock, in UTC, leap years and all', () => {
    const lastMs = Date.UTC(2400, 11, 31, 23, 59, 59);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: lastMs }), (wallMs) => {
        const iso = new Date(wallMs).toISOString();
        expect(utcStamp(wallMs)).toBe(`${iso.slice(0, 19).replace(/[-:]/g, '')}Z`);
      }),
      {
        examples: [[0], [Date.UTC(2000, 1, 29)], [Date.UTC(2100, 1, 28, 23, 59, 59)], [Date.UTC(2100, 2, 1)]],
      },
    );
  });
});

describe('keys that cannot be had', () => {
  it.each<[string, () => Promise<never>, RegExp]>([
    ['fail', () => Promise.reject(new Error('CANARY')), /could not be had/],
    ['are none', () => Promise.resolve({ accessKeyId: 'A', secretAccessKey: '' } as never), /lack/],
  ])('because they %s are said with the setting', async (_, credentials, problem) => {
    const error = await failureOf(
      sessionOf(awsIam({ role: 'r', credentials }), { address: 'http://127.0.0.1:1' }).login(),
    );
    expect(error.code).toBe('unauthenticated');
    expect(error.message).toMatch(problem);
    expect(error.message).toContain('auth: awsIam.credentials');
    expect(error.message).not.toContain('CANARY');
  });

  it('because the SDK is not installed are said with what to install', async () => {
    vi.doMock('@aws-sdk/credential-providers', () => {
      throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    });
    const error = await failureOf(
      sessionOf(awsIam({ role: 'r' }), { address: 'http://127.0.0.1:1' }).login(),
    );
    vi.doUnmock('@aws-sdk/credential-providers');
    expect(error.code).toBe('invalid-config');
    expect(error.message).toContain('npm install @aws-sdk/credential-providers');
  });

  it('let a caller go who does not wait for them', async () => {
    const leaving = new AbortController();
    const auth = awsIam({ role: 'r', credentials: () => new Promise(() => {}) });
    const { login } = sessionOf(auth, { address: 'http://127.0.0.1:1' });
    const failing = failureOf(login({ signal: leaving.signal }));
    leaving.abort();
    expect((await failing).code).toBe('aborted');
  });
});
