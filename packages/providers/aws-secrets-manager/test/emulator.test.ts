import { readFileSync } from 'node:fs';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  ReplicateSecretToRegionsCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { type AwsSecretsManagerConfig, awsSecretsManager } from '@keyturn/aws-secrets-manager';
import { createSecrets, type SecretsConfig } from '@keyturn/core';
import { isSecretsError, type ProviderRef } from '@keyturn/core/provider';
import { assertNoLeak } from '@keyturn/core/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  MINISTACK_ROOT,
  type PipServer,
  startMicroburst,
  startMinistack,
  startMoto,
} from '../../../../test/servers/aws.js';
import { startTcpFaultProxy } from '../../../../test/servers/fault-proxy.js';
import { createIdentity, type IamIdentity } from '../../../../test/servers/iam-identities.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { failureOf, unhurried } from './calls.js';

const region = 'eu-central-1';
const credentials = MINISTACK_ROOT;

const closing: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function opened(config: AwsSecretsManagerConfig) {
  const provider = awsSecretsManager(config);
  closing.push(async () => provider.close?.());
  return { ...provider, read: (ref: ProviderRef) => provider.fetch(ref, unhurried) };
}

function live(config: AwsSecretsManagerConfig, settings: Partial<SecretsConfig> = {}) {
  const secrets = createSecrets({ providers: { aws: awsSecretsManager(config) }, ...settings });
  closing.push(() => secrets.close());
  return secrets;
}

