// @ts-check
import { existsSync, mkdtempSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { spawnGuarded } from './guarded-process.mjs';
import { freePort } from './ports.mjs';

/**
 * @typedef {object} PipServer
 * @property {string} endpoint such as `http://127.0.0.1:4566`
 * @property {number} port
 * @property {() => string} output its log so far
 * @property {() => Promise<void>} pause once it resolves, connections are accepted and nothing is answered (SIGSTOP)
 * @property {() => void} resume undoes `pause`
 * @property {() => Promise<void>} stop ends it and removes its data; idempotent
 */

/**
 * Starts a server that `npm test` has installed into `.servers`, on a free loopback port. It ends with this process at
 * the latest.
 *
 * @param {object} options
 * @param {string} options.command
 * @param {(port: number) => readonly string[]} options.args
 * @param {(port: number, dataDir: string) => Record<string, string>} [options.env]
 * @param {string} options.readyPath answers 200 once it is up
 * @returns {Promise<PipServer>}
 */
export async function startPipServer({ command, args, env = () => ({}), readyPath }) {
  const program = fileURLToPath(new URL(`../../.servers/bin/${command}`, import.meta.url));
  if (!existsSync(program)) throw new Error(`${command} is missing: run npm test once.`);
  const port = await freePort();
  const dataDir = mkdtempSync(join(tmpdir(), `keyturn-${command}-`));
  const server = spawnGuarded({
    command: program,
    args: args(port),
    stopSignal: 'SIGKILL',
    dataDir,
    // Settings of the person's shell must not reach it.
    env: { PATH: process.env.PATH, HOME: dataDir, TMPDIR: dataDir, ...env(port, dataDir) },
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const deadlineMs = performance.now() + 60_000;
  while (!(await answers(endpoint + readyPath))) {
    if (!server.running() || performance.now() > deadlineMs) {
      await server.stop();
      throw new Error(`${command} did not start:\n${server.output().slice(-4_000)}`);
    }
    await sleep(20);
  }
  return {
    endpoint,
    port,
    output: server.output,
    pause: () => server.pause(),
    resume: () => server.signal('SIGCONT'),
    stop: () => server.stop(),
  };
}

/** @param {string} url @returns {Promise<boolean>} */
function answers(url) {
  return new Promise((resolve) => {
    get(url, { agent: false }, (answer) => {
      answer.resume().on('close', () => resolve(answer.statusCode === 200));
    }).on('error', () => resolve(false));
  });
}
