import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type AwsSecretsManagerConfig, awsSecretsManager } from '@keyturn/aws-secrets-manager';
import { createSecrets } from '@keyturn/core';
import { isSecretsError, type ProviderRef } from '@keyturn/core/provider';
import { assertNoLeak } from '@keyturn/core/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type AwsAnswer, type AwsCall, startScriptedAws } from '../../../../test/servers/scripted-aws.js';
import { failureOf, unhurried } from './calls.js';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'canary-secret-access-key' };
const ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:';
const VERSION = 'a1b2c3d4-5678-90ab-cdef-EXAMPLE11111';

const closing: (() => Promise<void> | undefined)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closing.splice(0)) await close();
});

async function scripted(answer: (call: AwsCall) => AwsAnswer, config: AwsSecretsManagerConfig = {}) {
  const server = await startScriptedAws(answer);
  const { endpoint } = server;
  const provider = awsSecretsManager({ region: 'eu-central-1', endpoint, credentials, ...config });
  closing.push(
    () => provider.close?.(),
    () => server.stop(),
  );
  const fetch = (ref: ProviderRef) => provider.fetch(ref, unhurried);
  const fetchMany = async (...refs: ProviderRef[]) => (await provider.fetchMany?.(refs, unhurried)) ?? [];
  return { server, provider, fetch, fetchMany };
}

/** A secret as the service gives it. */
function secret(name: string, more: object = {}) {
  return { ARN: `${ARN}${name}-AbCdEf`, Name: name, VersionId: VERSION, SecretString: `of ${name}`, ...more };
}

const asName = (id: unknown) =>
  String(id)
    .replace(ARN, '')
    .replace(/-AbCdEf$/, '');

describe('a read', () => {
  it('asks for the stage or the version that the reference names, and never twice by itself', async () => {
    const { server, fetch } = await scripted(({ input }) => ({ result: secret(asName(input.SecretId)) }));
    await fetch({ path: 'a' });
    await fetch({ path: 'a', stage: 'AWSPREVIOUS' });
    await fetch({ path: 'a', version: VERSION });
    await fetch({ path: `${ARN}a` });
    expect(server.calls.map(({ input }) => input)).toEqual([
      { SecretId: 'a' },
      { SecretId: 'a', VersionStage: 'AWSPREVIOUS' },
      { SecretId: 'a', VersionId: VERSION },
      { SecretId: `${ARN}a` },
    ]);
    expect(server.calls[0]?.headers['user-agent']).toContain('keyturn-aws-secrets-manager');
  });

  it('gives text as it is, bytes as bytes, and facts that are text', async () => {
    const { fetch } = await scripted(({ input }) => ({
      result:
        input.SecretId === 'bytes'
          ? secret('bytes', {
              SecretString: undefined,
              SecretBinary: Buffer.from([0, 255, 10]).toString('base64'),
            })
          : secret('list', {
              SecretString: '[1,2]',
              VersionStages: ['AWSCURRENT', 'mine'],
              CreatedDate: 1.5e9,
            }),
    }));
    expect((await fetch({ path: 'bytes' })).data).toEqual(new Uint8Array([0, 255, 10]));
    const list = await fetch({ path: 'list' });
    expect(list.data).toBe('[1,2]');
    expect(list.metadata).toMatchObject({
      stages: 'AWSCURRENT, mine',
      createdAt: '2017-07-14T02:40:00.000Z',
    });
  });

  it.each([
    ['of another secret', secret('other')],
    ['of a secret whose name begins alike', secret('asked-2')],
    ['of another version', secret('asked', { VersionId: 'b1b2c3d4-5678-90ab-cdef-EXAMPLE22222' }), VERSION],
    ['without a version', { ...secret('asked'), VersionId: undefined }],
    ['without a value', { ...secret('asked'), SecretString: undefined }],
    ['of nothing', {}],
  ])('an answer %s is refused', async (_, result, version?: string) => {
    const { fetch } = await scripted(() => ({ result }));
    const ref = { path: 'asked', ...(version === undefined ? {} : { version }) };
    expect((await failureOf(fetch(ref))).code).toBe('bad-response');
  });

  it.each<[string, AwsAnswer, string]>([
    ['a page of HTML', { text: '<html>canary-body</html>' }, 'bad-response'],
    [
      'a page of HTML for a gateway’s failure',
      { text: '<html>canary-body</html>', status: 502 },
      'unavailable',
    ],
    ['an answer that is cut', 'cut', 'unavailable'],
    ['half of JSON', { text: '{"SecretString":"canary-body' }, 'bad-response'],
    ['a reset', 'reset', 'unavailable'],
    ['throttling', { error: 'ThrottlingException', message: 'canary-body' }, 'rate-limited'],
    ['an error of its own', { error: 'InternalServiceError', status: 500 }, 'unavailable'],
  ])('%s is an error that shows nothing of it, after one request', async (_, answer, code) => {
    const { server, fetch } = await scripted(() => answer);
    const error = await failureOf(fetch({ path: 'asked' }));
    expect(error.code).toBe(code);
    expect(server.calls).toHaveLength(1);
    assertNoLeak(
      [error, error.toJSON()],
      ['canary-body', credentials.secretAccessKey, credentials.accessKeyId],
    );
  });

  it('an empty text is no value', async () => {
    const { provider } = await scripted(() => ({ result: secret('blank', { SecretString: '' }) }));
    const secrets = createSecrets({ providers: { aws: provider } });
    expect((await failureOf(secrets.getSecret('aws:blank'))).code).toBe('bad-response');
    await secrets.close();
  });

  it('reads what is longer than any secret of AWS may be', async () => {
    const long = 'x'.repeat(70_000);
    const { fetch } = await scripted(() => ({ result: secret('long', { SecretString: long }) }));
    expect((await fetch({ path: 'long' })).data).toBe(long);
  });
});

