import { isSecretsError, SecretsError } from '@keyturn/core/provider';
import { abortReason, orAborted } from '../abort-reason.js';
import { invalidConfig } from '../invalid-config.js';

/** Keys of an IAM identity, lasting or temporary: what the AWS SDK calls an identity. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

const SETTING = 'auth: awsIam.credentials';
const SDK = '@aws-sdk/credential-providers';

/**
 * What gives the keys for each login: `given`, or the SDK's chain (environment, profile, web identity, container,
 * instance), which is loaded at the first login and replaces what expires.
 *
 * @throws SecretsError `invalid-config`
 */
export function awsCredentials(
  given: AwsCredentials | (() => Promise<AwsCredentials>) | undefined,
): (signal: AbortSignal) => Promise<AwsCredentials> {
  if (typeof given === 'object' && isUsable(given)) return async () => given;
  if (given !== undefined && typeof given !== 'function') {
    throw invalidConfig(
      SETTING,
      'has no accessKeyId and secretAccessKey, and is no function that gives them',
    );
  }
  let source: Promise<() => Promise<AwsCredentials>> | undefined;
  const ask = async () => {
    source ??= given === undefined ? sdkChain() : Promise.resolve(given);
    return (await source)();
  };
  return async (signal) => {
    let keys: unknown;
    try {
      keys = await orAborted(ask(), signal);
    } catch (cause) {
      if (signal.aborted) throw abortReason(signal);
      throw isSecretsError(cause) ? cause : noCredentials('could not be had', cause);
    }
    if (!isUsable(keys)) throw noCredentials('lack accessKeyId or secretAccessKey');
    return keys;
  };
}

async function sdkChain(): Promise<() => Promise<AwsCredentials>> {
  try {
    const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
    return fromNodeProviderChain();
  } catch (cause) {
    throw new SecretsError('invalid-config', {
      problem: `awsIam takes its credentials from ${SDK}, which is not installed or cannot be loaded.`,
      remedy: `Run: npm install ${SDK}, or give ${SETTING}.`,
      cause,
    });
  }
}

function isUsable(keys: unknown): keys is AwsCredentials {
  const { accessKeyId, secretAccessKey, sessionToken } = (keys ?? {}) as Partial<Record<string, unknown>>;
  const isText = (given: unknown) => typeof given === 'string' && given !== '';
  return (
    isText(accessKeyId) && isText(secretAccessKey) && (sessionToken === undefined || isText(sessionToken))
  );
}

function noCredentials(problem: string, cause?: unknown): SecretsError {
  return new SecretsError('unauthenticated', {
    problem: `The AWS credentials for the login ${problem}.`,
    remedy: `Check the role, profile or environment that the AWS SDK reads in this process, or the setting ${SETTING}.`,
    cause,
  });
}
