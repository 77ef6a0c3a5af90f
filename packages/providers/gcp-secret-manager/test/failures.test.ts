import { status } from '@grpc/grpc-js';
import { gcpSecretManager } from '@keyturn/gcp-secret-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault, SecretManagerServer } from '../../../../test/servers/gcp.js';
import { callError, matches } from '../src/call-error.js';
import { type CallFailure, callFailure } from '../src/call-failure.js';
import { FAILURE_ROWS } from '../src/failure-rows.js';
import { failureOf, overGrpc, restOptions, startStore, unhurried } from './calls.js';
import { type Answer, type RestServer, startRestServer } from './rest-server.js';

/** A field of a protobuf message: number and bytes. */
function field(number: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
}

/** google.rpc.Status with one detail. */
function withDetail(code: number, type: string, detail: Buffer): Buffer {
  const any = Buffer.concat([field(1, `type.googleapis.com/google.rpc.${type}`), field(2, detail)]);
  return Buffer.concat([Buffer.from([8, code]), field(3, any)]);
}

const because = (code: status, reason: string): Fault => ({
  code,
  statusDetails: withDetail(code, 'ErrorInfo', field(1, reason)),
});

/** The error of a fetch that gRPC answers with a fault. */
const GRPC: readonly [fault: Fault, code: string, word: RegExp][] = [
  [{ code: status.CANCELLED }, 'unavailable', /cannot be reached/],
  [{ code: status.UNKNOWN }, 'unavailable', /cannot be reached/],
  [{ code: status.INVALID_ARGUMENT }, 'invalid-ref', /location/],
  [{ code: status.DEADLINE_EXCEEDED }, 'timeout', /in time/],
  [{ code: status.NOT_FOUND }, 'not-found', /no such secret/],
  [{ code: status.ALREADY_EXISTS }, 'bad-response', /no sense/],
  [{ code: status.PERMISSION_DENIED }, 'permission-denied', /roles\/secretmanager\.secretAccessor/],
  [{ code: status.RESOURCE_EXHAUSTED }, 'rate-limited', /quota/],
  [{ code: status.FAILED_PRECONDITION }, 'not-found', /disabled or destroyed/],
  [{ code: status.ABORTED }, 'unavailable', /cannot be reached/],
  [{ code: status.OUT_OF_RANGE }, 'invalid-ref', /location/],
  [{ code: status.UNIMPLEMENTED }, 'invalid-config', /apiEndpoint/],
  [{ code: status.INTERNAL }, 'unavailable', /cannot be reached/],
  [{ code: status.UNAVAILABLE }, 'unavailable', /cannot be reached/],
  [{ code: status.DATA_LOSS }, 'unavailable', /cannot be reached/],
  [{ code: status.UNAUTHENTICATED }, 'unauthenticated', /GOOGLE_APPLICATION_CREDENTIALS/],
  [because(status.PERMISSION_DENIED, 'SERVICE_DISABLED'), 'invalid-config', /not enabled/],
  [because(status.PERMISSION_DENIED, 'CONSUMER_INVALID'), 'invalid-config', /project/],
  [because(status.PERMISSION_DENIED, 'ACCESS_TOKEN_SCOPE_INSUFFICIENT'), 'permission-denied', /scope/],
  [because(status.PERMISSION_DENIED, 'SECURITY_POLICY_VIOLATED'), 'permission-denied', /perimeter/],
  [because(status.PERMISSION_DENIED, 'IAM_PERMISSION_DENIED'), 'permission-denied', /secretAccessor/],
];

const body = (code: string, ...details: object[]) => ({
  error: { code: 0, message: 'the server quotes its caller here: sk_live_canary', status: code, details },
});
const errorInfo = (reason: string) => ({ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason });

/** The error of a fetch that is answered over REST. */
const REST: readonly [answer: Answer, code: string, word: RegExp][] = [
  [{ status: 400, body: body('INVALID_ARGUMENT') }, 'invalid-ref', /location/],
  [{ status: 400, body: body('FAILED_PRECONDITION') }, 'not-found', /disabled or destroyed/],
  [{ status: 401, body: body('UNAUTHENTICATED') }, 'unauthenticated', /credential/],
  [{ status: 403, body: body('PERMISSION_DENIED') }, 'permission-denied', /secretAccessor/],
  [
    { status: 403, body: body('PERMISSION_DENIED', errorInfo('SERVICE_DISABLED')) },
    'invalid-config',
    /enabled/,
  ],
  [
    { status: 403, body: body('PERMISSION_DENIED', errorInfo('CONSUMER_INVALID')) },
    'invalid-config',
    /project/,
  ],
  [{ status: 404, body: body('NOT_FOUND') }, 'not-found', /no such secret/],
  [{ status: 404, body: '<html>no such host</html>' }, 'not-found', /no such secret/],
  [{ status: 408, body: '' }, 'unavailable', /cannot be reached/],
  [{ status: 409, body: body('ABORTED') }, 'unavailable', /cannot be reached/],
  [{ status: 418, body: '' }, 'bad-response', /no sense/],
  [{ status: 429, body: body('RESOURCE_EXHAUSTED') }, 'rate-limited', /quota/],
  [{ status: 499, body: body('CANCELLED') }, 'unavailable', /cannot be reached/],
  [{ status: 500, body: body('INTERNAL') }, 'unavailable', /cannot be reached/],
  [{ status: 501, body: body('UNIMPLEMENTED') }, 'invalid-config', /apiEndpoint/],
  [{ status: 502, body: '<html>Bad Gateway</html>' }, 'unavailable', /cannot be reached/],
  [{ status: 503, body: body('UNAVAILABLE') }, 'unavailable', /cannot be reached/],
  [{ status: 504, body: body('DEADLINE_EXCEEDED') }, 'timeout', /in time/],
  [{ status: 507, body: '' }, 'unavailable', /cannot be reached/],
  [{ status: 200, body: '<!doctype html><title>Sign in</title>' }, 'bad-response', /proxy/],
  [{ status: 200, body: '{"name": "projects/1/secrets/key/ver' }, 'bad-response', /proxy/],
  [{ status: 200, body: {} }, 'bad-response', /proxy/],
];