describe('who calls, and when', () => {
  it('F36: a clock that is an hour off costs one more request, with the time of the server', async () => {
    const ahead = new Date(Date.now() + 3_600_000);
    const stamps: string[] = [];
    const { fetch } = await scripted(({ headers }) => {
      stamps.push(String(headers['x-amz-date']));
      if (stamps.length > 1) return { result: secret('a') };
      const message = 'Signature expired: 20260101T000000Z is now earlier than 20260101T000900Z';
      return { error: 'InvalidSignatureException', message, date: ahead.toUTCString() };
    });
    expect((await fetch({ path: 'a' })).version).toBe(VERSION);
    expect(stamps).toHaveLength(2);
    expect(stamps[1]?.slice(0, 11)).toBe(ahead.toISOString().replace(/[-:]/g, '').slice(0, 11));
  });

  it('a clock that cannot be corrected for is said to be off, after one request', async () => {
    const message = 'Signature expired: 20260101T000000Z is now earlier than 20260101T000900Z';
    const { server, fetch } = await scripted(() => ({ error: 'InvalidSignatureException', message }));
    const error = await failureOf(fetch({ path: 'a' }));
    expect(error).toMatchObject({ code: 'unauthenticated', remedy: expect.stringMatching(/clock/) });
    expect(server.calls).toHaveLength(1);
  });

  it('F43: credentials that have expired are asked for anew, once', async () => {
    let given = 0;
    const { server, fetch } = await scripted(
      ({ headers }) =>
        /Credential=KEY2/.test(String(headers.authorization))
          ? { result: secret('a') }
          : {
              error: 'ExpiredTokenException',
              message: 'The security token included in the request is expired',
            },
      { credentials: async () => ({ ...credentials, accessKeyId: `KEY${++given}` }) },
    );
    expect((await fetch({ path: 'a' })).version).toBe(VERSION);
    expect(given).toBe(2);
    expect(server.calls).toHaveLength(2);
  });

  it.each([
    ['for good, where a function gives them', async () => credentials, 2],
    ['for good, where they were given', credentials, 1],
  ])('credentials that have expired %s', async (_, expired, requests) => {
    const { server, fetch } = await scripted(() => ({ error: 'ExpiredTokenException' }), {
      credentials: expired,
    });
    expect((await failureOf(fetch({ path: 'a' }))).code).toBe('unauthenticated');
    expect(server.calls).toHaveLength(requests);
  });

  it('a function that has none to give is named', async () => {
    const broken = async () => {
      throw Object.assign(new Error('canary-words'), { name: 'CredentialsProviderError' });
    };
    const { fetch } = await scripted(() => 'hang', { credentials: broken });
    const error = await failureOf(fetch({ path: 'a' }));
    expect(error).toMatchObject({ code: 'unauthenticated', remedy: expect.stringMatching(/credentials/) });
    assertNoLeak([error], ['canary-words']);
  });

  it.each<[string, AwsSecretsManagerConfig, string, RegExp]>([
    ['no region', { credentials }, 'invalid-config', /AWS_REGION/],
    ['no credentials', { region: 'eu-central-1' }, 'unauthenticated', /AWS_ACCESS_KEY_ID/],
  ])('%s is set and none is found: says what to set, and calls nothing', async (_, config, code, says) => {
    const nowhere = '/there/is/no/such/file';
    for (const name of ['REGION', 'DEFAULT_REGION', 'PROFILE', 'ACCESS_KEY_ID', 'SECRET_ACCESS_KEY']) {
      vi.stubEnv(`AWS_${name}`, undefined);
    }
    for (const name of ['CONFIG_FILE', 'SHARED_CREDENTIALS_FILE']) vi.stubEnv(`AWS_${name}`, nowhere);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    const server = await startScriptedAws(() => 'hang');
    const provider = awsSecretsManager({ ...config, endpoint: server.endpoint });
    closing.push(
      () => provider.close?.(),
      () => server.stop(),
    );
    for (const path of ['a', `${ARN}a-AbCdEf`]) {
      const error = await failureOf(provider.fetch({ path }, unhurried));
      expect(error).toMatchObject({ code, remedy: expect.stringMatching(says) });
    }
    expect(server.calls).toHaveLength(0);
  });

  it('takes the application’s own client, knows its region, and leaves it open', async () => {
    const { server } = await scripted(({ input }) => ({ result: secret(asName(input.SecretId)) }));
    const { endpoint } = server;
    const client = new SecretsManagerClient({ region: 'us-east-1', endpoint, credentials, maxAttempts: 1 });
    const provider = awsSecretsManager({ client });
    expect((await provider.fetch({ path: 'a' }, unhurried)).version).toBe(VERSION);
    const error = await failureOf(provider.fetch({ path: `${ARN}a-AbCdEf` }, unhurried));
    expect(error.message).toMatch(/ARN is of eu-central-1, and the provider calls us-east-1/);
    await provider.close?.();
    expect((await client.send(new GetSecretValueCommand({ SecretId: 'a' }))).VersionId).toBe(VERSION);
    client.destroy();
  });

  it('closing closes what was opened, also for credentials that were replaced', async () => {
    let given = 0;
    const { server, provider, fetch } = await scripted(
      ({ headers }) =>
        /Credential=KEY2/.test(String(headers.authorization))
          ? { result: secret('a') }
          : { error: 'ExpiredTokenException' },
      { credentials: async () => ({ ...credentials, accessKeyId: `KEY${++given}` }) },
    );
    await fetch({ path: 'a' });
    await expect.poll(server.connections).toBe(1);
    await provider.close?.();
    await expect.poll(server.connections).toBe(0);
  });

  it('F48: a provider that is closed says so, and opens nothing more', async () => {
    const { server, provider, fetch, fetchMany } = await scripted(() => ({ result: secret('a') }));
    await fetch({ path: 'a' });
    await provider.close?.();
    await provider.close?.();
    expect((await failureOf(fetch({ path: 'a' }))).code).toBe('closed');
    const answers = await fetchMany({ path: 'a' }, { path: 'b' });
    expect(answers.map((answer) => isSecretsError(answer) && answer.code)).toEqual(['closed', 'closed']);
    expect(server.calls).toHaveLength(1);
    await expect.poll(server.connections).toBe(0);
  });

  it('a call without an answer ends when its caller leaves', async () => {
    const { provider } = await scripted(() => 'hang');
    const caller = new AbortController();
    const running = failureOf(provider.fetch({ path: 'a' }, { ...unhurried, signal: caller.signal }));
    caller.abort();
    expect((await running).code).toBe('aborted');
  });
});

