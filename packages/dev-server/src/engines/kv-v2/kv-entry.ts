import type { HostClock } from '@keyturn/core/provider';
import { goDuration } from '../../time/go-duration.js';
import { rfc3339 } from '../../time/rfc3339.js';

/** The server keeps this many versions where neither the key nor the mount says otherwise. */
const DEFAULT_MAX_VERSIONS = 10;

/** Settings that a key and its mount both have. 0 or false: not set. */
export interface KvSettings {
  maxVersions: number;
  casRequired: boolean;
  /** Versions delete themselves after this. On the mount, negative: never, whatever a key says. */
  deleteVersionAfterSeconds: number;
}

/** One version of a key. */
export interface KvVersion {
  readonly version: number;
  readonly createdMs: number;
  deletionMs: number | undefined;
  destroyed: boolean;
  data: Readonly<Record<string, unknown>> | null;
}

/** A key of KV version 2: its versions and what is known about them. */
export interface KvEntry extends KvSettings {
  readonly versions: Map<number, KvVersion>;
  current: number;
  oldest: number;
  readonly createdMs: number;
  updatedMs: number;
  customMetadata: Readonly<Record<string, string>> | null;
  metadataVersion: number;
}

/** Everything that one mount holds. */
export interface KvMount {
  readonly clock: HostClock;
  readonly entries: Map<string, KvEntry>;
  readonly settings: KvSettings;
}

/** A key that has no version yet. */
export function newEntry(nowMs: number): KvEntry {
  return {
    versions: new Map(),
    current: 0,
    oldest: 0,
    createdMs: nowMs,
    updatedMs: nowMs,
    customMetadata: null,
    metadataVersion: 0,
    maxVersions: 0,
    casRequired: false,
    deleteVersionAfterSeconds: 0,
  };
}

/** Adds a version and forgets those beyond the maximum. */
export function addVersion(
  entry: KvEntry,
  mount: KvSettings,
  data: KvVersion['data'],
  nowMs: number,
): KvVersion {
  entry.current += 1;
  const afterSeconds = deleteAfterSeconds(entry, mount);
  const version: KvVersion = {
    version: entry.current,
    createdMs: nowMs,
    deletionMs: afterSeconds > 0 ? nowMs + afterSeconds * 1000 : undefined,
    destroyed: false,
    data,
  };
  entry.versions.set(version.version, version);
  entry.updatedMs = nowMs;
  const keep = entry.maxVersions || mount.maxVersions || DEFAULT_MAX_VERSIONS;
  for (const number of entry.versions.keys()) {
    if (number <= entry.current - keep) entry.versions.delete(number);
  }
  const first = entry.current - keep + 1;
  if (first > 1) entry.oldest = first;
  return version;
}

/** Whether a version can no longer be read. */
export function isGone(version: KvVersion, nowMs: number): boolean {
  return version.destroyed || (version.deletionMs !== undefined && version.deletionMs <= nowMs);
}

/** What is printed beside a version's data, and what a write answers. */
export function versionMetadata(entry: KvEntry, version: KvVersion): Record<string, unknown> {
  return {
    ...versionState(version),
    custom_metadata: entry.customMetadata,
    version: version.version,
  };
}

/** What is known about a key. */
export function entryMetadata(entry: KvEntry): Record<string, unknown> {
  return {
    cas_required: entry.casRequired,
    created_time: rfc3339(entry.createdMs),
    current_metadata_version: entry.metadataVersion,
    current_version: entry.current,
    custom_metadata: entry.customMetadata,
    delete_version_after: goDuration(entry.deleteVersionAfterSeconds),
    max_versions: entry.maxVersions,
    metadata_cas_required: false,
    oldest_version: entry.oldest,
    updated_time: rfc3339(entry.updatedMs),
    versions: Object.fromEntries(
      [...entry.versions].map(([number, version]) => [String(number), versionState(version)]),
    ),
  };
}

/** RFC 7396: `patch` laid over `target`; null removes. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** The shape of a secret without its values, down to `depth` levels (0: all). */
export function subkeysOf(value: unknown, depth: number): unknown {
  if (!isObject(value)) return null;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      depth === 1 || !isObject(item) || Object.keys(item).length === 0 ? null : subkeysOf(item, depth - 1),
    ]),
  );
}

function versionState(version: KvVersion): Record<string, unknown> {
  return {
    created_time: rfc3339(version.createdMs),
    deletion_time: version.deletionMs === undefined ? '' : rfc3339(version.deletionMs),
    destroyed: version.destroyed,
  };
}

function deleteAfterSeconds(entry: KvSettings, mount: KvSettings): number {
  if (mount.deleteVersionAfterSeconds < 0) return 0;
  const set = [entry.deleteVersionAfterSeconds, mount.deleteVersionAfterSeconds].filter((after) => after > 0);
  return set.length === 0 ? 0 : Math.min(...set);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
