import { isSecretsError, SecretsError, SingleFlight } from '@keyturn/core/provider';
import { isBelow } from './api-path.js';
import type { Caller, VaultClient } from './client.js';
import { objectOf, textOf } from './json-object.js';
import type { MountKind } from './vault-settings.js';

/** What is mounted where. */
export interface Mount {
  /** Without a slash at its ends. */
  readonly path: string;
  readonly kind: MountKind;
}

/** Part of every store, and never a KV engine of version 2. */
const BUILT_IN: readonly Mount[] = [
  { path: 'auth', kind: 'other' },
  { path: 'identity', kind: 'other' },
  { path: 'cubbyhole', kind: 'kv1' },
];

/**
 * Knows what is mounted where: as configured, else as the store says (`sys/internal/ui/mounts`, which any token
 * may ask about a path that it may use). A mount is looked up once, by one call for all that wait.
 *
 * What it remembers is a fact about the store, not a secret. It is forgotten when a read finds nothing there,
 * because a mount may have been replaced by one of another kind.
 */
export class Mounts {
  readonly #client: VaultClient;
  readonly #configured: readonly Mount[];
  readonly #found = new Map<string, Mount>();
  readonly #lookups = new SingleFlight<void>();

  constructor(client: VaultClient, configured: ReadonlyMap<string, MountKind>) {
    this.#client = client;
    this.#configured = Array.from(configured, ([path, kind]) => ({ path, kind })).sort(
      (one, other) => other.path.length - one.path.length,
    );
  }

  /**
   * The mount that `path` lies in.
   *
   * @throws SecretsError `permission-denied` when the store does not say: name the mount in the setting `mounts`
   */
  async find(path: string, caller: Caller): Promise<Mount> {
    // Whoever waits for a lookup below the same first segment most likely waits for the same mount. A denial is of
    // one path, though: then the next lookup is for this path alone.
    for (let below = path.split('/')[0] as string; ; ) {
      // Not shared between addresses: who comes from one that hangs must not wait for it again.
      const key = `${caller.address ?? ''} ${below}`;
      const known = this.#known(path);
      if (known !== undefined) return known;
      const isOthers = this.#lookups.has(key) && below !== path;
      try {
        await this.#lookups.run(key, (signal) => this.#lookUp(path, { ...caller, signal }), caller.signal);
      } catch (error) {
        if (!isOthers || !isSecretsError(error) || error.code !== 'permission-denied') throw error;
        below = path;
      }
    }
  }

  /** A read found nothing in `mount`: what the store said of it may no longer be so. */
  forget(mount: Mount): void {
    this.#found.delete(mount.path);
  }

  /** The longest configured path wins: mounts may be told apart below one that was found. */
  #known(path: string): Mount | undefined {
    return [...this.#configured, ...BUILT_IN, ...this.#found.values()].find((mount) =>
      isBelow(path, mount.path),
    );
  }

  async #lookUp(path: string, caller: Caller): Promise<void> {
    const { data } = await this.#client.call({
      purpose: 'find-mount',
      path: `sys/internal/ui/mounts/${path}`,
      ...caller,
    });
    const found = textOf(data?.path)?.replace(/\/$/, '');
    const type = textOf(data?.type);
    if (found === undefined || type === undefined || !isBelow(path, found)) {
      throw new SecretsError('bad-response', {
        problem: `The store did not say what is mounted at ${path}.`,
        remedy: 'Say so in the setting mounts.',
      });
    }
    this.#found.set(found, { path: found, kind: kindOf(type, objectOf(data?.options)?.version) });
  }
}

function kindOf(type: string, version: unknown): MountKind {
  if (type === 'kv') return version === '2' ? 'kv2' : 'kv1';
  if (type === 'generic') return 'kv1';
  return type === 'database' || type === 'pki' || type === 'totp' ? type : 'other';
}
