import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** A key pair of an identity provider, made for one test. */
export function identityProvider() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    /** A JWT, signed by RS256, that lasts for ten minutes. */
    issue: (claims: Record<string, unknown>) => signedJwt(claims, privateKey),
  };
}

function signedJwt(claims: Record<string, unknown>, key: KeyObject): string {
  const nowS = Math.floor(Date.now() / 1_000);
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
  const head = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ iat: nowS, nbf: nowS, exp: nowS + 600, ...claims })}`;
  return `${head}.${sign('sha256', Buffer.from(head), key).toString('base64url')}`;
}
