// @ts-check
import { startPipServer } from './pip-server.mjs';

/**
 * Starts moto, another emulator of AWS, for a second opinion.
 *
 * It differs from AWS in this: what it cannot find has status 404 (AWS: 400), and a read without a stage does not
 * follow a stage that was moved.
 */
export function startMoto() {
  return startPipServer({
    command: 'moto_server',
    args: (port) => ['-H', '127.0.0.1', '-p', String(port)],
    readyPath: '/moto-api/',
  });
}
