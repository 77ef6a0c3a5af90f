import { notFound, refused } from '../../refusal.js';
import type { Reply } from '../../reply.js';
import type { FieldValues } from '../../routing/fields.js';
import { type Route, route } from '../../routing/route.js';
import { goDuration } from '../../time/go-duration.js';
import { listKeys, scanKeys } from '../key-listing.js';
import { entryMetadata, type KvMount, type KvSettings, mergePatch, newEntry } from './kv-entry.js';

const SETTINGS = {
  max_versions: 'int',
  cas_required: 'flag',
  delete_version_after: 'signedSeconds',
} as const;
const METADATA = { ...SETTINGS, delete_version_after: 'seconds', custom_metadata: 'map' } as const;
const WINDOW = { after: 'text', limit: 'int' } as const;

/** `config`, `metadata/` and `detailed-metadata/`: settings of the mount, and what is known about its keys. */
export function metadataRoutes({ clock, entries, settings }: KvMount): readonly Route[] {
  const setMetadata = (
    path: string,
    fields: FieldValues<typeof METADATA>,
    before: Readonly<Record<string, unknown>> | null,
  ): undefined => {
    if (Object.values(fields).every((value) => value === undefined)) return;
    const given = fields.custom_metadata;
    const custom =
      given && textValues(before === null ? given : (mergePatch(before, given) as Record<string, unknown>));
    const entry = entries.get(path) ?? newEntry(clock.wallMs());
    entries.set(path, entry);
    applySettings(entry, fields);
    if (custom !== undefined) entry.customMetadata = custom;
    entry.metadataVersion += 1;
    entry.updatedMs = clock.wallMs();
  };

  return [
    route({
      pattern: 'config',
      fields: SETTINGS,
      on: {
        read: () => describeSettings(settings),
        write({ fields }) {
          applySettings(settings, fields);
          return undefined;
        },
      },
    }),
    route({
      pattern: 'metadata/:path*',
      fields: { ...METADATA, ...WINDOW },
      exists: ({ path = '' }) => entries.has(path),
      on: {
        read({ params }) {
          const entry = entries.get(params.path as string);
          if (entry === undefined) throw notFound();
          return { data: entryMetadata(entry) };
        },
        write: ({ params, fields }) => setMetadata(params.path as string, fields, null),
        patch({ params, fields }) {
          const entry = entries.get(params.path as string);
          if (entry === undefined) return { status: 404, empty: true };
          return setMetadata(params.path as string, fields, entry.customMetadata ?? {});
        },
        delete({ params }) {
          entries.delete(params.path as string);
          return undefined;
        },
        list: ({ params, fields }) => listKeys(entries.keys(), params.path as string, fields),
        scan: ({ params, fields }) => scanKeys(entries.keys(), params.path as string, fields),
      },
    }),
    route({
      pattern: 'detailed-metadata/:path*',
      fields: WINDOW,
      on: {
        list({ params, fields }) {
          const folder = params.path as string;
          const { data } = listKeys(entries.keys(), folder, fields);
          const keys = (data?.keys ?? []) as readonly string[];
          const infos = keys.flatMap((key) => {
            const entry = entries.get(folder + key.replace(/\/$/, ''));
            return entry === undefined ? [] : [[key, entryMetadata(entry)]];
          });
          return { data: { keys, key_info: Object.fromEntries(infos) } };
        },
      },
    }),
  ];
}

function describeSettings(settings: KvSettings): Reply {
  return {
    data: {
      cas_required: settings.casRequired,
      delete_version_after: goDuration(settings.deleteVersionAfterSeconds),
      max_versions: settings.maxVersions,
      metadata_cas_required: false,
    },
  };
}

function applySettings(settings: KvSettings, fields: FieldValues<typeof SETTINGS>): void {
  if (fields.max_versions !== undefined) settings.maxVersions = fields.max_versions;
  if (fields.cas_required !== undefined) settings.casRequired = fields.cas_required;
  if (fields.delete_version_after !== undefined) {
    settings.deleteVersionAfterSeconds = fields.delete_version_after;
  }
}

/** @throws Refusal 400 where a value is neither a text, a number nor a flag */
function textValues(given: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      if (typeof value === 'object') {
        throw refused(
          "custom_metadata validation failed: '' expected type 'string', got unconvertible type 'map[string]interface {}'",
        );
      }
      return [key, String(value)];
    }),
  );
}
