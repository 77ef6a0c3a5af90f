import type { Engine } from './engine.js';
import { uuid } from './identifiers.js';

/** Where an engine answers. */
export interface Mount {
  /** With its slash: `secret/`, `auth/approle/`. */
  readonly path: string;
  readonly kind: 'secret' | 'auth';
  readonly type: string;
  readonly description: string;
  readonly accessor: string;
  readonly uuid: string;
  readonly options: Readonly<Record<string, string>> | null;
  readonly config: MountConfig;
  /** Made by the server itself; it cannot be moved or unmounted. */
  readonly builtIn: boolean;
  readonly engine: Engine;
}

/** Limits of a mount, in seconds; 0: the system's. May be tuned. */
export interface MountConfig {
  defaultLeaseTtlSeconds: number;
  maxLeaseTtlSeconds: number;
}

/** What a new mount is made from. */
export interface MountDefinition {
  readonly path: string;
  readonly kind: Mount['kind'];
  readonly type: string;
  readonly description?: string;
  readonly options?: Readonly<Record<string, string>> | null;
  readonly config?: Partial<MountConfig>;
  readonly builtIn?: boolean;
}

/** The table of mounts. */
export interface Mounts {
  add(definition: MountDefinition, createEngine: (mount: Omit<Mount, 'engine'>) => Engine): Mount;
  /** The mount that answers `path`, if any. */
  at(path: string): Mount | undefined;
  /** The mount at exactly `path` (with its slash). */
  exactly(path: string): Mount | undefined;
  /** The mount that a new one at `path` would collide with. */
  inTheWayOf(path: string): Mount | undefined;
  remove(mount: Mount): void;
  list(kind?: Mount['kind']): readonly Mount[];
}

export function createMounts(): Mounts {
  const mounts = new Map<string, Mount>();
  const longestFirst = () => [...mounts.values()].sort((a, b) => b.path.length - a.path.length);
  return {
    add(definition, createEngine) {
      const base = {
        path: definition.path,
        kind: definition.kind,
        type: definition.type,
        description: definition.description ?? '',
        accessor: `${definition.kind === 'auth' ? 'auth_' : ''}${definition.type}_${hex8()}`,
        uuid: uuid(),
        options: definition.options ?? null,
        config: { defaultLeaseTtlSeconds: 0, maxLeaseTtlSeconds: 0, ...definition.config },
        builtIn: definition.builtIn ?? false,
      };
      const mount = { ...base, engine: createEngine(base) };
      mounts.set(mount.path, mount);
      return mount;
    },
    at: (path) => longestFirst().find((mount) => path.startsWith(mount.path)),
    exactly: (path) => mounts.get(path),
    inTheWayOf: (path) =>
      [...mounts.values()].find((mount) => path.startsWith(mount.path) || mount.path.startsWith(path)),
    remove: (mount) => void mounts.delete(mount.path),
    list: (kind) => [...mounts.values()].filter((mount) => kind === undefined || mount.kind === kind),
  };
}

function hex8(): string {
  return uuid().slice(0, 8);
}
