import { type AwsSecretsManagerConfig, awsSecretsManager } from '@keyturn/aws-secrets-manager';
import { createSecrets, type SecretsConfig } from '@keyturn/core';
import { isSecretsError } from '@keyturn/core/provider';
import { leakProbe } from '@keyturn/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { type AwsAnswer, type AwsCall, startScriptedAws } from '../../../../test/servers/scripted-aws.js';
import { failureOf, unhurried } from './calls.js';

/** What an application sees of the provider, through the core: many at once, faults in the middle, regions that die. */

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'canary-secret-access-key' };
const VERSION = 'a1b2c3d4-5678-90ab-cdef-EXAMPLE11111';
const FIFTY = Array.from({ length: 50 }, (_, number) => `s${number}`);

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function scripted(answer: (call: AwsCall) => AwsAnswer) {
  const server = await startScriptedAws(answer);
  closing.push(() => server.stop());
  return server;
}

function live(config: AwsSecretsManagerConfig, settings: Partial<SecretsConfig> = {}) {
  const secrets = createSecrets({
    providers: { aws: awsSecretsManager({ credentials, ...config }) },
    resilience: { firstRetryDelay: 1 },
    ...settings,
  });
  closing.push(() => secrets.close());
  return secrets;
}

function secret(name: string, more: object = {}) {
  const ARN = `arn:aws:secretsmanager:eu-central-1:123456789012:secret:${name}-AbCdEf`;
  return { ARN, Name: name, VersionId: VERSION, SecretString: `canary of ${name}`, ...more };
}

const namesOf = ({ input }: AwsCall) => (input.SecretIdList ?? [input.SecretId]) as string[];

/** Gives what was asked for, in a batch or by itself. */
function given(call: AwsCall): AwsAnswer {
  const found = namesOf(call).map((name) => secret(name));
  return { result: call.action === 'BatchGetSecretValue' ? { SecretValues: found } : (found[0] ?? {}) };
}

const codeOf = (error: unknown) => (isSecretsError(error) ? error.code : 'a foreign error');

describe('fifty references in one tick', () => {
  const outcomes = (secrets: ReturnType<typeof live>) =>
    Promise.all(FIFTY.map((name) => secrets.getSecret(`aws:${name}`).then((one) => one.reveal(), codeOf)));

  it('are three requests', async () => {
    const server = await scripted(given);
    const all = await outcomes(live({ region: 'eu-central-1', endpoint: server.endpoint }));
    expect(all).toEqual(FIFTY.map((name) => `canary of ${name}`));
    expect(server.calls.map(({ action }) => action)).toEqual(Array(3).fill('BatchGetSecretValue'));
  });

  it('of which some fail: each has its own outcome, and only what a retry may mend is asked for again', async () => {
    const failing: Record<string, string> = {
      s3: 'ResourceNotFoundException',
      s17: 'AccessDeniedException',
      s25: 'DecryptionFailure',
    };
    const failingOnce: Record<string, string> = { s31: 'InternalServiceError', s44: 'ThrottlingException' };
    const server = await scripted((call) => {
      const found: object[] = [];
      const errors: object[] = [];
      for (const name of namesOf(call)) {
        const code = failing[name] ?? failingOnce[name];
        if (code === undefined) found.push(secret(name));
        else errors.push({ SecretId: name, ErrorCode: code, Message: 'canary' });
        delete failingOnce[name];
      }
      return { result: { SecretValues: found, Errors: errors } };
    });
    const all = await outcomes(live({ region: 'eu-central-1', endpoint: server.endpoint }));
    const codes: Record<string, string> = {
      s3: 'not-found',
      s17: 'permission-denied',
      s25: 'permission-denied',
    };
    expect(all).toEqual(FIFTY.map((name) => codes[name] ?? `canary of ${name}`));
    expect(server.calls.slice(3).flatMap(namesOf)).toEqual(['s31', 's44']);
  });

  it('whose batches are throttled for a while are not made into fifty single reads', async () => {
    let throttled = 4;
    const server = await scripted((call) =>
      throttled-- > 0 ? { error: 'ThrottlingException', message: 'canary' } : given(call),
    );
    const all = await outcomes(live({ region: 'eu-central-1', endpoint: server.endpoint }));
    expect(all).toEqual(FIFTY.map((name) => `canary of ${name}`));
    expect(server.count('GetSecretValue')).toBe(0);
    expect(server.calls.length).toBeLessThanOrEqual(8);
  });
});

