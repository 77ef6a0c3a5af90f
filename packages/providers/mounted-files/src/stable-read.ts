import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { SecretsError } from '@keyturn/core/provider';
import { blankIn, type Content, type Data, wipe, withoutLineEnd } from './content.js';
import { errnoOf, fileError } from './file-error.js';
import { identityOf, type Survey, type SurveyedFile } from './survey.js';

/**
 * How long files must hold still before they are read, in milliseconds. Longer than the tick of a kernel's file
 * times (at most 10 ms), so that a second write cannot hide behind the time stamp of the first.
 */
const SETTLE_MS = 15;
/** After that many attempts the files are still being written: about a third of a second. */
const MAX_ATTEMPTS = 20;
/** How many times in a row the same failure is seen before it is believed: a swap of links shows gaps. */
const SIGHTINGS = 5;

/** What {@link readStable} is made of. */
export interface StableReadOptions {
  /** Looks at where the reference leads now. */
  readonly look: () => Promise<Survey>;
  /** Waits that many milliseconds. */
  readonly settle: (settleMs: number) => Promise<void>;
  readonly trim: 'newline' | 'none';
}

/**
 * Reads a reference in one piece: survey, settle, read, survey again. Only when both surveys are the same was
 * nothing written meanwhile, and the content is of one generation; otherwise it tries again.
 *
 * An empty file is taken for a write that has only begun, and waited for.
 *
 * @throws SecretsError `unavailable` when the files never held still, `bad-response` when one stayed empty, and
 * what `look` and `settle` throw
 */
export async function readStable(path: string, { look, settle, trim }: StableReadOptions): Promise<Content> {
  let before = await outcome(look);
  let failure: SecretsError | undefined;
  let sightings = 0;
  let blank: string | undefined;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    await settle(SETTLE_MS);
    const surveyed = before;
    const data = surveyed instanceof SecretsError ? surveyed : await outcome(() => dataOf(surveyed, trim));
    const after = await outcome(look);
    if (data instanceof SecretsError) {
      sightings = data.message === failure?.message ? sightings + 1 : 1;
      failure = data;
      if (sightings === SIGHTINGS) throw failure;
    } else if (data !== undefined) {
      failure = undefined;
      if (isSame(surveyed, after)) {
        blank = blankIn(data);
        if (blank === undefined) return { data, metadata: after.metadata };
      }
      wipe(data);
    }
    before = after;
  }
  throw blank === undefined ? restless(path) : empty(path, blank);
}

/** A failure is an outcome like any other, to be seen again before it counts. */
async function outcome<Result>(attempt: () => Promise<Result>): Promise<Result | SecretsError> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof SecretsError) return error;
    throw error;
  }
}

function isSame(before: Survey | SecretsError, after: Survey | SecretsError): after is Survey {
  if (before instanceof SecretsError || after instanceof SecretsError) return false;
  return before.identity === after.identity;
}

/** The content of what was surveyed; undefined when it is no longer there. */
async function dataOf({ files, isFolder }: Survey, trim: 'newline' | 'none'): Promise<Data | undefined> {
  const fields = new Map<string, Buffer>();
  for (const file of files) {
    const bytes = await bytesOf(file);
    if (bytes === undefined) {
      wipe(fields);
      return undefined;
    }
    fields.set(file.name, trim === 'none' ? bytes : withoutLineEnd(bytes));
  }
  return isFolder ? fields : fields.get('');
}

/**
 * The bytes of the very file that was surveyed; undefined when another stands in its place or it changed size.
 *
 * Opened without following links, so that a link put there meanwhile leads nowhere, and without blocking, so that
 * a pipe does not hang.
 */
async function bytesOf({ realPath, identity, sizeBytes }: SurveyedFile): Promise<Buffer | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(
      realPath,
      constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
    );
    if (identityOf(realPath, await handle.stat({ bigint: true })) !== identity) return undefined;
    return await exactly(handle, sizeBytes);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(errnoOf(error) ?? '')) return undefined;
    throw fileError(error, realPath);
  } finally {
    await handle?.close();
  }
}

/** `sizeBytes` bytes, in memory of their own: a small Buffer would share Node's pool. Undefined when there are fewer. */
async function exactly(handle: FileHandle, sizeBytes: number): Promise<Buffer | undefined> {
  const bytes = Buffer.allocUnsafeSlow(sizeBytes);
  for (let filled = 0; filled < sizeBytes; ) {
    const { bytesRead } = await handle.read(bytes, filled, sizeBytes - filled, filled);
    if (bytesRead === 0) return undefined;
    filled += bytesRead;
  }
  return bytes;
}

function restless(path: string): SecretsError {
  return new SecretsError('unavailable', {
    problem: `The files behind ${path} changed during each of ${MAX_ATTEMPTS} attempts to read them.`,
    remedy: 'Have what writes them write beside them and rename over; it is tried again.',
  });
}

function empty(path: string, name: string): SecretsError {
  return new SecretsError('bad-response', {
    problem:
      name === '' ? `The file behind ${path} is empty.` : `The file ${name} in the folder ${path} is empty.`,
    remedy: 'Check what writes it; an empty file never replaces the value held before.',
  });
}
