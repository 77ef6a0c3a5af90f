// @ts-check
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { spawnGuarded } from './guarded-process.mjs';
import { freePort } from './ports.mjs';
import { findProgram } from './unpacked-program.mjs';

const run = promisify(execFile);

/** @typedef {{ readonly user: string, readonly password: string }} RedisLogin */

/**
 * @typedef {object} RedisServer
 * @property {'127.0.0.1'} host
 * @property {number} port
 * @property {'default'} superuser
 * @property {string} password the superuser's
 * @property {number} pid
 * @property {(words: readonly string[], login?: RedisLogin) => Promise<string>} command
 *   runs by a client process of its own, as the superuser unless told; what it prints; rejects with the server's words,
 *   such as `WRONGPASS` or `NOPERM`
 * @property {() => Promise<void>} stop ends the server and removes its data; idempotent
 */

/** Debian's redis-tools holds the server under another name: which one it is, it tells by how it was called. */
const findServer = () => findProgram('redis-server') ?? findProgram('redis-check-rdb');

/** Whether this machine has what it takes. */
export function hasRedis() {
  return findServer() !== undefined && findProgram('redis-cli') !== undefined;
}

/**
 * Starts an empty Redis on a free loopback port, in memory only. It ends with this process at the latest.
 *
 * @returns {Promise<RedisServer>}
 */
export async function startRedis() {
  const [server, client] = [findServer(), findProgram('redis-cli')];
  if (server === undefined || client === undefined) {
    throw new Error('Redis is missing: run npm test once as root, or install redis-server.');
  }
  const password = randomBytes(18).toString('base64url');
  const dataDir = mkdtempSync(join(tmpdir(), 'keyturn-redis-'));
  const command = join(dataDir, 'redis-server');
  symlinkSync(server.command, command);
  const port = await freePort();
  const running = spawnGuarded({
    command,
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dataDir],
      ...['--save', '', '--appendonly', 'no', '--requirepass', password],
    ],
    stopSignal: 'SIGKILL',
    dataDir,
    env: server.env,
  });
  try {
    await running.said(/Ready to accept connections/);
  } catch (error) {
    await running.stop();
    throw error;
  }
  return {
    host: '127.0.0.1',
    port,
    superuser: 'default',
    password,
    pid: running.pid,
    async command(words, login = { user: 'default', password }) {
      const { stdout } = await run(
        client.command,
        ['-e', '-h', '127.0.0.1', '-p', String(port), '--user', login.user, ...words],
        // Not as an argument: those are for everybody on the machine to see.
        { env: { ...client.env, REDISCLI_AUTH: login.password } },
      );
      return stdout.trim();
    },
    stop: () => running.stop(),
  };
}
