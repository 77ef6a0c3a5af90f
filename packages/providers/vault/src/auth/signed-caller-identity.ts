import type { AwsCredentials } from './aws-credentials.js';
import { utcStamp } from './utc-stamp.js';

/** A request that was signed and not sent. */
export interface SignedRequest {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';

/**
 * A request that asks AWS STS whose credentials these are, signed by Signature Version 4. AWS says who it is to
 * whoever sends it within 15 minutes of `wallMs`.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * @param request.region undefined for the global endpoint, which is signed for as us-east-1
 * @param request.serverId goes into a header that is signed: `X-Vault-AWS-IAM-Server-ID`
 */
export async function signedCallerIdentity(
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
  request: {
    readonly region: string | undefined;
    readonly serverId: string | undefined;
    readonly wallMs: number;
  },
): Promise<SignedRequest> {
  const { createHash, createHmac } = await import('node:crypto');
  const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text, 'utf8');

  const { region = 'us-east-1', serverId, wallMs } = request;
  const host = stsHost(request.region);
  const time = utcStamp(wallMs);
  const day = time.slice(0, 8);
  // In the order of the alphabet, as they are signed.
  const headers: Readonly<Record<string, string>> = {
    'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
    Host: host,
    'X-Amz-Date': time,
    ...(sessionToken === undefined ? {} : { 'X-Amz-Security-Token': sessionToken }),
    ...(serverId === undefined ? {} : { 'X-Vault-AWS-IAM-Server-ID': serverId }),
  };
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const lines = Object.values(headers).map((value, place) => `${names[place]}:${value}\n`);
  const signedHeaders = names.join(';');
  const canonical = ['POST', '/', '', lines.join(''), signedHeaders, sha256(BODY)].join('\n');

  const scope = [day, region, 'sts', 'aws4_request'];
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical)].join('\n');
  const key = scope.reduce<string | Buffer>(
    (from, part) => hmac(from, part).digest(),
    `AWS4${secretAccessKey}`,
  );
  const signature = hmac(key, toSign).digest('hex');
  const credential = `${accessKeyId}/${scope.join('/')}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  return { url: `https://${host}/`, body: BODY, headers: { ...headers, Authorization: authorization } };
}

function stsHost(region: string | undefined): string {
  if (region === undefined) return 'sts.amazonaws.com';
  return `sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}