describe('with regions', () => {
  async function regions(...answers: ((call: AwsCall) => AwsAnswer)[]) {
    const servers = await Promise.all(answers.map(scripted));
    const names = ['eu-central-1', 'us-east-1'];
    const secrets = live({
      regions: names,
      endpoint: (region) => servers[names.indexOf(region)]?.endpoint ?? '',
    });
    return { servers, secrets };
  }

  it.each<[string, AwsAnswer]>([
    ['resets', 'reset'],
    ['answers 500', { error: 'InternalServiceError', status: 500 }],
    ['cuts its answers', 'cut'],
    ['answers with the page of a gateway that fails', { text: '<html>canary</html>', status: 502 }],
  ])('one that %s gives way to the next, also for fifty at once', async (_, answer) => {
    const { servers, secrets } = await regions(() => answer, given);
    const all = await Promise.all(FIFTY.map((name) => secrets.getSecret(`aws:${name}`)));
    expect(all.map((one) => one.reveal())).toEqual(FIFTY.map((name) => `canary of ${name}`));
    expect(servers[0]?.calls).toHaveLength(3);
    expect(servers[1]?.calls).toHaveLength(3);
  });

  it.each([
    ['denies', 'AccessDeniedException', 'permission-denied'],
    ['does not know it', 'ResourceNotFoundException', 'not-found'],
    ['throttles', 'ThrottlingException', 'rate-limited'],
  ])('one that %s has answered: the next is not asked', async (_, error, code) => {
    const { servers, secrets } = await regions(() => ({ error, message: 'canary' }), given);
    expect((await failureOf(secrets.getSecret('aws:a'))).code).toBe(code);
    expect(servers[1]?.calls).toHaveLength(0);
  });

  it('the first one is called by who names none', async () => {
    const server = await scripted(given);
    const provider = awsSecretsManager({
      regions: ['eu-central-1', 'us-east-1'],
      endpoint: (region) => (region === 'eu-central-1' ? server.endpoint : 'http://127.0.0.1:1'),
      credentials,
    });
    closing.push(async () => provider.close?.());
    expect((await provider.fetch({ path: 'a' }, unhurried)).version).toBe(VERSION);
  });
});

it('F29: stages and versions of one secret are cached each by itself', async () => {
  const other = 'b1b2c3d4-5678-90ab-cdef-EXAMPLE22222';
  const server = await scripted(({ input }) => {
    const SecretString = String(input.VersionStage ?? input.VersionId ?? 'current');
    return { result: secret('db', { SecretString, VersionId: input.VersionId ?? VERSION }) };
  });
  const secrets = live({ region: 'eu-central-1', endpoint: server.endpoint });
  const asked = ['', '?stage=AWSPENDING', '?stage=AWSPREVIOUS', `?version=${VERSION}`, `?version=${other}`];
  const read = async () => {
    const found: string[] = [];
    for (const query of asked) found.push((await secrets.getSecret(`aws:db${query}`)).reveal());
    return found;
  };
  expect(await read()).toEqual(['current', 'AWSPENDING', 'AWSPREVIOUS', VERSION, other]);
  expect(await read()).toEqual(['current', 'AWSPENDING', 'AWSPREVIOUS', VERSION, other]);
  expect(server.calls).toHaveLength(asked.length);
});

