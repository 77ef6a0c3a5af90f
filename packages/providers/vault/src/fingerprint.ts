import { jsonText } from '@keyturn/core/provider';

/** Names content: equal data has equal names. */
export type Fingerprint = (data: Readonly<Record<string, unknown>>) => string;

/**
 * Makes what names the content of secrets that their backend does not version (KV v1, and engines that hand out
 * plain data).
 *
 * HMAC-SHA256 under a key made at random and kept nowhere else: a name tells nothing of the data, not even to one
 * who can guess it. A plain hash would give short passwords away to whoever reads the logs. After a restart the
 * same data has another name.
 */
export async function newFingerprint(): Promise<Fingerprint> {
  const { createHmac, randomBytes } = await import('node:crypto');
  const key = randomBytes(32);
  return (data) => {
    const fields = Object.entries(data).sort(([one], [other]) => (one < other ? -1 : 1));
    const digest = createHmac('sha256', key).update(jsonText(fields)).digest();
    return digest.subarray(0, 16).toString('base64url');
  };
}