describe.each([
  { name: 'ministack', start: startMinistack },
  { name: 'moto', start: startMoto },
] as const)('against $name', ({ name, start }) => {
  describe.skipIf(!requireServer(name))('', () => {
    let emulator: PipServer;
    let admin: SecretsManagerClient;
    beforeAll(async () => {
      emulator = await start();
      admin = new SecretsManagerClient({ region, endpoint: emulator.endpoint, credentials });
    });
    afterAll(async () => {
      admin?.destroy();
      await emulator?.stop();
    });
    const config = () => ({ region, endpoint: emulator.endpoint, credentials });

    async function created(Name: string, SecretString: string) {
      const { ARN = '', VersionId = '' } = await admin.send(new CreateSecretCommand({ Name, SecretString }));
      return { arn: ARN, version: VersionId };
    }

    it('each stage and each version is the one that was asked for', async () => {
      const { read } = opened(config());
      const first = await created('stages', 'one');
      const put = (SecretString: string, VersionStages?: string[]) =>
        admin.send(
          new PutSecretValueCommand({
            SecretId: 'stages',
            SecretString,
            ...(VersionStages && { VersionStages }),
          }),
        );
      await put('two');
      await put('three', ['AWSPENDING']);
      expect((await read({ path: 'stages' })).data).toBe('two');
      expect((await read({ path: 'stages', stage: 'AWSPREVIOUS' })).data).toBe('one');
      expect((await read({ path: 'stages', stage: 'AWSPENDING' })).data).toBe('three');
      expect(await read({ path: 'stages', version: first.version })).toMatchObject({
        data: 'one',
        version: first.version,
      });
    });

    // moto: a read without a stage does not follow AWSCURRENT when it is moved. AWS's does.
    it.skipIf(name === 'moto')('F28: AWSCURRENT that is moved back is followed', async () => {
      const { read } = opened(config());
      const one = await created('moved', 'one');
      const SecretId = 'moved';
      const two = await admin.send(new PutSecretValueCommand({ SecretId, SecretString: 'two' }));
      await admin.send(
        new UpdateSecretVersionStageCommand({
          SecretId,
          VersionStage: 'AWSCURRENT',
          MoveToVersionId: one.version,
          ...(two.VersionId === undefined ? {} : { RemoveFromVersionId: two.VersionId }),
        }),
      );
      expect(await read({ path: SecretId })).toMatchObject({ data: 'one', version: one.version });
    });

    it('a secret is found by its ARN, and by its ARN without the end', async () => {
      const { read } = opened(config());
      const { arn } = await created('by/arn', 'found');
      expect((await read({ path: arn })).data).toBe('found');
      expect((await read({ path: arn.slice(0, -7) })).data).toBe('found');
    });

    it('half a name is never answered by another secret', async () => {
      const { read } = opened(config());
      const { arn } = await created('half/names', 'canary-of-half');
      // ministack takes any beginning of an ARN for it and answers, which is refused here. AWS finds nothing.
      const error = await failureOf(read({ path: arn.slice(0, -9) }));
      expect(error.code).toBe(name === 'ministack' ? 'bad-response' : 'not-found');
      assertNoLeak([error], ['canary-of-half']);
    });

    it('an ARN of another region is refused before a call', async () => {
      const { arn } = await created('elsewhere', 'x');
      const error = await failureOf(opened({ ...config(), region: 'us-east-1' }).read({ path: arn }));
      expect(error).toMatchObject({ code: 'invalid-ref', remedy: expect.stringMatching(/setting region/) });
    });

    it('a secret of another region is not found, and the region is named', async () => {
      await created('regional', 'x');
      const error = await failureOf(opened({ ...config(), region: 'us-east-1' }).read({ path: 'regional' }));
      expect(error).toMatchObject({ code: 'not-found', problem: expect.stringMatching(/in us-east-1/) });
    });

    it('a listing of more than a page names all, each once', async () => {
      const names = Array.from({ length: 130 }, (_, number) => `many/${number}`);
      for (const Name of names) await created(Name, 'x');
      const found: string[] = [];
      for await (const { path } of opened(config()).list?.('many', unhurried) ?? []) found.push(path);
      expect(found.sort()).toEqual(names.sort());
    });

    it('bytes come back as bytes', async () => {
      const bytes = new Uint8Array([0, 1, 2, 253, 254, 255, 10]);
      await admin.send(new CreateSecretCommand({ Name: 'bytes', SecretBinary: bytes }));
      const secret = await live(config()).getSecret('aws:bytes');
      expect(new Uint8Array(secret.revealBytes())).toEqual(bytes);
    });

    it('64 KiB, which is the most, come back whole, alone and in a batch', async () => {
      const { fetchMany } = opened(config());
      const long = 'ü'.repeat(32 * 1024);
      for (const path of ['long/1', 'long/2', 'long/3']) await created(path, long);
      const refs = ['long/1', 'long/2', 'long/3'].map((path) => ({ path }));
      const answers = (await fetchMany?.(refs, unhurried)) ?? [];
      expect(answers.map((answer) => !isSecretsError(answer) && answer.data === long)).toEqual([
        true,
        true,
        true,
      ]);
    });

    it('what is no JSON object has no fields, and says so without its text', async () => {
      await created('plain', '["canary-plain"]');
      const error = await failureOf(live(config()).getSecret('aws:plain#password'));
      expect(error).toMatchObject({
        code: 'not-found',
        remedy: expect.stringMatching(/leave out the #field/),
      });
      assertNoLeak([error], ['canary-plain']);
    });

    it('F42: what is marked for deletion is not found, and how to restore it is said', async () => {
      const { read } = opened(config());
      await created('doomed', 'x');
      await admin.send(new DeleteSecretCommand({ SecretId: 'doomed', RecoveryWindowInDays: 7 }));
      const error = await failureOf(read({ path: 'doomed' }));
      expect(error).toMatchObject({ code: 'not-found', remedy: expect.stringMatching(/restore-secret/) });
    });
  });
});

describe.skipIf(!requireServer('ministack'))(
  'against an emulator that checks signatures and policies',
  () => {
    let emulator: PipServer;
    let admin: SecretsManagerClient;
    let reader: IamIdentity;
    const all = { Action: ['secretsmanager:*'], Resource: '*' };
    beforeAll(async () => {
      emulator = await startMinistack({ auth: true });
      admin = new SecretsManagerClient({ region, endpoint: emulator.endpoint, credentials });
      for (const name of ['prod/db', 'prod/key', 'other/db']) {
        await admin.send(new CreateSecretCommand({ Name: name, SecretString: `canary of ${name}` }));
      }
      reader = await createIdentity(emulator.endpoint, 'reader');
    });
    afterAll(async () => {
      admin?.destroy();
      await emulator?.stop();
    });
    const as = (who: IamIdentity['credentials']) => ({
      region,
      endpoint: emulator.endpoint,
      credentials: who,
    });

    it('the policy in the README is enough for reads, batches and listings, and for nothing else', async () => {
      const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
      const { Statement } = JSON.parse(/```json\n([\s\S]*?)```/.exec(text)?.[1] ?? '');
      await reader.allow(...JSON.parse(JSON.stringify(Statement).replaceAll('123456789012', '000000000000')));
      const { read, fetchMany, list } = opened(as(reader.credentials));
      expect((await read({ path: 'prod/db' })).data).toBe('canary of prod/db');
      const answers =
        (await fetchMany?.(
          ['prod/db', 'other/db', 'prod/key'].map((path) => ({ path })),
          unhurried,
        )) ?? [];
      const codes = answers.map((answer) => (isSecretsError(answer) ? answer.code : 'given'));
      expect(codes).toEqual(['given', 'permission-denied', 'given']);
      const found: string[] = [];
      for await (const { path } of list?.('prod', unhurried) ?? []) found.push(path);
      expect(found.sort()).toEqual(['prod/db', 'prod/key']);
    });

    it('what is not allowed is named', async () => {
      await reader.allow({ Action: ['secretsmanager:ListSecrets'], Resource: '*' });
      const error = await failureOf(opened(as(reader.credentials)).read({ path: 'prod/db' }));
      expect(error).toMatchObject({
        code: 'permission-denied',
        remedy: expect.stringMatching(/Allow secretsmanager:GetSecretValue/),
      });
      assertNoLeak([error], [reader.credentials.secretAccessKey, 'canary of']);
    });

    it('without the permission for batches, each is read by itself', async () => {
      await reader.allow({ Action: ['secretsmanager:GetSecretValue'], Resource: '*' });
      const { fetchMany } = opened(as(reader.credentials));
      const answers =
        (await fetchMany?.(
          ['prod/db', 'prod/key'].map((path) => ({ path })),
          unhurried,
        )) ?? [];
      expect(answers.map((answer) => isSecretsError(answer))).toEqual([false, false]);
    });

    it('F40: a read that is denied from now on is never served stale', async () => {
      await reader.allow(all);
      const secrets = live(as(reader.credentials), { cache: { ttl: 1, maxStale: '1h' } });
      const outcome = () =>
        secrets.getSecret('aws:prod/db').then(
          () => 'given',
          (error) => error.code,
        );
      expect(await outcome()).toBe('given');
      await reader.allow();
      await expect.poll(outcome).toBe('permission-denied');
      for (let read = 0; read < 20; read++) expect(await outcome()).toBe('permission-denied');
    });

    it.each([
      [
        'a secret key that does not fit',
        { secretAccessKey: 'canary-of-another-one' },
        /secret access key is not/,
      ],
      ['a key that nobody knows', { accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }, /does not know/],
    ])('%s is no permission that lacks', async (_, wrong, says) => {
      await reader.allow(all);
      const error = await failureOf(
        opened(as({ ...reader.credentials, ...wrong })).read({ path: 'prod/db' }),
      );
      expect(error).toMatchObject({ code: 'unauthenticated', problem: expect.stringMatching(says) });
      assertNoLeak([error], ['canary-of-another-one']);
    });

    // AWS sends the time with each answer, and the SDK corrects for it; this emulator sends none.
    it('F36: a clock that is an hour off, and cannot be corrected for, is named', async () => {
      await reader.allow(all);
      const client = new SecretsManagerClient({
        ...as(reader.credentials),
        maxAttempts: 1,
        systemClockOffset: 3_600_000,
      });
      closing.push(async () => client.destroy());
      const error = await failureOf(opened({ client }).read({ path: 'prod/db' }));
      expect(error).toMatchObject({ code: 'unauthenticated', remedy: expect.stringMatching(/clock/) });
    });
  },
);

describe.skipIf(!requireServer('ministack', 'microburst'))('with faults on the way', () => {
  let emulator: PipServer;
  let proxy: Awaited<ReturnType<typeof startMicroburst>>;
  beforeAll(async () => {
    emulator = await startMinistack();
    proxy = await startMicroburst(emulator.endpoint);
    const admin = new SecretsManagerClient({ region, endpoint: emulator.endpoint, credentials });
    await admin.send(new CreateSecretCommand({ Name: 'db', SecretString: 'canary-in-the-body' }));
    admin.destroy();
  });
  afterAll(async () => {
    await proxy?.stop();
    await emulator?.stop();
  });
  afterEach(() => proxy.rules());
  const config = () => ({ region, endpoint: proxy.endpoint, credentials });
  const service = 'secretsmanager';

  it.each([
    ['throttling', { error: { code: 'ThrottlingException', status: 400 } }, 'rate-limited'],
    ['throttling with 429', { error: { code: 'TooManyRequestsException', status: 429 } }, 'rate-limited'],
    ['an error of the service', { error: { code: 'InternalServiceError', status: 500 } }, 'unavailable'],
    ['a service that is not there', { error: { code: 'ServiceUnavailable', status: 503 } }, 'unavailable'],
    ['a reset', { reset: true }, 'unavailable'],
    ['a body that is cut', { response: { abort_frac: 0.5 } }, 'unavailable'],
    ['half of a body', { response: { truncate_frac: 0.5 } }, 'bad-response'],
    ['an expired token', { error: { code: 'ExpiredTokenException', status: 400 } }, 'unauthenticated'],
  ])('%s: one request, one error, nothing of the body', async (_, fault, code) => {
    await proxy.rules({ service, ...fault });
    const error = await failureOf(opened(config()).read({ path: 'db' }));
    expect(error.code).toBe(code);
    assertNoLeak([error], ['canary-in-the-body']);
  });

  it.each([
    ['throttled', { error: { code: 'ThrottlingException', status: 400 } }],
    ['failed by the service', { error: { code: 'InternalServiceError', status: 500 } }],
    ['reset', { reset: true }],
  ])('a read that is %s twice succeeds: the core tries again', async (_, fault) => {
    await proxy.rules({ service, times: 2, ...fault });
    const secret = await live(config(), { resilience: { firstRetryDelay: 10 } }).getSecret('aws:db');
    expect(secret.reveal()).toBe('canary-in-the-body');
  });

  it('an answer that comes too late is not waited for', async () => {
    await proxy.rules({ service, latency: 30_000 });
    const secrets = live(config(), { resilience: { attemptTimeout: 200, attempts: 1 } });
    expect((await failureOf(secrets.getSecret('aws:db'))).code).toBe('timeout');
  });
});

describe.skipIf(!requireServer('ministack'))('with replicas', () => {
  it('a region that fails gives way to the next, by name and by ARN, with the same version', async () => {
    const emulator = await startMinistack();
    closing.push(() => emulator.stop());
    const replica = 'us-east-1';
    const admin = new SecretsManagerClient({ region, endpoint: emulator.endpoint, credentials });
    const { ARN } = await admin.send(new CreateSecretCommand({ Name: 'db', SecretString: 'everywhere' }));
    const AddReplicaRegions = [{ Region: replica }];
    await admin.send(new ReplicateSecretToRegionsCommand({ SecretId: 'db', AddReplicaRegions }));
    admin.destroy();
    const first = await startTcpFaultProxy({ port: emulator.port });
    closing.push(() => first.stop());

    const config = {
      regions: [region, replica],
      endpoint: (at: string) => (at === region ? `http://127.0.0.1:${first.port}` : emulator.endpoint),
      credentials,
    };
    const before = await live(config).getSecret('aws:db');
    await first.set('refuse');
    const secrets = live(config);
    const [byName, byArn] = await Promise.all([secrets.getSecret('aws:db'), secrets.getSecret(`aws:${ARN}`)]);
    expect(byName.reveal()).toBe('everywhere');
    expect(byArn.reveal()).toBe('everywhere');
    expect(byName.version).toBe(before.version);
  });

  it('a region that dies under many readers: no read fails', async () => {
    const regions = [region, 'us-east-1'];
    const emulators = await Promise.all(regions.map(() => startMinistack()));
    closing.push(...emulators.map((emulator) => () => emulator.stop()));
    const names = Array.from({ length: 50 }, (_, number) => `app/${number}`);
    for (const [place, emulator] of emulators.entries()) {
      const admin = new SecretsManagerClient({
        region: regions[place] ?? region,
        endpoint: emulator.endpoint,
        credentials,
      });
      for (const Name of names) {
        await admin.send(new CreateSecretCommand({ Name, SecretString: Name }));
      }
      admin.destroy();
    }
    const endpoint = (at: string) => emulators[regions.indexOf(at)]?.endpoint ?? '';
    // Nothing is served stale, so that each answer comes from a region that lives.
    const secrets = live({ regions, endpoint, credentials }, { cache: { ttl: 1, maxStale: 0 } });
    for (let turn = 0; turn < 10; turn++) {
      if (turn === 3) await emulators[0]?.stop();
      const all = await Promise.all(names.map((name) => secrets.getSecret(`aws:${name}`)));
      expect(all.map((one) => one.reveal())).toEqual(names);
    }
  });
});
