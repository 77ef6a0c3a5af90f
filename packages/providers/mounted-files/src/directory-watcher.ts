import { lstat, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { isWithin, payloadFolder } from './survey.js';
import type { HintSource } from './watch-content.js';

/** A folder to watch, and what tells it from another of the same name. */
interface Folder {
  readonly realPath: string;
  readonly identity: string;
}

/**
 * Watches the folders on the way to a reference, as a hint to look.
 *
 * Folders, because a renamed-over file or a swung `..data` link is another file than the one that was watched; the
 * file as well, because one that is mounted by itself changes without an event in its folder. Armed anew when a
 * folder was deleted and recreated, because no watcher follows that.
 *
 * chokidar is imported when the first watch begins. Nothing here keeps the process alive.
 */
export class DirectoryWatcher implements HintSource {
  readonly #root: string;
  readonly #path: string;
  readonly #hint: () => void;
  #watcher: FSWatcher | undefined;
  #watched = '';

  constructor(root: string, path: string, hint: () => void) {
    this.#root = root;
    this.#path = path;
    this.#hint = hint;
  }

  async arm(): Promise<void> {
    const folders = await foldersOf(this.#root, this.#path);
    const wanted = folders.map(({ realPath, identity }) => `${realPath}:${identity}`).join('\n');
    if (wanted === this.#watched) return;
    await this.close();
    this.#watched = wanted;
    if (folders.length > 0) await this.#open(folders.map((folder) => folder.realPath));
  }

  async close(): Promise<void> {
    const watcher = this.#watcher;
    this.#watcher = undefined;
    this.#watched = '';
    await watcher?.close();
  }

  /** `ready` is a hint too: what happened before the watch was in place has no event. An error leaves it to the poll. */
  async #open(folders: readonly string[]): Promise<void> {
    const { watch } = await import('chokidar');
    const watched = new Set([...folders, join(this.#root, this.#path)]);
    this.#watcher = watch([...watched], {
      persistent: false,
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false,
      depth: 0,
      ignorePermissionErrors: true,
      ignored: (path) => !watched.has(path),
    });
    for (const event of ['raw', 'all', 'ready', 'error'] as const) this.#watcher.on(event, this.#hint);
  }
}

/**
 * The folders on the way from the root to a reference, without links, and its own where it is one. The payload of
 * a Kubernetes volume is left out: it is never written again, and its swap shows in the folder above it. When the
 * root is missing, the folder that it will appear in.
 */
async function foldersOf(root: string, path: string): Promise<readonly Folder[]> {
  const home = await folderAt(root);
  if (home === undefined) {
    const parent = await folderAt(dirname(root));
    return parent === undefined ? [] : [parent];
  }
  const folders = [home];
  let at = root;
  for (const segment of path.split('/')) {
    at = join(at, segment);
    const folder = await folderAt(at);
    if (folder === undefined || !isWithin(home.realPath, folder.realPath)) break;
    if (payloadFolder(home.realPath, folder.realPath) === undefined) folders.push(folder);
  }
  return folders;
}

/** Undefined when there is no folder at `path`. The time of birth is part of the identity: inodes are reused at once. */
async function folderAt(path: string): Promise<Folder | undefined> {
  try {
    const realPath = await realpath(path);
    const status = await lstat(realPath, { bigint: true });
    if (!status.isDirectory()) return undefined;
    return { realPath, identity: [status.dev, status.ino, status.birthtimeNs].join(':') };
  } catch {
    return undefined;
  }
}
