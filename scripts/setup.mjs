// @ts-check
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';
import { exclusively } from './tooling/exclusively.mjs';
import { installOpenBao, openBaoInstalled } from './tooling/install-openbao.mjs';
import { missingDependencies } from './tooling/missing-dependencies.mjs';
import { runCommand, seconds } from './tooling/run-command.mjs';
import { staleBuilds } from './tooling/stale-builds.mjs';

/**
 * Brings a clone to where everything runs: dependencies, builds, OpenBao. Does only what is missing, and nothing at
 * all takes a tenth of a second. Names Node's own modules alone, because it runs before any is installed.
 *
 * @returns {Promise<{ dependencies: boolean, builds: boolean }>} what is in order; a missing OpenBao is no failure
 */
export function setup() {
  return exclusively('setup', async () => {
    const [dependencies] = await Promise.all([installDependencies(), installServers()]);
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

async function installServers() {
  if (process.env.KEYTURN_BAO || openBaoInstalled()) return;
  console.log('setup: OpenBao into .servers');
  const problem = await installOpenBao('setup: OpenBao');
  console.log(
    problem === undefined
      ? 'setup: OpenBao is there'
      : `setup: no OpenBao, because ${problem}: its tests are skipped and the demo takes the development server`,
  );
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