describe('many at once', () => {
  const batch = ({ action, input }: AwsCall): AwsAnswer =>
    action === 'BatchGetSecretValue'
      ? { result: { SecretValues: (input.SecretIdList as string[]).map((id) => secret(asName(id))) } }
      : { result: secret(asName(input.SecretId)) };

  it('go in twenties, each once', async () => {
    const { server, fetchMany } = await scripted(batch);
    const refs = Array.from({ length: 45 }, (_, index) => ({ path: `s${index}` }));
    const answers = await fetchMany(...refs, ...refs);
    expect(answers.map((answer) => !isSecretsError(answer) && answer.data)).toEqual(
      [...refs, ...refs].map(({ path }) => `of ${path}`),
    );
    expect(server.calls.map(({ input }) => (input.SecretIdList as string[]).length)).toEqual([20, 20, 5]);
  });

  it('one is no batch, and a stage or version goes by itself', async () => {
    const { server, fetchMany } = await scripted(batch);
    const older = [
      { path: 'a', stage: 'AWSPREVIOUS' },
      { path: 'a', version: VERSION },
    ];
    await fetchMany({ path: 'a' }, ...older);
    expect(server.count('BatchGetSecretValue')).toBe(0);
    expect(server.count('GetSecretValue')).toBe(3);
    await fetchMany({ path: 'a' }, ...older, { path: 'b' });
    expect(server.count('BatchGetSecretValue')).toBe(1);
    expect(server.count('GetSecretValue')).toBe(5);
  });

  it('each error stands in its place, and what is malformed costs no request', async () => {
    const { server, fetchMany } = await scripted(() => ({
      result: {
        SecretValues: [secret('a')],
        Errors: [
          { SecretId: 'gone', ErrorCode: 'ResourceNotFoundException', Message: 'canary' },
          { SecretId: 'denied', ErrorCode: 'AccessDeniedException', Message: 'canary' },
          { SecretId: 'locked', ErrorCode: 'DecryptionFailure', Message: 'canary' },
        ],
      },
    }));
    const answers = await fetchMany(
      ...['gone', 'a', 'denied', 'no such/name', 'locked'].map((path) => ({ path })),
    );
    const codes = answers.map((answer) => (isSecretsError(answer) ? answer.code : 'given'));
    expect(codes).toEqual(['not-found', 'given', 'permission-denied', 'invalid-ref', 'permission-denied']);
    expect(server.calls).toHaveLength(1);
    expect(String(answers[0])).toMatch(/no secret gone in eu-central-1/);
    assertNoLeak(answers, ['canary']);
  });

  it('follows pages to their end', async () => {
    const { server, fetchMany } = await scripted(({ action, input }) => {
      if (action === 'GetSecretValue') return { result: secret(asName(input.SecretId)) };
      const isFirst = input.NextToken === undefined;
      return {
        result: { SecretValues: [secret(isFirst ? 'a' : 'b')], NextToken: isFirst ? 'more' : undefined },
      };
    });
    const answers = await fetchMany({ path: 'a' }, { path: 'b' }, { path: 'c' });
    expect(answers.map((answer) => !isSecretsError(answer) && answer.data)).toEqual(['of a', 'of b', 'of c']);
    expect(server.count('BatchGetSecretValue')).toBe(2);
    // What no page has is read by itself.
    expect(server.count('GetSecretValue')).toBe(1);
  });

  it('an answer goes to whoever asked for it, by name, ARN or the ARN without its end', async () => {
    const { fetchMany } = await scripted(({ action, input }) =>
      action === 'BatchGetSecretValue'
        ? { result: { SecretValues: [secret('b'), secret('a')] } }
        : { result: secret(asName(input.SecretId)) },
    );
    const paths = ['a', `${ARN}a-AbCdEf`, `${ARN}b`, 'b'];
    const answers = await fetchMany(...paths.map((path) => ({ path })));
    expect(answers.map((answer) => !isSecretsError(answer) && answer.data)).toEqual([
      'of a',
      'of a',
      'of b',
      'of b',
    ]);
  });

  it.each(['AccessDeniedException', 'InvalidParameterException'])(
    'each is read by itself where the batch is refused: %s',
    async (error) => {
      const { server, fetchMany } = await scripted((call) =>
        call.action === 'BatchGetSecretValue' ? { error } : batch(call),
      );
      const answers = await fetchMany({ path: 'a' }, { path: 'b' });
      expect(answers.map((answer) => isSecretsError(answer))).toEqual([false, false]);
      expect(server.count('GetSecretValue')).toBe(2);
    },
  );

  it('a batch that is throttled is not made up for by many single reads', async () => {
    const { server, fetchMany } = await scripted(() => ({ error: 'ThrottlingException' }));
    const answers = await fetchMany({ path: 'a' }, { path: 'b' });
    expect(answers.map((answer) => isSecretsError(answer) && answer.code)).toEqual([
      'rate-limited',
      'rate-limited',
    ]);
    expect(server.calls).toHaveLength(1);
  });
});

