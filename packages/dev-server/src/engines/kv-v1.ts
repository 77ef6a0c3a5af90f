import type { Engine } from '../engine.js';
import { SYSTEM_TTL_SECONDS } from '../lease-ttl.js';
import { notFound, refused } from '../refusal.js';
import { route } from '../routing/route.js';
import { durationSeconds } from '../time/go-duration.js';
import { listKeys, scanKeys } from './key-listing.js';

/** KV version 1: one value for each path. A field `ttl` becomes the hint `lease_duration`; there is no lease. */
export function createKvV1(): Engine {
  const entries = new Map<string, Readonly<Record<string, unknown>>>();
  return {
    routes: [
      route({
        pattern: ':path*',
        anyFields: true,
        exists: ({ path = '' }) => entries.has(path),
        on: {
          read({ path }) {
            const data = entries.get(path);
            if (data === undefined) throw notFound();
            return { data, hintSeconds: hintOf(data) };
          },
          write({ path, data }) {
            if (Object.keys(data).length === 0) throw refused('missing data fields');
            entries.set(path, data);
            return undefined;
          },
          delete({ path }) {
            entries.delete(path);
            return undefined;
          },
          list: ({ path }) => listKeys(entries.keys(), path),
          scan: ({ path }) => scanKeys(entries.keys(), path),
        },
      }),
    ],
  };
}

function hintOf(data: Readonly<Record<string, unknown>>): number {
  try {
    return Math.trunc(durationSeconds(data.ttl ?? data.lease)) || SYSTEM_TTL_SECONDS;
  } catch {
    return SYSTEM_TTL_SECONDS;
  }
}
