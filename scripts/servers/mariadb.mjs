// @ts-check
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { spawnGuarded } from './guarded-process.mjs';
import { freePort } from './ports.mjs';
import { findProgram } from './unpacked-program.mjs';

const run = promisify(execFile);

/** @typedef {{ readonly user: string, readonly password: string }} MariaDbLogin */

/**
 * @typedef {object} MariaDbServer
 * @property {'127.0.0.1'} host
 * @property {number} port
 * @property {string} superuser
 * @property {string} password the superuser's
 * @property {string} database
 * @property {number} pid
 * @property {(sql: string, login?: MariaDbLogin) => Promise<string[]>} query
 *   runs by a client process of its own, as the superuser unless told; the lines of the result, columns parted by tabs;
 *   rejects with the client's words, such as `ERROR 1045 (28000): Access denied`
 * @property {() => Promise<void>} stop ends the server and removes its data; idempotent
 */

/** Whether this machine has what it takes. */
export function hasMariaDb() {
  return ['mariadbd', 'mariadb-install-db', 'mariadb'].every((name) => findProgram(name) !== undefined);
}

/**
 * Starts an empty MariaDB on a free loopback port. It ends with this process at the latest.
 *
 * @param {{ database?: string, maxConnections?: number }} [options] default `app`, and 100 connections
 * @returns {Promise<MariaDbServer>}
 */
export async function startMariaDb({ database = 'app', maxConnections = 100 } = {}) {
  const [server, installer, client] = ['mariadbd', 'mariadb-install-db', 'mariadb'].map(findProgram);
  if (server === undefined || installer === undefined || client === undefined) {
    throw new Error('MariaDB is missing: run npm test once as root, or install mariadb-server.');
  }
  const superuser = 'keyturn';
  const password = randomBytes(18).toString('base64url');
  const baseDir = mkdtempSync(join(tmpdir(), 'keyturn-mariadb-'));
  const dataDir = join(baseDir, 'data');
  const initFile = join(baseDir, 'init.sql');
  const statements = [
    `CREATE DATABASE ${database}`,
    `CREATE USER ${superuser}@'127.0.0.1' IDENTIFIED BY '${password}'`,
    `GRANT ALL ON *.* TO ${superuser}@'127.0.0.1' WITH GRANT OPTION`,
    `ALTER USER root@localhost IDENTIFIED BY '${password}'`,
  ];
  writeFileSync(initFile, statements.map((statement) => `${statement};\n`).join(''), { mode: 0o600 });
  const common = [
    '--no-defaults',
    `--datadir=${dataDir}`,
    ...(server.baseDir === undefined ? [] : [`--basedir=${server.baseDir}`]),
    // As root it refuses to run unless that is asked for.
    ...(userInfo().uid === 0 ? ['--user=root'] : []),
  ];
  const installing = spawnGuarded({
    command: installer.command,
    args: [...common, '--auth-root-authentication-method=normal', '--skip-test-db'],
    stopSignal: 'SIGKILL',
    dataDir: baseDir,
    env: { ...installer.env, TMPDIR: baseDir },
  });
  try {
    await installing.said(/mariadbd-safe|mysqld_safe/);
    await installing.ended();
  } catch (error) {
    await installing.stop();
    throw error;
  }
  const port = await freePort();
  const running = spawnGuarded({
    command: server.command,
    args: [
      ...common,
      ...[`--port=${port}`, '--bind-address=127.0.0.1', '--skip-name-resolve'],
      ...[`--socket=${join(baseDir, 'socket')}`, `--init-file=${initFile}`],
      ...[
        `--max-connections=${maxConnections}`,
        '--innodb-buffer-pool-size=32M',
        '--innodb-log-file-size=8M',
      ],
      ...['--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0'],
    ],
    stopSignal: 'SIGKILL',
    dataDir: baseDir,
    env: { ...server.env, TMPDIR: baseDir },
  });
  installing.dismiss();
  try {
    await running.said(/ready for connections/);
  } catch (error) {
    await running.stop();
    throw error;
  }
  return {
    host: '127.0.0.1',
    port,
    superuser,
    password,
    database,
    pid: running.pid,
    async query(sql, login = { user: superuser, password }) {
      const { stdout } = await run(
        client.command,
        [
          ...['--no-defaults', '--host=127.0.0.1', `--port=${port}`, `--user=${login.user}`],
          ...['--skip-column-names', '--batch', database],
          ...['--execute', sql],
        ],
        // Not as an argument: those are for everybody on the machine to see.
        { env: { ...client.env, MYSQL_PWD: login.password } },
      );
      return stdout.split('\n').slice(0, -1);
    },
    stop: () => running.stop(),
  };
}
