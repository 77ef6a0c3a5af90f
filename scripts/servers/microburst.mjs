// @ts-check
import { request } from 'node:http';
import { startPipServer } from './pip-server.mjs';

/**
 * @typedef {object} FaultRule one fault, as AWS or the network would make it
 * @property {string} service `secretsmanager`, `ssm`, …
 * @property {string} [operation] such as `GetSecretValue`
 * @property {number} [times] how often, before calls pass again
 * @property {{ code: string, status?: number, message?: string }} [error] in the wire format of the service
 * @property {number} [latency] in milliseconds
 * @property {boolean} [reset] aborts the connection
 * @property {{ truncate_frac?: number, abort_frac?: number }} [response] what becomes of the true answer
 */

/**
 * Starts microburst, a proxy that makes AWS's faults, before an emulator.
 *
 * @param {string} upstream the emulator's endpoint
 */
export async function startMicroburst(upstream) {
  const server = await startPipServer({
    command: 'microburst',
    args: (port) => ['--host', '127.0.0.1', '--port', String(port), '--upstream', upstream, '--no-resign'],
    readyPath: '/_microburst/health',
  });
  return {
    ...server,
    /** Puts `rules` in the place of those before; none lets everything pass. @param {FaultRule[]} rules */
    rules: (...rules) => send(`${server.endpoint}/_microburst/rules`, rules),
  };
}

/** @param {string} url @param {unknown} body @returns {Promise<void>} */
function send(url, body) {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json' };
    const sent = request(url, { method: 'POST', headers, agent: false }, (answer) => {
      answer.resume().on('close', () => {
        if (answer.statusCode === 200 || answer.statusCode === 201) resolve();
        else reject(new Error(`microburst refuses the rules: ${answer.statusCode}`));
      });
    });
    sent.on('error', reject).end(JSON.stringify(body));
  });
}