describe('over gRPC', () => {
  let store: SecretManagerServer;
  beforeAll(async () => {
    store = await startStore();
  });
  afterAll(() => store.stop());

  it.each(GRPC)('%j is %s', async (fault, code, word) => {
    const error = await failing(fault);
    expect([error.code, error.status]).toEqual([code, fault.code]);
    expect(error.message).toMatch(word);
    expect(error.message).not.toContain('as the test wants it');
  });

  it('F19: a rate limit carries how long Google asks to wait', async () => {
    const delay = withDetail(status.RESOURCE_EXHAUSTED, 'RetryInfo', field(1, Buffer.from([8, 3])));
    const error = await failing({ code: status.RESOURCE_EXHAUSTED, statusDetails: delay });
    expect([error.code, error.retryAfterMs]).toEqual(['rate-limited', 3_000]);
  });

  async function failing(fault: Fault) {
    const provider = overGrpc(store.port);
    store.faults.push(fault);
    try {
      return await failureOf(provider.fetch({ path: 'key' }, unhurried));
    } finally {
      await provider.close?.();
    }
  }
});

describe('over REST', () => {
  let store: RestServer;
  beforeAll(async () => {
    store = await startRestServer();
  });
  afterAll(() => store.stop());

  it.each(REST)('%j is %s', async (answer, code, word) => {
    const error = await failing(answer);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(word);
    expect(error.message).not.toContain('canary');
  });

  it('F19: a rate limit carries how long Google asks to wait, by header or in the body', async () => {
    const limited = body('RESOURCE_EXHAUSTED');
    const byHeader = await failing({ status: 429, headers: { 'Retry-After': '7' }, body: limited });
    expect(byHeader.retryAfterMs).toBe(7_000);
    const delay = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '2.5s' };
    expect((await failing({ status: 429, body: body('RESOURCE_EXHAUSTED', delay) })).retryAfterMs).toBe(
      2_500,
    );
  });

  it('an answer is asked for once: the core retries, not the SDK', async () => {
    store.requests.length = 0;
    await failing({ status: 503, body: body('UNAVAILABLE') });
    expect(store.requests).toHaveLength(1);
  });

  async function failing(answer: Answer) {
    store.answer = () => answer;
    const provider = gcpSecretManager({ project: 'orders', clientOptions: restOptions(store.port) });
    try {
      return await failureOf(provider.fetch({ path: 'key' }, unhurried));
    } finally {
      await provider.close?.();
    }
  }
});

describe('without an answer', () => {
  it.each([
    ['gRPC', overGrpc(1)],
    ['REST', gcpSecretManager({ project: 'orders', clientOptions: restOptions(1) })],
  ])('%s to where nothing listens is unavailable', async (_, provider) => {
    const error = await failureOf(provider.fetch({ path: 'key' }, unhurried));
    expect(error.code).toBe('unavailable');
    await provider.close?.();
  });
});

describe('a login that fails within a call over gRPC', () => {
  it.each([
    [400, 'invalid_grant', 'unauthenticated'],
    [status.UNKNOWN, 'Could not load the default credentials.', 'unauthenticated'],
    [status.UNKNOWN, 'request to https://sts.example/ failed, reason: connect ECONNREFUSED', 'unavailable'],
    [503, 'Service Unavailable', 'unavailable'],
    [429, 'Too Many Requests', 'rate-limited'],
  ])('%i, %s is %s', (code, text, expected) => {
    const message = `${code} undefined: Getting metadata from plugin failed with error: ${text}`;
    const error = callError(Object.assign(new Error(message), { code }));
    expect(error.code).toBe(expected);
    expect(error.message).not.toContain(text);
  });
});

describe('the table', () => {
  const failure = (facts: Partial<CallFailure>): CallFailure => ({
    status: undefined,
    number: undefined,
    reason: undefined,
    isLogin: false,
    retryAfterMs: undefined,
    ...facts,
  });

  it('has no row that nothing reaches', () => {
    const statuses = [undefined, 'MALFORMED', ...Object.keys(status).filter((name) => /^[A-Z]/.test(name))];
    const reasons = [undefined, ...FAILURE_ROWS.flatMap((row) => row.reasons ?? [])];
    const reached = [true, false].flatMap((isLogin) =>
      statuses.flatMap((name) =>
        reasons.map((reason) =>
          FAILURE_ROWS.findIndex((row) => matches(row, failure({ status: name, reason, isLogin }))),
        ),
      ),
    );
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
