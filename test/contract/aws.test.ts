import { readFileSync } from 'node:fs';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { DeleteParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { awsSecretsManager } from '@keyturn/aws-secrets-manager';
import { awsSsm } from '@keyturn/aws-ssm';
import { testProvider } from '@keyturn/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MINISTACK_ROOT, type PipServer, startMinistack, startMoto } from '../servers/aws.js';
import { startTcpFaultProxy } from '../servers/fault-proxy.js';
import { requireServer } from '../servers/require-server.js';

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

    testProvider({ describe, it }, 'aws-secrets-manager', async () => {
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
        async remove({ path }) {
          await admin.send(new DeleteSecretCommand({ SecretId: path, ForceDeleteWithoutRecovery: true }));
        },
        async stop() {
          admin.destroy();
          await rest.stop();
        },
      };
    });

    testProvider({ describe, it }, 'aws-ssm', async () => {
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

describe('what the two packages have in common', () => {
  it.each(['abort-reason', 'aws-client', 'aws-error', 'aws-error-rows', 'aws-settings', 'error-row'])(
    '%s.ts is the same file in both',
    (file) => {
      const [one, other] = ['aws-secrets-manager', 'aws-ssm'].map((name) =>
        readFileSync(new URL(`../../packages/providers/${name}/src/${file}.ts`, import.meta.url), 'utf8'),
      );
      expect(one).toBe(other);
    },
  );
});
