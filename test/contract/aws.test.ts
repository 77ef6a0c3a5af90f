import { readFileSync } from 'node:fs';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import {
  DeleteParameterCommand,
  LabelParameterVersionCommand,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { awsSecretsManager } from '@keyturn/aws-secrets-manager';
import { awsSsm } from '@keyturn/aws-ssm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MINISTACK_ROOT, type PipServer, startMinistack, startMoto } from '../servers/aws.js';
import { startTcpFaultProxy } from '../servers/fault-proxy.js';
import { requireServer } from '../servers/require-server.js';
import { testDocumentedProvider } from './documented-provider.js';

const region = 'eu-central-1';
const EMULATORS = [
  { name: 'ministack', start: startMinistack },
  { name: 'moto', start: startMoto },
] as const;

for (const { name, start } of EMULATORS) {
  describe.skipIf(!requireServer(name))(`against ${name}`, () => {
    let emulator: PipServer;
    let tests = 0;
    beforeAll(async () => {
      emulator = await start();
    });
    afterAll(() => emulator?.stop());

    /** A way to the emulator that can be cut, for one test. */
    async function line() {
      const proxy = await startTcpFaultProxy({ port: emulator.port });
      return {
        settings: { region, endpoint: `http://127.0.0.1:${proxy.port}`, credentials: MINISTACK_ROOT },
        disconnect: () => proxy.set('refuse'),
        freeze: () => proxy.set('hang'),
        stop: () => proxy.stop(),
      };
    }

    const backend = 'ministack, moto';
    testDocumentedProvider({ folder: 'aws-secrets-manager', backend }, async () => {
      const { settings, ...rest } = await line();
      const admin = new SecretsManagerClient({ ...settings, endpoint: emulator.endpoint });
      const folder = `suite-${++tests}`;
      const written = new Set<string>();
      return {
        ...rest,
        provider: awsSecretsManager(settings),
        capabilities: ['fetchMany', 'list'],
        async put(name, fields) {
          const path = `${folder}/${name}`;
          const SecretString = JSON.stringify(fields);
          if (written.has(path))
            await admin.send(new PutSecretValueCommand({ SecretId: path, SecretString }));
          else await admin.send(new CreateSecretCommand({ Name: path, SecretString }));
          written.add(path);
          return { path };
        },
        async putBytes(name, SecretBinary) {
          await admin.send(new CreateSecretCommand({ Name: `${folder}/${name}`, SecretBinary }));
          return { path: `${folder}/${name}` };
        },
        stage: () => 'AWSCURRENT',
        several: () => awsSecretsManager({ regions: ['eu-central-1', 'us-east-1'] }),
        async remove({ path }) {
          await admin.send(new DeleteSecretCommand({ SecretId: path, ForceDeleteWithoutRecovery: true }));
        },
        async stop() {
          admin.destroy();
          await rest.stop();
        },
      };
    });

    testDocumentedProvider({ folder: 'aws-ssm', backend }, async () => {
      const { settings, ...rest } = await line();
      const admin = new SSMClient({ ...settings, endpoint: emulator.endpoint });
      const folder = `suite-${++tests}`;
      return {
        ...rest,
        provider: awsSsm(settings),
        capabilities: ['fetchMany', 'list'],
        async put(name, fields) {
          const path = `${folder}/${name}`;
          const parameter = {
            Name: `/${path}`,
            Value: JSON.stringify(fields),
            Type: 'SecureString',
          } as const;
          await admin.send(new PutParameterCommand({ ...parameter, Overwrite: true }));
          return { path };
        },
        async stage({ path }) {
          await admin.send(new LabelParameterVersionCommand({ Name: `/${path}`, Labels: ['blue'] }));
          return 'blue';
        },
        async remove({ path }) {
          await admin.send(new DeleteParameterCommand({ Name: `/${path}` }));
        },
        async stop() {
          admin.destroy();
          await rest.stop();
        },
      };
    });
  });
}

// What both packages need stands in both, so that each is installed, released and read by itself: a third package would
// be one more to publish, for code that nobody else may use. A change to one file is a change to the other.
describe('what the two packages have in common', () => {
  it.each([
    'abort-reason',
    'aws-client',
    'aws-error',
    'aws-error-rows',
    'aws-settings',
    'error-row',
    'settled',
  ])('%s.ts is the same file in both', (file) => {
    const [one, other] = ['aws-secrets-manager', 'aws-ssm'].map((name) =>
      readFileSync(new URL(`../../packages/providers/${name}/src/${file}.ts`, import.meta.url), 'utf8'),
    );
    expect(one).toBe(other);
  });
});
