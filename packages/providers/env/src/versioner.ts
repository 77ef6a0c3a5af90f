/**
 * Creates what gives data its version: equal for equal data, HMAC-SHA256 under a random key that only this process
 * holds, shortened to 96 bits. Versions are logged, and a plain hash of a short password can be guessed from the log.
 *
 * `node:crypto` is imported at the first use: it is half of what importing this package would cost.
 */
export function createVersioner(): (data: string | Uint8Array) => Promise<string> {
  let key: Buffer | undefined;
  return async (data) => {
    const { createHmac, randomBytes } = await import('node:crypto');
    key ??= randomBytes(32);
    return createHmac('sha256', key).update(data).digest('hex').slice(0, 24);
  };
}
