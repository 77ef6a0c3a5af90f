import { type Clock, jsonNumber, type Lease } from '@keyturn/core/provider';
import { durationMs } from './answer.js';
import { type JsonObject, textOf } from './json-object.js';
import { malformed } from './malformed.js';
import { sshCertificateEndMs } from './ssh-certificate.js';

/**
 * How long something lasts that the store hands out without a lease, by what it says of itself: X.509 and SSH
 * certificates, and access tokens of Google Cloud and OpenID. Undefined for what does not end.
 *
 * Without it the cache would go on serving it when it is over.
 *
 * @throws SecretsError `bad-response` for a certificate that has expired
 */
export function ownLease(data: JsonObject, clock: Pick<Clock, 'wallMs'>): Lease | undefined {
  const expirationS = jsonNumber(data.expiration);
  if (textOf(data.certificate) !== undefined && expirationS !== undefined) {
    return untilMs(expirationS * 1_000, clock);
  }
  const signedKey = textOf(data.signed_key);
  const endMs = signedKey === undefined ? undefined : sshCertificateEndMs(signedKey);
  if (endMs !== undefined) return untilMs(endMs, clock);
  const ttlMs = textOf(data.token) === undefined ? undefined : durationMs(data.token_ttl ?? data.ttl);
  return ttlMs === undefined || ttlMs <= 0 ? undefined : { ttlMs };
}

/** The rest of a certificate's life: the only dates among the answers, hence the clock. */
function untilMs(endMs: number, clock: Pick<Clock, 'wallMs'>): Lease {
  const ttlMs = endMs - clock.wallMs();
  if (ttlMs > 0) return { ttlMs };
  throw malformed(
    'is a certificate that has expired',
    'Check ttl and not_after of the role, and the clocks of both hosts.',
  );
}
