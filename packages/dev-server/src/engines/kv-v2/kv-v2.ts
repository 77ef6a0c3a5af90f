import type { HostClock } from '@keyturn/core/provider';
import type { Engine } from '../../engine.js';
import { failed, notFound, refused } from '../../refusal.js';
import type { Reply } from '../../reply.js';
import { route } from '../../routing/route.js';
import { INVALID_PATHS } from './invalid-paths.js';
import {
  addVersion,
  isGone,
  type KvEntry,
  type KvMount,
  type KvVersion,
  mergePatch,
  newEntry,
  subkeysOf,
  versionMetadata,
} from './kv-entry.js';
import { metadataRoutes } from './metadata-routes.js';

const WRITE = { data: 'map', options: 'map', version: 'int' } as const;

/** KV version 2: versions that can be deleted, brought back and destroyed, and check-and-set. */
export function createKvV2(clock: HostClock): Engine {
  const mount: KvMount = {
    clock,
    entries: new Map(),
    settings: { maxVersions: 0, casRequired: false, deleteVersionAfterSeconds: 0 },
  };
  const { entries, settings } = mount;
  const gone = (version: KvVersion) => isGone(version, clock.wallMs());

  /** A version of a key, or the latest. One that is gone is a 404 that still tells about it. */
  const read = (path: string, wanted = 0, show: (version: KvVersion) => object): Reply => {
    const entry = entries.get(path);
    const version = entry?.versions.get(wanted > 0 ? wanted : entry.current);
    if (entry === undefined || version === undefined) throw notFound();
    return {
      status: gone(version) ? 404 : 200,
      data: { ...show(version), metadata: versionMetadata(entry, version) },
    };
  };

  const write = (path: string, data: KvVersion['data']): Reply => {
    const entry = entries.get(path) ?? newEntry(clock.wallMs());
    entries.set(path, entry);
    return { data: versionMetadata(entry, addVersion(entry, settings, data, clock.wallMs())) };
  };

  const checkCas = (entry: KvEntry | undefined, options: Readonly<Record<string, unknown>> = {}) => {
    const { cas } = options;
    if (cas === undefined && (settings.casRequired || entry?.casRequired)) {
      throw refused('check-and-set parameter required for this call');
    }
    if (cas === undefined) return;
    if (!/^[+-]?\d+$/.test(String(cas))) throw refused('error parsing check-and-set parameter');
    if (Number(cas) !== (entry?.current ?? 0)) {
      throw refused('check-and-set parameter did not match the current version');
    }
  };

  const softDelete = (version: KvVersion) => {
    if (!gone(version)) version.deletionMs = clock.wallMs();
  };

  /** The routes that act on a list of versions; a key that does not exist is no error. */
  const onVersions = (action: string, act: (version: KvVersion) => void) =>
    route({
      pattern: `${action}/:path*`,
      fields: { versions: 'ints' },
      on: {
        write({ params, fields: { versions = [] } }) {
          if (versions.length === 0) throw refused('No version number provided');
          const entry = entries.get(params.path as string);
          for (const number of versions) {
            const version = entry?.versions.get(number);
            if (version !== undefined) act(version);
          }
          return undefined;
        },
      },
    });

  return {
    routes: [
      route({
        pattern: 'data/:path*',
        fields: WRITE,
        exists: ({ path = '' }) => entries.has(path),
        on: {
          read: ({ params, fields }) =>
            read(params.path as string, fields.version, (version) => ({
              data: gone(version) ? null : version.data,
            })),
          write({ params, fields, data }) {
            const path = params.path as string;
            if (!('data' in data)) throw refused('no data provided');
            checkCas(entries.get(path), fields.options);
            return write(path, fields.data ?? null);
          },
          patch({ params, fields, data }) {
            const path = params.path as string;
            if (!('data' in data)) throw refused('no data provided');
            const entry = entries.get(path);
            const current = entry?.versions.get(entry.current);
            if (entry === undefined || current === undefined) return { status: 404, empty: true };
            if (gone(current)) return { status: 404, data: versionMetadata(entry, current) };
            checkCas(entry, fields.options);
            if (current.data === null) throw failed('resource does not exist');
            return write(path, mergePatch(current.data, fields.data) as KvVersion['data']);
          },
          delete({ params }) {
            const entry = entries.get(params.path as string);
            const current = entry?.versions.get(entry.current);
            if (current !== undefined) softDelete(current);
            return undefined;
          },
        },
      }),
      route({
        pattern: 'subkeys/:path*',
        fields: { version: 'int', depth: 'int' },
        on: {
          read: ({ params, fields }) =>
            read(params.path as string, fields.version, (version) => ({
              subkeys: gone(version) ? null : subkeysOf(version.data, fields.depth ?? 0),
            })),
        },
      }),
      onVersions('delete', softDelete),
      onVersions('undelete', (version) => {
        if (!version.destroyed) version.deletionMs = undefined;
      }),
      onVersions('destroy', (version) => {
        version.destroyed = true;
        version.data = null;
      }),
      ...metadataRoutes(mount),
      ...INVALID_PATHS,
    ],
  };
}
