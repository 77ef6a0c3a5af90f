// @ts-check
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The Go module that pins what is built: Kubernetes, its etcd and all that they depend on, with checksums. */
export const BUILD_MODULE = fileURLToPath(new URL('../tooling/build-apiserver', import.meta.url));

/**
 * Where the build is kept: outside of the checkout, because it takes minutes and every clone can use it.
 *
 * @returns {string} `$XDG_CACHE_HOME/keyturn/kubernetes-<version>`, below `~/.cache` when that is not set
 */
export function kubernetesDir() {
  const cache = process.env.XDG_CACHE_HOME;
  const base = cache !== undefined && isAbsolute(cache) ? cache : join(homedir(), '.cache');
  return join(base, 'keyturn', `kubernetes-${kubernetesVersion()}`);
}

/** @returns {string} such as `1.36.3` */
export function kubernetesVersion() {
  const version = /^\s*(?:require )?k8s\.io\/kubernetes v(\S+)/m.exec(
    readFileSync(join(BUILD_MODULE, 'go.mod'), 'utf8'),
  )?.[1];
  if (version === undefined) throw new Error(`${BUILD_MODULE}/go.mod requires no k8s.io/kubernetes.`);
  return version;
}

/**
 * The binaries: in the folder that `KEYTURN_KUBERNETES` names (one of envtest will do), or as they were built.
 *
 * @returns {{ apiserver: string, etcd: string } | undefined} undefined when they are not there
 * @throws {Error} when `KEYTURN_KUBERNETES` names a folder without them
 */
export function findKubernetes() {
  const named = process.env.KEYTURN_KUBERNETES;
  const isNamed = named !== undefined && named !== '';
  const dir = isNamed ? named : kubernetesDir();
  const found = { apiserver: join(dir, 'kube-apiserver'), etcd: join(dir, 'etcd') };
  if (existsSync(found.apiserver) && existsSync(found.etcd)) return found;
  if (isNamed) throw new Error(`KEYTURN_KUBERNETES names a folder without kube-apiserver and etcd: ${named}`);
  return undefined;
}
