import { credentials } from '@grpc/grpc-js';
import { testProvider } from '@keyturn/core/testing';
import { gcpSecretManager } from '@keyturn/gcp-secret-manager';
import { PassThroughClient } from 'google-auth-library';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { crc32c } from '../../packages/providers/gcp-secret-manager/src/crc32c.js';
import { type DrongoServer, startDrongo, startSecretManager } from '../servers/gcp.js';
import { requireServer } from '../servers/require-server.js';
import { testDocumentedProvider } from './documented-provider.js';

/** Projects are the only folders that there are: the first segment of a name becomes one. */
function resourceOf(name: string): { readonly project: string; readonly secret: string } {
  const [project = '', ...rest] = name.includes('/') ? name.split('/') : ['suite', name];
  return { project, secret: rest.join('-') };
}

describe.skipIf(!requireServer('drongo'))('against drongo', () => {
  let store: DrongoServer;
  beforeAll(async () => {
    store = await startDrongo();
  });
  afterAll(async () => store?.stop());

  testProvider({ describe, it }, 'Google Secret Manager over REST', () => ({
    provider: gcpSecretManager({
      clientOptions: {
        fallback: true,
        protocol: 'http',
        apiEndpoint: '127.0.0.1',
        port: store.port,
        authClient: new PassThroughClient(),
        projectId: 'suite',
      },
    }),
    capabilities: ['list'],
    async put(name, fields) {
      const { project, secret } = resourceOf(name);
      const path = `projects/${project}/secrets/${secret}`;
      const body = { replication: { automatic: {} } };
      await store
        .api('POST', `projects/${project}/secrets?secretId=${secret}`, body)
        .catch((error: { status?: number }) => {
          if (error.status !== 409) throw error;
        });
      const data = Buffer.from(JSON.stringify(fields)).toString('base64');
      await store.api('POST', `${path}:addVersion`, { payload: { data } });
      return { path };
    },
    remove: ({ path }) => store.api('DELETE', path),
    freeze: () => store.pause(),
    stop: () => store.resume(),
  }));
});

const backend = 'a gRPC server on Google’s proto files; drongo over REST';
testDocumentedProvider({ folder: 'gcp-secret-manager', backend }, async () => {
  const store = await startSecretManager((data) => String(crc32c(data)));
  return {
    provider: gcpSecretManager({
      clientOptions: {
        apiEndpoint: '127.0.0.1',
        port: store.port,
        sslCreds: credentials.createInsecure(),
        authClient: new PassThroughClient(),
        projectId: 'suite',
      },
    }),
    capabilities: ['list'],
    put(name, fields) {
      const { project, secret } = resourceOf(name);
      const path = `projects/${project}/secrets/${secret}`;
      store.add(path, JSON.stringify(fields));
      return { path };
    },
    putBytes(name, bytes) {
      const { project, secret } = resourceOf(name);
      const path = `projects/${project}/secrets/${secret}`;
      store.add(path, Buffer.from(bytes));
      return { path };
    },
    stage({ path }) {
      store.aliases.set(`${path}/aliases/live`, store.secrets.get(path)?.length ?? 0);
      return 'live';
    },
    remove: ({ path }) => void store.secrets.delete(path),
    disconnect: () => store.stop(),
    freeze() {
      store.isFrozen = true;
    },
    stop: () => store.stop(),
  };
});
