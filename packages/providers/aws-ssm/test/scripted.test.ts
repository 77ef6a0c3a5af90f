import { SSMClient } from '@aws-sdk/client-ssm';
import { type AwsSsmConfig, awsSsm } from '@keyturn/aws-ssm';
import { isSecretsError, type ProviderRef } from '@keyturn/core/provider';
import { assertNoLeak } from '@keyturn/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { type AwsAnswer, type AwsCall, startScriptedAws } from '../../../../test/servers/scripted-aws.js';
import { AwsClient } from '../src/aws-client.js';
import { failureOf, unhurried } from './calls.js';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'canary-secret-access-key' };
const ARN = 'arn:aws:ssm:eu-central-1:123456789012:parameter';

const closing: (() => Promise<void> | undefined)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function scripted(answer: (call: AwsCall) => AwsAnswer, config: AwsSsmConfig = {}) {
  const server = await startScriptedAws(answer);
  const { endpoint } = server;
  const provider = awsSsm({ region: 'eu-central-1', endpoint, credentials, ...config });
  closing.push(
    () => provider.close?.(),
    () => server.stop(),
  );
  const fetch = (ref: ProviderRef) => provider.fetch(ref, unhurried);
  const fetchMany = async (...paths: string[]) =>
    (await provider.fetchMany?.(
      paths.map((path) => ({ path })),
      unhurried,
    )) ?? [];
  return { server, provider, fetch, fetchMany };
}

/** A parameter as the service gives it. */
function parameter(Name: string, more: object = {}) {
  return { Name, Value: `of ${Name}`, Version: 1, Type: 'SecureString', LastModifiedDate: 1.7e9, ...more };
}

const one = ({ input }: AwsCall): AwsAnswer => {
  const [name = '', selector] = String(input.Name).split(':');
  return { result: { Parameter: parameter(name, selector === undefined ? {} : { Version: 3 }) } };
};

describe('a read', () => {
  it('asks for what the reference names, decrypted', async () => {
    const { server, fetch } = await scripted(one);
    await fetch({ path: 'token' });
    await fetch({ path: 'prod/db' });
    await fetch({ path: 'prod/db', version: '3' });
    await fetch({ path: 'prod/db', stage: 'blue' });
    expect(server.calls.map(({ input }) => input)).toEqual([
      { Name: 'token', WithDecryption: true },
      { Name: '/prod/db', WithDecryption: true },
      { Name: '/prod/db:3', WithDecryption: true },
      { Name: '/prod/db:blue', WithDecryption: true },
    ]);
  });

  it('an answer of another version than the one that was asked for is refused', async () => {
    const { fetch } = await scripted(one);
    expect((await fetch({ path: 'prod/db', version: '3' })).version).toBe('3');
    expect((await failureOf(fetch({ path: 'prod/db', version: '4' }))).code).toBe('bad-response');
  });

  it.each([
    ['of another parameter', { Parameter: parameter('/other') }],
    ['without a version', { Parameter: { ...parameter('/a/b'), Version: undefined } }],
    ['of version 0', { Parameter: { ...parameter('/a/b'), Version: 0 } }],
    ['without a value', { Parameter: { ...parameter('/a/b'), Value: undefined } }],
    ['of nothing', {}],
  ])('an answer %s is refused', async (_, result) => {
    const { fetch } = await scripted(() => ({ result }));
    expect((await failureOf(fetch({ path: 'a/b' }))).code).toBe('bad-response');
  });

  it.each<[string, AwsAnswer, string]>([
    ['a page of HTML', { text: '<html>canary-body</html>' }, 'bad-response'],
    ['an answer that is cut', 'cut', 'unavailable'],
    ['a reset', 'reset', 'unavailable'],
    ['throttling', { error: 'ThrottlingException', message: 'canary-body' }, 'rate-limited'],
  ])('%s is an error that shows nothing of it, after one request', async (_, answer, code) => {
    const { server, fetch } = await scripted(() => answer);
    const error = await failureOf(fetch({ path: 'asked' }));
    expect(error.code).toBe(code);
    expect(server.calls).toHaveLength(1);
    assertNoLeak([error], ['canary-body', credentials.secretAccessKey, credentials.accessKeyId]);
  });

  it('by an ARN: only of the region that is called', async () => {
    const { fetch } = await scripted(() => ({
      result: { Parameter: parameter('/a/b', { ARN: `${ARN}/a/b` }) },
    }));
    expect((await fetch({ path: `${ARN}/a/b` })).data).toBe('of /a/b');
    const elsewhere = `${ARN.replace('eu-central-1', 'us-east-1')}/a/b`;
    expect((await failureOf(fetch({ path: elsewhere }))).message).toMatch(/is of us-east-1.*setting region/);
  });

  it('takes the application’s own client', async () => {
    const { server } = await scripted(one);
    const client = new SSMClient({ region: 'eu-central-1', endpoint: server.endpoint, credentials });
    expect((await awsSsm({ client }).fetch({ path: 'token' }, unhurried)).data).toBe('of token');
    client.destroy();
  });
});