it('a rotation is told to who watches, once, and within the cache ttl', async () => {
  let rotations = 0;
  const server = await scripted(() => ({
    result: secret('db', {
      SecretString: `password ${rotations}`,
      VersionId: `${VERSION.slice(0, -1)}${rotations}`,
    }),
  }));
  const secrets = live({ region: 'eu-central-1', endpoint: server.endpoint }, { cache: { ttl: 20 } });
  const seen: string[] = [];
  secrets.watch('aws:db', (one) => void seen.push(one.reveal()));
  await expect.poll(() => seen).toEqual(['password 0']);
  for (let turn = 1; turn <= 3; turn++) {
    rotations = turn;
    await expect.poll(() => seen.at(-1)).toBe(`password ${turn}`);
  }
  expect(seen).toEqual([0, 1, 2, 3].map((turn) => `password ${turn}`));
});

it('two providers share nothing: each calls as whom it was told, and closing one leaves the other', async () => {
  const server = await scripted(given);
  const [one, other] = ['KEYONE', 'KEYTWO'].map((accessKeyId) =>
    live({ region: 'eu-central-1', endpoint: server.endpoint, credentials: { ...credentials, accessKeyId } }),
  );
  await one?.getSecret('aws:a');
  await one?.close();
  await other?.getSecret('aws:a');
  const callers = server.calls.map(
    ({ headers }) => /Credential=(\w+)/.exec(String(headers.authorization))?.[1],
  );
  expect(callers).toEqual(['KEYONE', 'KEYTWO']);
});

it('F43: credentials that expire under many reads are asked for anew once for all of them', async () => {
  let valid = 'KEY1';
  let given = 0;
  const server = await scripted((call) =>
    String(call.headers.authorization).includes(`Credential=${valid}/`)
      ? { result: secret(String(call.input.SecretId)) }
      : { error: 'ExpiredTokenException' },
  );
  const provider = awsSecretsManager({
    region: 'eu-central-1',
    endpoint: server.endpoint,
    credentials: async () => ({ ...credentials, accessKeyId: `KEY${++given}` }),
  });
  closing.push(async () => provider.close?.());
  const read = () => Promise.all(FIFTY.slice(0, 30).map((path) => provider.fetch({ path }, unhurried)));
  expect(await read()).toHaveLength(30);
  valid = 'KEY2';
  expect(await read()).toHaveLength(30);
  expect(given).toBe(2);
  // The connections of the first key are closed once its last call is over.
  await expect.poll(server.connections).toBeLessThanOrEqual(30);
});

it('F49: whatever fails, nothing shows a value or a key: not errors, events, warnings, nor the provider', async () => {
  const answers: AwsAnswer[] = [
    { result: secret('a') },
    { text: '{"SecretString":"canary' },
    { error: 'AccessDeniedException', message: 'canary' },
    { error: 'ExpiredTokenException', message: 'canary' },
    { error: 'UnheardOf', message: 'canary' },
    { result: { SecretString: 'canary' } },
    'cut',
  ];
  let turn = 0;
  const server = await scripted(() => answers[turn++ % answers.length] ?? 'reset');
  const probe = leakProbe(['canary of a', credentials.secretAccessKey, 'canary']);
  try {
    const provider = awsSecretsManager({ region: 'eu-central-1', endpoint: server.endpoint, credentials });
    const secrets = createSecrets({ providers: { aws: provider }, cache: { ttl: 1, maxStale: 0 } });
    closing.push(() => secrets.close());
    secrets.on('refresh-failed', (event) => probe.inspect(event, 'an event'));
    for (let read = 0; read < 20; read++) {
      const outcome = await secrets.getSecret(`aws:a${read}`).catch((error: unknown) => error);
      probe.inspect(outcome, `read ${read}`);
    }
    probe.inspect(provider, 'the provider');
    probe.assertClean();
  } finally {
    probe.stop();
  }
});
