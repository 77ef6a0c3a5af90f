import { type ProviderRef, SecretsError } from '@keyturn/core/provider';
import type { VaultCall } from './client.js';
import { invalidConfig } from './invalid-config.js';
import type { Mount } from './mounts.js';
import type { ReadParameters } from './vault-settings.js';

/**
 * The call of the store's API that reads `ref`: KV v2 keeps its secrets below `data/`, and what has parameters is
 * read by a write.
 *
 * @throws SecretsError `invalid-ref`; `invalid-config` for parameters of a KV path, which a write would overwrite
 */
export function apiCall(
  { path, version }: ProviderRef,
  mount: Mount,
  parameters: ReadParameters | undefined,
): Pick<VaultCall, 'path' | 'query' | 'body'> {
  if (mount.kind !== 'kv1' && mount.kind !== 'kv2') {
    refuseVersion(version, mount);
    return parameters === undefined ? { path } : { path, body: parameters };
  }
  if (parameters !== undefined) {
    throw invalidConfig(
      `parameters['${path}']`,
      'is for a KV secret, which it would overwrite',
      'Leave it out.',
    );
  }
  if (path === mount.path) {
    throw new SecretsError('invalid-ref', {
      problem: `${path} is the mount, not a secret in it.`,
      remedy: `Write ${path}/name-of-the-secret.`,
    });
  }
  if (mount.kind === 'kv2') return versionedCall(path.slice(mount.path.length + 1), mount, version);
  refuseVersion(version, mount);
  return { path };
}

function versionedCall(
  name: string,
  mount: Mount,
  version: string | undefined,
): Pick<VaultCall, 'path' | 'query'> {
  if (name.startsWith('data/')) {
    throw new SecretsError('invalid-ref', {
      problem: `The path has data/ after the mount ${mount.path}, which is put in by itself.`,
      remedy: `Leave out data/: write ${mount.path}/${name.slice('data/'.length)}.`,
    });
  }
  const path = `${mount.path}/data/${name}`;
  if (version === undefined) return { path };
  if (/^[1-9]\d{0,8}$/.test(version)) return { path, query: `version=${version}` };
  throw new SecretsError('invalid-ref', {
    problem: 'The version is not a whole number from 1 on.',
    remedy: 'Write ?version=3, or leave it out for the latest.',
  });
}

function refuseVersion(version: string | undefined, mount: Mount): void {
  if (version === undefined) return;
  throw new SecretsError('invalid-ref', {
    problem: `What is mounted at ${mount.path} keeps no versions.`,
    remedy: 'Leave out ?version=; only KV v2 has versions.',
  });
}