describe('a folder', () => {
  const pages =
    (...names: string[]) =>
    (call: AwsCall): AwsAnswer => {
      const place = Number(call.input.NextToken ?? 0);
      const NextToken = place + 1 < names.length ? String(place + 1) : undefined;
      return { result: { Parameters: [parameter(names[place] ?? '')], NextToken } };
    };

  it('is all of its pages, as fields', async () => {
    const { server, fetch } = await scripted(pages('/prod/db/user', '/prod/db/password'));
    expect((await fetch({ path: 'prod/db/*' })).data).toEqual({
      password: 'of /prod/db/password',
      user: 'of /prod/db/user',
    });
    expect(server.calls[0]?.input).toEqual({
      Path: '/prod/db',
      Recursive: false,
      WithDecryption: true,
      MaxResults: 10,
    });
  });

  it('has the fields of what lies deeper by the rest of their names', async () => {
    const { server, fetch } = await scripted(pages('/prod/a', '/prod/b/c'));
    expect(Object.keys((await fetch({ path: 'prod/**' })).data)).toEqual(['a', 'b/c']);
    expect(server.calls[0]?.input).toMatchObject({ Recursive: true });
  });

  it('has a version that changes with any of it, and with nothing else', async () => {
    let more: object = {};
    let names = ['/f/a', '/f/b'];
    const { fetch } = await scripted(() => ({
      result: { Parameters: names.map((name) => parameter(name, name === '/f/a' ? more : {})) },
    }));
    const version = async () => (await fetch({ path: 'f/*' })).version;
    const before = await version();
    names = ['/f/b', '/f/a'];
    expect(await version()).toBe(before);
    const seen = new Set([before]);
    for (const change of [{ Version: 2 }, { LastModifiedDate: 1.8e9 }]) {
      more = change;
      seen.add(await version());
    }
    names = ['/f/a'];
    seen.add(await version());
    expect(seen.size).toBe(4);
  });

  it.each([
    ['nothing in it is not found', { Parameters: [] }, 'not-found'],
    ['what lies elsewhere is refused', { Parameters: [parameter('/other/a')] }, 'bad-response'],
  ])('%s', async (_, result, code) => {
    const { fetch } = await scripted(() => ({ result }));
    expect((await failureOf(fetch({ path: 'prod/db/*' }))).code).toBe(code);
  });

  it('F21: whose pages go in circles is refused: it is neither read for ever nor taken for whole', async () => {
    const { server, fetch } = await scripted(() => ({
      result: { Parameters: [parameter('/f/a')], NextToken: 'again' },
    }));
    expect((await failureOf(fetch({ path: 'f/*' }))).code).toBe('bad-response');
    expect(server.calls).toHaveLength(2);
  });
});

