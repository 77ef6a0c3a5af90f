import { resolve } from 'node:path';
import {
  type CallOptions,
  type Duration,
  durationMs,
  isSecretsError,
  type Provider,
  type ProviderRef,
  SecretsError,
} from '@keyturn/core/provider';
import { Bell } from './bell.js';
import { type Content, wipe } from './content.js';
import { DirectoryWatcher } from './directory-watcher.js';
import { relativePathOf } from './relative-path.js';
import { readStable } from './stable-read.js';
import { survey } from './survey.js';
import { createVersioner } from './versioner.js';
import { watchContent } from './watch-content.js';

/** What {@link mountedFiles} takes. */
export interface MountedFilesOptions {
  /** The folder that references are relative to. A relative one is taken from the working directory of now. */
  readonly root: string;
  /**
   * `'newline'` (default): a file that holds one line of text loses its line end, because `echo` and editors add
   * one that nobody means. Several lines (PEM, JSON) and bytes that are not text stay as they are. `'none'`: every
   * byte is kept.
   */
  readonly trim?: 'newline' | 'none';
  /** The most that one reference may hold, in bytes; for a folder, all its files together. Default 1 MiB. */
  readonly maxBytes?: number;
  /** How often a watched reference is looked at when no event came. Default `'5s'`, at least 100 ms. */
  readonly pollInterval?: Duration;
}

const DEFAULT_MAX_BYTES = 1_048_576;
const MIN_POLL_MS = 100;

/**
 * Reads secrets from a folder: `files:db/password` is the content of the file `root/db/password`, `files:db` has
 * one field for each file in the folder `root/db`, all of one generation.
 *
 * Files are read only when they hold still, so that a write in progress is never taken for a value. Links are
 * followed inside `root` and refused when they lead out of it.
 *
 * @throws SecretsError `invalid-config` for an option that makes no sense
 */
export function mountedFiles(options: MountedFilesOptions): Provider {
  const { root, trim, maxBytes, pollMs } = checked(options);
  const versionOf = createVersioner();
  /** What the last fetch of each path ended in: what a watch compares with. */
  const outcomes = new Map<string, string>();

  const read = (path: string, { clock, signal }: CallOptions, hold: boolean): Promise<Content> => {
    const settle = (settleMs: number) => clock.sleep(settleMs, { signal, hold });
    return readStable(path, { look: () => survey(root, path, maxBytes), settle, trim });
  };
  const look = async (path: string, call: CallOptions): Promise<string> => {
    try {
      const content = await read(path, call, false);
      const version = await versionOf(content.data);
      wipe(content.data);
      return version;
    } catch (error) {
      return outcomeOf(error);
    }
  };

  return {
    name: 'mounted-files',

    async fetch(ref, call) {
      const path = pathOf(ref);
      call.signal.throwIfAborted();
      try {
        const { data, metadata } = await read(path, call, true);
        const version = await versionOf(data);
        outcomes.set(path, version);
        return { data: data instanceof Map ? Object.fromEntries(data) : data, version, metadata };
      } catch (error) {
        if (!call.signal.aborted) outcomes.set(path, outcomeOf(error));
        throw error;
      }
    },

    async *watch(ref, call) {
      const path = pathOf(ref);
      const bell = new Bell();
      yield* watchContent({
        look: (signal) => look(path, { ...call, signal }),
        fetched: () => outcomes.get(path),
        watcher: new DirectoryWatcher(root, path, () => bell.ring('hint')),
        bell,
        pollMs,
        call,
      });
    },
  };
}

function checked({
  root,
  trim = 'newline',
  maxBytes = DEFAULT_MAX_BYTES,
  pollInterval = '5s',
}: MountedFilesOptions) {
  if (typeof root !== 'string' || root === '' || root.includes('\0')) {
    throw invalid('The setting root is not the path of a folder.', 'Give root, such as /etc/secrets.');
  }
  if (trim !== 'newline' && trim !== 'none') {
    throw invalid('The setting trim is not known.', "Give trim as 'newline' or 'none'.");
  }
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
    throw invalid(
      'The setting maxBytes is not a number of bytes.',
      'Give maxBytes as a whole number above 0.',
    );
  }
  const pollMs = durationMs(pollInterval, 'pollInterval');
  if (pollMs < MIN_POLL_MS || pollMs > 2 ** 31 - 1) {
    throw invalid('The setting pollInterval is out of range.', 'Give pollInterval between 100ms and 24d.');
  }
  return { root: resolve(root), trim, maxBytes, pollMs };
}

function pathOf(ref: ProviderRef): string {
  if (ref.version !== undefined || ref.stage !== undefined) {
    throw new SecretsError('unsupported', {
      problem: 'Files have no versions or stages to choose from: only what is there now.',
      remedy: 'Leave out ?version= and ?stage=.',
    });
  }
  return relativePathOf(ref.path);
}

function outcomeOf(error: unknown): string {
  return `failed: ${isSecretsError(error) ? error.code : 'unknown'}`;
}

function invalid(problem: string, remedy: string): SecretsError {
  return new SecretsError('invalid-config', { provider: 'mounted-files', problem, remedy });
}
