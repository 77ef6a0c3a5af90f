import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';

/** The claims of a token whose signature holds. */
export type Claims = Readonly<Record<string, unknown>>;

/** A token that is not accepted, in the words of the server. */
export class JwtError extends Error {}

interface Algorithm {
  readonly hash: string | null;
  readonly keyType: string;
  readonly pss?: boolean;
}

const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  RS256: { hash: 'sha256', keyType: 'rsa' },
  RS384: { hash: 'sha384', keyType: 'rsa' },
  RS512: { hash: 'sha512', keyType: 'rsa' },
  PS256: { hash: 'sha256', keyType: 'rsa', pss: true },
  PS384: { hash: 'sha384', keyType: 'rsa', pss: true },
  PS512: { hash: 'sha512', keyType: 'rsa', pss: true },
  ES256: { hash: 'sha256', keyType: 'ec' },
  ES384: { hash: 'sha384', keyType: 'ec' },
  ES512: { hash: 'sha512', keyType: 'ec' },
  EdDSA: { hash: null, keyType: 'ed25519' },
};

/** @throws JwtError for anything but a public key in PEM */
export function readPublicKey(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch {
    throw new JwtError('error parsing public key: data does not contain any valid public keys');
  }
}

/**
 * The claims of a compact JWS signed by one of `keys`.
 *
 * The algorithm comes from the token, so each key is tried only with algorithms of its own type: a public key is
 * never taken for an HMAC secret, and `none` is no algorithm.
 *
 * @throws JwtError
 */
export function verifiedClaims(token: string, keys: readonly KeyObject[]): Claims {
  const parts = token.split('.');
  if (parts.length !== 3) throw unverified('go-jose/go-jose: compact JWS format must have three parts');
  const [header, payload, signature] = parts as [string, string, string];
  const { alg } = decodeObject(header);
  const algorithm = ALGORITHMS[String(alg)];
  const signed = Buffer.from(`${header}.${payload}`);
  const bytes = Buffer.from(signature, 'base64url');
  if (algorithm === undefined || !keys.some((key) => signatureHolds(algorithm, key, signed, bytes))) {
    throw unverified('no known key successfully validated the token signature');
  }
  return decodeObject(payload);
}

function signatureHolds(algorithm: Algorithm, key: KeyObject, signed: Buffer, signature: Buffer): boolean {
  if (key.asymmetricKeyType !== algorithm.keyType) return false;
  const padding = algorithm.pss
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : {};
  const encoding = algorithm.keyType === 'ec' ? ({ dsaEncoding: 'ieee-p1363' } as const) : {};
  return verify(algorithm.hash, signed, { key, ...padding, ...encoding }, signature);
}

function decodeObject(part: string): Claims {
  if (!/^[\w-]+$/.test(part)) throw unverified('illegal base64 data at input byte 0');
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Claims;
  } catch {
    // Not JSON: the same as JSON that is no object.
  }
  throw unverified('illegal base64 data at input byte 0');
}

function unverified(reason: string): JwtError {
  return new JwtError(`error validating token: error verifying token signature: ${reason}`);
}
