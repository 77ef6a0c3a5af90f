import type { CallOptions } from '@keyturn/core/provider';
import type { Bell, Ring } from './bell.js';

/** How long events are let gather before the files are looked at, in milliseconds: a writer makes several for one change. */
const DEBOUNCE_MS = 10;
/** How many polls a failure must outlast to be told: writers delete, truncate and create anew. */
const FAILURE_POLLS = 2;

/** Tells that something happened in the folders of a reference. Neither complete nor exact: a hint to look. */
export interface HintSource {
  /** Begins to watch, and begins anew wherever a folder is no longer the one that was watched. */
  arm(): Promise<void>;
  close(): Promise<void>;
}

/** What {@link watchContent} is made of. */
export interface WatchContentOptions {
  /** The version of what is there now, or `failed: …`. Rejects only when its signal aborts. */
  readonly look: (signal: AbortSignal) => Promise<string>;
  /** What the last fetch saw, in the words of `look`; undefined before the first. */
  readonly fetched: () => string | undefined;
  readonly watcher: HintSource;
  readonly bell: Bell;
  readonly pollMs: number;
  readonly call: CallOptions;
}

/**
 * Yields once for each change of content, until the call's signal aborts.
 *
 * Events of the file system are only hints: they come in bursts, double, late, for other files, or not at all
 * (deleted and recreated folders, network file systems, `subPath` mounts). What counts is the content, looked at
 * after each burst and at each poll. A new value is told at once; a failure only when it lasts.
 *
 * What it tells of is compared with what was fetched, at the start and at each poll: a change just before the watch
 * began, or a hint that met a fetch already under way, is not lost.
 */
export async function* watchContent(options: WatchContentOptions): AsyncGenerator<void, void, undefined> {
  const { look, fetched, watcher, bell, pollMs, call } = options;
  const end = new AbortController();
  const abort = () => {
    end.abort(call.signal.reason);
    bell.ring('end');
  };
  if (call.signal.aborted) return;
  call.signal.addEventListener('abort', abort, { once: true });
  void ringEvery(pollMs, bell, call, end.signal);
  try {
    let known = fetched() ?? (await look(end.signal));
    let failurePolls = 0;
    while (!end.signal.aborted) {
      await watcher.arm();
      const ring = await nextRing(bell, call, end.signal);
      if (ring === 'end') return;
      const seen = await look(end.signal);
      if (ring === 'poll') {
        known = fetched() ?? known;
        failurePolls++;
      }
      if (seen === known || !isFailure(seen)) failurePolls = 0;
      if (seen === known || (isFailure(seen) && failurePolls < FAILURE_POLLS)) continue;
      known = seen;
      yield;
    }
  } catch (error) {
    if (!end.signal.aborted) throw error;
  } finally {
    call.signal.removeEventListener('abort', abort);
    end.abort();
    await watcher.close();
  }
}

function isFailure(outcome: string): boolean {
  return outcome.startsWith('failed: ');
}

/** The next ring, with all that come in the debounce after it. */
async function nextRing(bell: Bell, { clock }: CallOptions, signal: AbortSignal): Promise<Ring> {
  const first = await bell.next();
  if (first === 'end') return first;
  await clock.sleep(DEBOUNCE_MS, { signal });
  const later = bell.take();
  return later === undefined || later === 'hint' ? first : later;
}

async function ringEvery(
  pollMs: number,
  bell: Bell,
  { clock }: CallOptions,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (;;) {
      await clock.sleep(pollMs, { signal });
      bell.ring('poll');
    }
  } catch {
    // The watch has ended.
  }
}
