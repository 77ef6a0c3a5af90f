import { notFound } from '../refusal.js';
import type { Reply } from '../reply.js';

/** What a listing may be narrowed to: what comes after a key, and at most so many. */
export interface ListingWindow {
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

/**
 * The names directly below `folder` (empty or with its slash), sorted; a folder carries a slash.
 *
 * @throws Refusal 404 with no errors when there are none, as the server does
 */
export function listKeys(paths: Iterable<string>, folder: string, window: ListingWindow = {}): Reply {
  const keys = new Set<string>();
  for (const path of paths) {
    if (!path.startsWith(folder) || path === folder) continue;
    const rest = path.slice(folder.length);
    const slash = rest.indexOf('/');
    keys.add(slash === -1 ? rest : rest.slice(0, slash + 1));
  }
  return keysReply(narrow([...keys].sort(byCodeUnits), window));
}

/** Every path below `folder`, level by level. @throws Refusal 404 when there are none */
export function scanKeys(paths: Iterable<string>, folder: string, window: ListingWindow = {}): Reply {
  const found = [...paths].filter((path) => path.startsWith(folder)).map((path) => path.slice(folder.length));
  const depth = (path: string) => path.split('/').length;
  return keysReply(
    narrow(
      found.sort((a, b) => depth(a) - depth(b) || byCodeUnits(a, b)),
      window,
    ),
  );
}

/** `{keys}`, or a 404 when there are none. */
export function keysReply(keys: readonly string[]): Reply {
  if (keys.length === 0) throw notFound();
  return { data: { keys } };
}

function narrow(keys: readonly string[], { after = '', limit = -1 }: ListingWindow): readonly string[] {
  const rest = after === '' ? keys : keys.filter((key) => key > after);
  return limit > 0 ? rest.slice(0, limit) : rest;
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
