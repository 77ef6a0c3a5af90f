// @ts-check
import { pathToFileURL } from 'node:url';
import { inParallel } from './tooling/in-parallel.mjs';
import { runTool, seconds } from './tooling/run-command.mjs';
import { workspacePackages } from './tooling/workspace-packages.mjs';

/**
 * Builds packages with tsup, each after those that it needs, as many at once as there are cores.
 *
 * @param {readonly import('./tooling/workspace-packages.mjs').WorkspacePackage[]} [packages] default: all
 * @returns {Promise<boolean>} whether all could be built
 */
export async function build(packages = workspacePackages()) {
  /** @type {Map<string, Promise<boolean>>} */
  const builds = new Map();
  // The order guarantees that what a package needs has begun before it, so no worker waits for ever.
  const results = await inParallel(packages, (one) => {
    const done = (async () => {
      const needed = await Promise.all(one.needs.map((name) => builds.get(name) ?? true));
      if (needed.includes(false)) {
        console.log(`build ${one.name}: left out, because what it needs failed`);
        return false;
      }
      const { status, output, tookMs } = await runTool('tsup/dist/cli-default.js', [], { cwd: one.dir });
      console.log(`build ${one.name}: ${status === 0 ? seconds(tookMs) : `failed\n${output}`}`);
      return status === 0;
    })();
    builds.set(one.name, done);
    return done;
  });
  return results.every(Boolean);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const asked = process.argv.slice(2);
  const chosen = workspacePackages().filter(
    ({ name, folder }) =>
      asked.length === 0 || asked.some((word) => name === word || folder.endsWith(`/${word}`)),
  );
  if (chosen.length === 0) console.log('build: no package has that name');
  process.exitCode = chosen.length > 0 && (await build(chosen)) ? 0 : 1;
}
