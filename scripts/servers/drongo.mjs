// @ts-check
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { spawnGuarded } from './guarded-process.mjs';
import { freePort } from './ports.mjs';

const INSTALLED = fileURLToPath(new URL('../../.servers/bin/drongo', import.meta.url));

/**
 * @typedef {object} DrongoServer
 * @property {number} port
 * @property {string} address such as `http://127.0.0.1:8090`
 * @property {(method: string, path: string, body?: object) => Promise<any>} api
 *   calls the REST API below `/v1/`; rejects at 400 and above, the status in `status`
 * @property {() => Promise<void>} pause once it resolves, connections are accepted and nothing is answered (SIGSTOP)
 * @property {() => void} resume undoes `pause`
 * @property {() => Promise<void>} stop ends it; idempotent
 */

/**
 * Starts drongo, which speaks the REST API of Google Cloud's Secret Manager, on a free loopback port. It knows no
 * checksums, aliases, regions, permissions and pages, and its `latest` skips a disabled version, which Google's does not.
 *
 * @returns {Promise<DrongoServer>}
 */
export async function startDrongo() {
  if (!existsSync(INSTALLED)) throw new Error('drongo is missing: run npm test once.');
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const server = spawnGuarded({
    command: INSTALLED,
    args: ['server', '--host', '127.0.0.1', '--port', String(port)],
    stopSignal: 'SIGKILL',
    env: { PATH: process.env.PATH, PYTHONUNBUFFERED: '1' },
  });
  await server.said(/listening on/);
  return {
    port,
    address,
    async api(method, path, body) {
      const response = await fetch(`${address}/v1/${path}`, {
        method,
        headers: { 'Content-Type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const answer = await response.json();
      if (!response.ok)
        throw Object.assign(new Error(`drongo: ${response.status}`), { status: response.status });
      return answer;
    },
    pause: () => server.pause(),
    resume: () => server.signal('SIGCONT'),
    stop: () => server.stop(),
  };
}
