import type { Data } from './content.js';

/**
 * Creates what gives data its version: equal for equal data, HMAC-SHA256 under a random key that only this process
 * holds, shortened to 96 bits.
 *
 * Versions are logged, and a plain hash of a short password can be guessed from the log. Every part goes in with
 * its length, so that no two sets of fields look alike. `node:crypto` is imported at the first use: it is half of
 * what importing this package would cost.
 */
export function createVersioner(): (data: Data) => Promise<string> {
  let key: Buffer | undefined;
  return async (data) => {
    const { createHmac, randomBytes } = await import('node:crypto');
    key ??= randomBytes(32);
    const hmac = createHmac('sha256', key);
    const part = (bytes: Buffer) => hmac.update(`${bytes.length}:`).update(bytes);
    if (data instanceof Map) {
      hmac.update('fields:');
      for (const [name, bytes] of data) {
        part(Buffer.from(name));
        part(bytes);
      }
    } else part(data);
    return hmac.digest('hex').slice(0, 24);
  };
}