describe('regions', () => {
  it('each call goes to the region that it names, with the ARN of that region', async () => {
    const { server, provider } = await scripted(({ input }) => {
      const id = String(input.SecretId);
      return { result: { ...secret('a'), ARN: id } };
    });
    const regions = ['eu-central-1', 'us-east-1'];
    const replicated = awsSecretsManager({ regions, endpoint: () => server.endpoint, credentials });
    closing.push(() => replicated.close?.());
    expect(replicated.addresses).toEqual(regions);
    expect(provider.addresses).toBeUndefined();
    const path = `${ARN}a-AbCdEf`;
    for (const address of regions) await replicated.fetch({ path }, { ...unhurried, address });
    expect(server.calls.map(({ input }) => input.SecretId)).toEqual([
      path,
      path.replace('eu-central-1', 'us-east-1'),
    ]);
    const scopes = server.calls.map(
      ({ headers }) => /\/([a-z0-9-]+)\/secretsmanager/.exec(String(headers.authorization))?.[1],
    );
    expect(scopes).toEqual(regions);
  });
});

describe('when it is rotated', () => {
  const DATES = { RotationEnabled: true, NextRotationDate: 1.8e9, LastRotatedDate: 1.7e9 };

  it('is told where it is asked for, and is no lease', async () => {
    const answer = ({ action }: AwsCall) => ({ result: action === 'DescribeSecret' ? DATES : secret('a') });
    const plain = await scripted(answer);
    await plain.fetch({ path: 'a' });
    expect(plain.server.count('DescribeSecret')).toBe(0);

    const { fetch } = await scripted(answer, { describeRotation: true });
    const { lease, metadata } = await fetch({ path: 'a' });
    expect(lease).toBeUndefined();
    expect(metadata).toMatchObject({
      rotation: 'on',
      rotationDueBy: '2027-01-15T08:00:00.000Z',
      lastRotatedAt: '2023-11-14T22:13:20.000Z',
    });
  });

  it('is not worth losing a secret for', async () => {
    const { fetch } = await scripted(
      ({ action }) =>
        action === 'DescribeSecret' ? { error: 'AccessDeniedException' } : { result: secret('a') },
      { describeRotation: true },
    );
    expect((await fetch({ path: 'a' })).metadata).toMatchObject({ rotation: 'unknown (permission-denied)' });
  });
});

