// @ts-check
import { createServer } from 'node:net';

/**
 * A loopback port that nothing listens on. The kernel hands out a different one at each call, so that servers
 * started at the same time do not collide.
 *
 * @returns {Promise<number>}
 */
export async function freePort() {
  const [port] = await freePorts(1);
  return /** @type {number} */ (port);
}

/**
 * `count` different free loopback ports.
 *
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function freePorts(count) {
  const listeners = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    listeners.map(
      (listener) =>
        /** @type {Promise<number>} */ (
          new Promise((resolve, reject) => {
            listener.once('error', reject);
            listener.listen(0, '127.0.0.1', () => {
              const address = listener.address();
              resolve(address !== null && typeof address === 'object' ? address.port : 0);
            });
          })
        ),
    ),
  );
  await Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))));
  return ports;
}