describe('many at once', () => {
  const batch = (call: AwsCall): AwsAnswer => {
    if (call.action !== 'GetParameters') return one(call);
    const names = call.input.Names as string[];
    const there = names.filter((name) => !name.includes('gone'));
    return {
      result: {
        Parameters: there.reverse().map((name) => parameter(name)),
        InvalidParameters: names.filter((name) => name.includes('gone')),
      },
    };
  };

  it('go in tens, each once, and each answer to its place', async () => {
    const { server, fetchMany } = await scripted(batch);
    const paths = Array.from({ length: 23 }, (_, index) => `p/${index}`);
    const answers = await fetchMany(...paths, ...paths);
    expect(answers.map((answer) => !isSecretsError(answer) && answer.data)).toEqual(
      [...paths, ...paths].map((path) => `of /${path}`),
    );
    expect(server.calls.map(({ input }) => (input.Names as string[]).length)).toEqual([10, 10, 3]);
  });

  it('what is not there and what is malformed has its error in its place', async () => {
    const { server, fetchMany } = await scripted(batch);
    const answers = await fetchMany('p/gone', 'p/1', 'no such:name', 'p/2');
    const codes = answers.map((answer) => (isSecretsError(answer) ? answer.code : 'given'));
    expect(codes).toEqual(['not-found', 'given', 'invalid-ref', 'given']);
    expect(server.calls).toHaveLength(1);
  });

  it('one is no batch, and a version or label goes by itself', async () => {
    const { server, provider } = await scripted(batch);
    const refs = [{ path: 'p/1' }, { path: 'p/1', version: '2' }, { path: 'p/1', stage: 'blue' }];
    await provider.fetchMany?.(refs, unhurried);
    expect(server.calls.map(({ input }) => input.Name)).toEqual(['/p/1', '/p/1:2', '/p/1:blue']);
    await provider.fetchMany?.([...refs, { path: 'p/2' }], unhurried);
    expect(server.count('GetParameters')).toBe(1);
    expect(server.count('GetParameter')).toBe(5);
  });

  it('one that may not be read makes AWS refuse all: each is read by itself', async () => {
    const { fetchMany } = await scripted((call) => {
      const isDenied = call.action === 'GetParameters' || call.input.Name === '/p/denied';
      return isDenied ? { error: 'AccessDeniedException' } : one(call);
    });
    const answers = await fetchMany('p/1', 'p/denied', 'p/2');
    const codes = answers.map((answer) => (isSecretsError(answer) ? answer.code : 'given'));
    expect(codes).toEqual(['given', 'permission-denied', 'given']);
  });

  it('throttling is not made up for by many single reads', async () => {
    const { server, fetchMany } = await scripted(() => ({ error: 'ThrottlingException' }));
    const answers = await fetchMany('p/1', 'p/2');
    expect(answers.map((answer) => isSecretsError(answer) && answer.code)).toEqual([
      'rate-limited',
      'rate-limited',
    ]);
    expect(server.calls).toHaveLength(1);
  });
});

describe('a listing', () => {
  it('asks for names alone, follows pages, and names by its ARN what no path leads to', async () => {
    const { provider, server } = await scripted(({ input }) => ({
      result:
        input.NextToken === undefined
          ? { Parameters: [{ Name: '/prod/a' }, { Name: 'token' }], NextToken: '2' }
          : { Parameters: [{ Name: '/token', ARN: `${ARN}/token` }] },
    }));
    const found: string[] = [];
    for await (const { path } of provider.list?.('', unhurried) ?? []) found.push(path);
    expect(found).toEqual(['prod/a', 'token', `${ARN}/token`]);
    expect(server.calls.map(({ action }) => action)).toEqual(['DescribeParameters', 'DescribeParameters']);
  });
});

describe('settings', () => {
  it.each<[string, unknown, RegExp]>([
    ['a misspelt name', { regoin: 'eu-central-1' }, /regoin is not known/],
    ['regions, which parameters have not', { regions: ['eu-central-1'] }, /regions is not known/],
    ['a region that is none', { region: 'Frankfurt am Main' }, /region is no region.*awsSsm\(\)/],
  ])('%s is refused at once', (_, config, says) => {
    expect(() => awsSsm(config as AwsSsmConfig)).toThrow(says);
  });

  it('an SDK that is not installed is named, with how to install it', async () => {
    const missing = 'a-package-that-nobody-has';
    const aws = new AwsClient({}, () => import(missing));
    const facts = { region: 'eu-central-1', signal: new AbortController().signal, subject: 'a' };
    const error = await failureOf(aws.call('GetParameter', { Name: 'a' }, facts));
    expect(error).toMatchObject({ code: 'invalid-config', remedy: 'Run: npm install @aws-sdk/client-ssm' });
  });
});
