import { invalidConfig, refuseUnknown } from '../invalid-config.js';
import type { Auth } from './auth.js';
import { type AwsCredentials, awsCredentials } from './aws-credentials.js';
import { authMount, wordOf } from './credential.js';
import { signedCallerIdentity } from './signed-caller-identity.js';

/** A role of the aws auth method, by IAM. */
export interface AwsIamConfig {
  readonly role: string;
  /** The region of the STS that the store asks. Left out, the global one, `sts.amazonaws.com`: the store's default. */
  readonly region?: string;
  /** What the store's `iam_server_id_header_value` says: it keeps a login at one store from being used at another. */
  readonly serverId?: string;
  /** Default: the credential chain of the AWS SDK, which is `@aws-sdk/credential-providers`. */
  readonly credentials?: AwsCredentials | (() => Promise<AwsCredentials>);
  /** Where the auth method is mounted. Default `aws`. */
  readonly mount?: string;
}

const NAMES = ['role', 'region', 'serverId', 'credentials', 'mount'];

/**
 * Logs in as an IAM identity: signs a request that asks AWS who that is, and has the store send it. The secret key
 * does not leave the process; the signed request is good for 15 minutes, and for nothing else.
 *
 * @throws SecretsError `invalid-config`
 */
export function awsIam(config: AwsIamConfig): Auth {
  refuseUnknown(config, NAMES, 'auth: awsIam.');
  const role = wordOf(config.role, 'auth: awsIam.role');
  const region = regionOf(config.region);
  const serverId =
    config.serverId === undefined ? undefined : wordOf(config.serverId, 'auth: awsIam.serverId');
  const credentials = awsCredentials(config.credentials);
  const mount = authMount(config.mount, 'auth: awsIam.mount', 'aws');
  return {
    method: 'awsIam',
    advice: `Check that the role ${role} at auth/${mount} is bound to the IAM identity of this process, that region and serverId in auth: awsIam are what auth/${mount}/config/client has, and the clock of this host.`,
    read: async ({ signal, clock }) => {
      const signed = await signedCallerIdentity(await credentials(signal), {
        region,
        serverId,
        wallMs: clock.wallMs(),
      });
      return {
        path: `auth/${mount}/login`,
        body: {
          role,
          iam_http_request_method: 'POST',
          iam_request_url: base64(signed.url),
          iam_request_body: base64(signed.body),
          iam_request_headers: base64(JSON.stringify(signed.headers)),
        },
      };
    },
  };
}

function regionOf(given: string | undefined): string | undefined {
  if (given === undefined || /^[a-z]{2,4}(?:-[a-z]+)+-\d$/.test(given)) return given;
  throw invalidConfig('auth: awsIam.region', 'is no region such as eu-central-1');
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
