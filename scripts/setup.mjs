// @ts-check
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';
import { installDebianServers, missesDebianServers } from './tooling/debian-servers.mjs';
import { exclusively } from './tooling/exclusively.mjs';
import { installServers, missingServers } from './tooling/install-servers.mjs';
import { missingDependencies } from './tooling/missing-dependencies.mjs';
import { runCommand, seconds } from './tooling/run-command.mjs';
import { staleBuilds } from './tooling/stale-builds.mjs';

/**
 * Brings a clone to where everything runs: dependencies, builds, servers. Does only what is missing, and nothing at
 * all takes a tenth of a second. Names Node's own modules alone, because it runs before any is installed.
 *
 * @returns {Promise<{ dependencies: boolean, builds: boolean }>} what is in order; a missing server is no failure
 */
export function setup() {
  return exclusively('setup', async () => {
    const [dependencies] = await Promise.all([
      installDependencies(),
      installMissingServers(),
      unpackMissingServers(),
    ]);
    return { dependencies, builds: dependencies && (await buildPackages()) };
  });
}

async function installDependencies() {
  const missing = missingDependencies();
  if (missing.length === 0) return true;
  const some = missing.slice(0, 3).join(', ');
  console.log(
    `setup: npm ci (${some}${missing.length > 3 ? `, and ${missing.length - 3} more` : ''} missing)`,
  );
  const { status, output, tookMs } = await runCommand('npm', ['ci', '--no-audit', '--no-fund'], {
    label: 'setup: npm ci',
  });
  console.log(status === 0 ? `setup: npm ci took ${seconds(tookMs)}` : `setup: npm ci failed\n${output}`);
  return status === 0;
}

async function installMissingServers() {
  const missing = missingServers();
  if (missing.length === 0) return;
  console.log(`setup: ${missing.map(({ name }) => name).join(', ')} into .servers`);
  const problems = await installServers(missing, 'setup');
  for (const problem of problems) console.log(`setup: ${problem}`);
  if (problems.length < missing.length) console.log('setup: servers are there');
}

async function unpackMissingServers() {
  if (!missesDebianServers()) return;
  console.log('setup: MariaDB and Redis into .servers');
  const problem = await installDebianServers('setup: MariaDB and Redis');
  if (problem !== undefined) console.log(`setup: ${problem}`);
}

async function buildPackages() {
  const stale = staleBuilds();
  if (stale.length === 0) return true;
  console.log(`setup: build ${stale.map(({ name }) => name).join(', ')}`);
  return build(stale);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { dependencies, builds } = await setup();
  process.exitCode = dependencies && builds ? 0 : 1;
}
