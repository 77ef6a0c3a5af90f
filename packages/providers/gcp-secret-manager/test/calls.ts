import { credentials } from '@grpc/grpc-js';
import { isSecretsError, type Provider, type SecretsError, systemClock } from '@keyturn/core/provider';
import { type GcpSecretManagerConfig, gcpSecretManager } from '@keyturn/gcp-secret-manager';
import { PassThroughClient } from 'google-auth-library';
import { startSecretManager } from '../../../../test/servers/gcp.js';
import { crc32c } from '../src/crc32c.js';

/** The options of a call that nobody gives up. */
export const unhurried = { signal: new AbortController().signal, clock: systemClock };

/** The error that `promise` rejects with, which must be a SecretsError. */
export async function failureOf(promise: Promise<unknown>): Promise<SecretsError> {
  try {
    await promise;
  } catch (error) {
    if (isSecretsError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** A Secret Manager over gRPC. */
export const startStore = () => startSecretManager((data) => String(crc32c(data)));

/** A provider that calls the gRPC server at `port`. */
export function overGrpc(port: number, config: GcpSecretManagerConfig = {}, channel: object = {}): Provider {
  const clientOptions = {
    apiEndpoint: '127.0.0.1',
    port,
    sslCreds: credentials.createInsecure(),
    authClient: new PassThroughClient(),
    projectId: 'orders',
    ...channel,
  };
  return gcpSecretManager({ project: 'orders', clientOptions, ...config });
}

/** What leads the SDK to a REST server at `port`, without a login. */
export function restOptions(port: number) {
  return {
    fallback: true,
    protocol: 'http',
    apiEndpoint: '127.0.0.1',
    port,
    authClient: new PassThroughClient(),
    projectId: 'orders',
  };
}
