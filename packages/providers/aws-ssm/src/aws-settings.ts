import { SecretsError } from '@keyturn/core/provider';
import { SERVICE } from './service.js';

/** An access key, long-lived or of a session. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** A Date from which on they do not work any more; a function is asked again shortly before. */
  readonly expiration?: { getTime(): number };
}

/**
 * A client of the application's own, of the service's SDK package: what is used of it. Give it `maxAttempts: 1`:
 * retries are the core's.
 */
export interface AwsSdkClient {
  send(command: never, options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>;
}

/** Where to call and as whom. Whatever is left out, the SDK finds out as it does everywhere. */
export interface AwsConfig {
  /** Such as `eu-central-1`. Default what the SDK finds: `AWS_REGION`, or the profile. */
  readonly region?: string;
  /** The URL to call in the place of the service's own (a VPC endpoint, a local server), or what gives it for a region. */
  readonly endpoint?: string | ((region: string) => string);
  /** Default the SDK's own chain: environment, profile, web identity, container, instance. */
  readonly credentials?: AwsCredentials | (() => Promise<AwsCredentials>);
  /** A client to use as it is, in the place of all the other settings here. It is not closed. */
  readonly client?: AwsSdkClient;
}

const REGION = /^[a-z][a-z0-9-]{3,62}$/;

/**
 * Checks where to call and as whom, without any I/O.
 *
 * @throws SecretsError `invalid-config` that names the setting and never its value
 */
export function checkAws({ region, endpoint, credentials, client }: AwsConfig): void {
  if (region !== undefined) checkRegion(region, 'region');
  if (typeof endpoint === 'string') checkEndpoint(endpoint);
  else if (endpoint !== undefined && typeof endpoint !== 'function') {
    throw invalidConfig('endpoint', 'is neither a URL nor a function');
  }
  if (credentials !== undefined && typeof credentials !== 'function') {
    for (const name of ['accessKeyId', 'secretAccessKey'] as const) {
      if (typeof credentials?.[name] !== 'string' || credentials[name] === '') {
        throw invalidConfig(
          `credentials.${name}`,
          'is missing',
          'Give it, or leave out credentials for the SDK to find them.',
        );
      }
    }
  }
  if (client === undefined) return;
  if (typeof client?.send !== 'function') throw invalidConfig('client', `is no client of ${SERVICE.sdk}`);
  if (region !== undefined || endpoint !== undefined || credentials !== undefined) {
    throw invalidConfig('client', 'already has a region, an endpoint and credentials', 'Give either.');
  }
}

export function checkRegion(region: unknown, setting: string): asserts region is string {
  if (typeof region !== 'string' || !REGION.test(region)) {
    throw invalidConfig(setting, 'is no region such as eu-central-1');
  }
}

/** The endpoint to call in `region`; a function is asked for it. Undefined for the service's own. */
export function endpointIn(region: string, endpoint: AwsConfig['endpoint']): string | undefined {
  if (typeof endpoint !== 'function') return endpoint;
  if (region === '') {
    throw invalidConfig(
      'endpoint',
      'is a function of the region, and none is set',
      'Give the setting region.',
    );
  }
  let given: unknown;
  try {
    given = endpoint(region);
  } catch {
    throw invalidConfig('endpoint', `is a function that fails for ${region}`);
  }
  return checkEndpoint(given);
}

function checkEndpoint(endpoint: unknown): string {
  let url: URL;
  try {
    url = new URL(typeof endpoint === 'string' ? endpoint : '');
  } catch {
    throw invalidConfig('endpoint', 'is not a URL');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw invalidConfig('endpoint', 'is neither https:// nor http://');
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw invalidConfig('endpoint', 'has a user, a password, a query or a fragment');
  }
  return String(endpoint);
}

/** Refuses names that are not settings: a misspelt `region` would otherwise mean the secrets of another one. */
export function refuseUnknown(given: unknown, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalidConfig('of the provider', 'is not an object');
  }
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalidConfig(unknown, 'is not known', `There are ${known.join(', ')}.`);
}

/** The error for a setting that cannot work. Never quotes the value: it may be a secret. */
export function invalidConfig(setting: string, problem: string, remedy?: string): SecretsError {
  return new SecretsError('invalid-config', {
    problem: `The setting ${setting} ${problem}.`,
    remedy: remedy ?? `Correct ${setting} in the call of ${SERVICE.call}.`,
  });
}
