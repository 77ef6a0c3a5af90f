// @ts-check
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, unpackedDir } from '../servers/unpacked-program.mjs';
import { runCommand } from './run-command.mjs';

/** Only what holds the programs: the packages that depend on these would start services and create users. */
const PACKAGES = ['mariadb-server-core', 'mariadb-client-core', 'redis-tools'];
const PROGRAMS = ['mariadbd', 'mariadb', 'redis-cli'];
const APT = [
  ...['--yes', '-qq', '-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=10'],
  ...['-o', 'Acquire::https::Timeout=10'],
];

const stamp = join(unpackedDir, 'installed.txt');

/**
 * Whether MariaDB and Redis are missing and could be had: from Debian's packages, which only root may ask apt-get for.
 * Elsewhere they are taken from the PATH when they are there, and nothing is done about it when they are not.
 */
export function missesDebianServers() {
  if (existsSync(stamp)) return readFileSync(stamp, 'utf8') !== PACKAGES.join('\n');
  const isHere = PROGRAMS.every((program) => findProgram(program) !== undefined);
  return !isHere && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/**
 * Unpacks MariaDB and Redis, and the libraries that this machine has not, below `.servers`. Nothing is installed into
 * the system: no service starts, no user is created, and who deletes the clone is rid of them.
 *
 * @param {string} label for progress lines
 * @returns {Promise<string | undefined>} why it could not, and what that means
 */
export async function installDebianServers(label) {
  rmSync(unpackedDir, { recursive: true, force: true });
  const archives = join(unpackedDir, 'archives');
  mkdirSync(join(archives, 'partial'), { recursive: true });
  const download = [
    ...['install', ...APT, '--no-install-recommends', '--download-only'],
    ...['-o', `Dir::Cache::archives=${archives}`, ...PACKAGES],
  ];
  const apt = (/** @type {string[]} */ args) => runCommand('apt-get', args, { label });
  let fetched = await apt(download);
  if (fetched.status !== 0) {
    // A fresh machine has no lists, and one that was not used for long has old ones.
    await apt(['update', ...APT]);
    fetched = await apt(download);
  }
  if (fetched.status !== 0) return sentence(`apt-get cannot fetch ${PACKAGES.join(' ')}`, fetched.output);
  for (const archive of readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
    const unpacked = await runCommand('dpkg-deb', ['-x', join(archives, archive), unpackedDir], { label });
    if (unpacked.status !== 0) return sentence(`dpkg-deb cannot unpack ${archive}`, unpacked.output);
  }
  rmSync(archives, { recursive: true });
  writeFileSync(stamp, PACKAGES.join('\n'));
  return undefined;
}

/** @param {string} problem @param {string} output */
function sentence(problem, output) {
  const reason = output.trim().split('\n').at(-1) ?? '';
  return `no MariaDB and no Redis, because ${problem} (${reason}): their tests are skipped`;
}
