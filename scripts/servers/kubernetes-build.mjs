// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { exclusively } from '../tooling/exclusively.mjs';
import { seconds } from '../tooling/run-command.mjs';
import { spawnGuarded } from './guarded-process.mjs';
import { BUILD_MODULE, findKubernetes, kubernetesDir, kubernetesVersion } from './kubernetes-binaries.mjs';

const PACKAGES = ['k8s.io/kubernetes/cmd/kube-apiserver', 'go.etcd.io/etcd/server/v3'];
const LIMIT_MS = 20 * 60_000;

/**
 * Builds kube-apiserver and its etcd from their published Go modules, unchanged, once for every clone of this user.
 * No package registry has them as binaries.
 *
 * Takes about four minutes of two cores and 3 GB, of which the two binaries stay (160 MB). Whatever else it makes is
 * removed, also when it is interrupted. `node scripts/servers/kubernetes-build.mjs` does the same.
 *
 * @param {object} [options]
 * @param {string} [options.label] for progress lines
 * @param {number} [options.limitMs] after which it gives up
 * @returns {Promise<string | undefined>} why it could not; undefined when the binaries are there
 */
export async function buildKubernetes({ label = 'kubernetes', limitMs = LIMIT_MS } = {}) {
  if (findKubernetes() !== undefined) return undefined;
  const go = spawnSync('go', ['version'], { encoding: 'utf8' });
  if (go.status !== 0) return 'go is not installed';
  return exclusively('kubernetes', async () =>
    findKubernetes() === undefined ? await build(label, limitMs) : undefined,
  );
}

/**
 * @param {string} label
 * @param {number} limitMs
 */
async function build(label, limitMs) {
  const dir = kubernetesDir();
  mkdirSync(dirname(dir), { recursive: true });
  // Beside its place, so that one rename puts it there whole.
  const work = mkdtempSync(`${dir}.building-`);
  const startedMs = performance.now();
  const go = spawnGuarded({
    command: 'go',
    args: ['-C', BUILD_MODULE, 'build', '-v', '-o', join(work, 'bin/'), ...buildFlags(), ...PACKAGES],
    stopSignal: 'SIGTERM',
    dataDir: work,
    env: {
      ...process.env,
      CGO_ENABLED: '0',
      GOTOOLCHAIN: 'local',
      GOWORK: 'off',
      GOMODCACHE: join(work, 'modules'),
      GOCACHE: join(work, 'cache'),
      GOTMPDIR: work,
    },
  });
  try {
    const tookMs = () => performance.now() - startedMs;
    while (await Promise.race([go.ended().then(() => false), sleep(15_000, true, { ref: false })])) {
      const compiled = go
        .output()
        .split('\n')
        .filter((line) => /^[\w./-]+$/.test(line)).length;
      console.log(`${label} … ${seconds(tookMs())}, ${compiled} packages compiled`);
      if (tookMs() > limitMs) return `go build took more than ${seconds(limitMs)}`;
    }
    if (!install(join(work, 'bin'), dir)) return `go build failed: ${go.output().trim().split('\n').at(-1)}`;
    console.log(`${label} ${kubernetesVersion()} built in ${seconds(tookMs())}`);
    return undefined;
  } finally {
    await go.stop();
  }
}

function buildFlags() {
  const version = kubernetesVersion();
  const [major, minor] = version.split('.');
  const info = 'k8s.io/component-base/version';
  // Without its number the server takes itself for version 0 and switches its features accordingly.
  const numbers = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  const settings = Object.entries(numbers).map(([name, value]) => `-X ${info}.${name}=${value}`);
  const linker = `-s -w ${settings.join(' ')}`;
  // Compiled without optimization in three quarters of the time; the server then starts in 5 s rather than in 3.5.
  return ['-gcflags', 'all=-N -l', '-ldflags', linker, '-trimpath', '-buildvcs=false', '-modcacherw'];
}

/**
 * Puts the binaries where they are looked for, unless another clone has put its own there meanwhile.
 *
 * @param {string} built
 * @param {string} dir
 * @returns {boolean} whether they are there now
 */
function install(built, dir) {
  if (!['kube-apiserver', 'server'].every((name) => existsSync(join(built, name)))) return false;
  renameSync(join(built, 'server'), join(built, 'etcd'));
  if (findKubernetes() === undefined) renameSync(built, dir);
  return true;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const problem = await buildKubernetes();
  console.log(problem === undefined ? `kubernetes: ${kubernetesDir()}` : `no kubernetes, because ${problem}`);
  process.exitCode = problem === undefined ? 0 : 1;
}