describe('a listing', () => {
  it('follows pages, and names by its ARN what no reference can name', async () => {
    const { provider, server } = await scripted(({ input }) => ({
      result:
        input.NextToken === undefined
          ? { SecretList: [{ Name: 'prod/a', ARN: `${ARN}prod/a-AbCdEf` }], NextToken: '2' }
          : { SecretList: [{ Name: '/prod/b', ARN: `${ARN}/prod/b-AbCdEf` }, { Name: 'c' }] },
    }));
    const found: string[] = [];
    for await (const { path } of provider.list?.('', unhurried) ?? []) found.push(path);
    expect(found).toEqual(['prod/a', `${ARN}/prod/b-AbCdEf`, 'c']);
    expect(server.calls[0]?.input).toEqual({ MaxResults: 100 });
  });

  it('takes nothing that does not begin with the prefix, whatever is answered', async () => {
    const { provider, server } = await scripted(() => ({
      result: { SecretList: [{ Name: 'prod/a' }, { Name: 'production' }, { Name: 'PROD/b' }] },
    }));
    const found: string[] = [];
    for await (const { path } of provider.list?.('prod/', unhurried) ?? []) found.push(path);
    expect(found).toEqual(['prod/a']);
    expect(server.calls[0]?.input).toMatchObject({ Filters: [{ Key: 'name', Values: ['prod/'] }] });
  });
});
