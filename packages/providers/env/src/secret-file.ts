import { isUtf8 } from 'node:buffer';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type ErrorCode, SecretsError } from '@keyturn/core/provider';

/** The most that a file may hold, in bytes. */
const MAX_BYTES = 1_048_576;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const WHITESPACE = new Set([0x09, LINE_FEED, CARRIAGE_RETURN]);
const DELETE = 0x7f;

/**
 * The content of the file that the variable `setting` names. A file of one line of text loses its line end, as
 * with the shell's `$(cat file)`; several lines and bytes that are not text stay as they are.
 *
 * @throws SecretsError that names `setting`: `not-found`, `permission-denied`, `bad-response` when the file is
 * empty, larger than 1 MiB or not a regular file, `unavailable` for what else fails
 */
export async function readSecretFile(
  path: string,
  setting: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  let handle: FileHandle | undefined;
  try {
    // Without blocking, so that a pipe does not hang.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const status = await handle.stat();
    if (!status.isFile()) throw failure('bad-response', setting, 'is not a regular file');
    if (status.size > MAX_BYTES) throw failure('bad-response', setting, 'is larger than 1 MiB');
    const bytes = withoutLineEnd(await handle.readFile({ signal }));
    if (bytes.length === 0) throw failure('bad-response', setting, 'is empty');
    return bytes;
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof SecretsError ? error : failureOf(error, setting);
  } finally {
    await handle?.close();
  }
}

function withoutLineEnd(bytes: Buffer): Buffer {
  const end = bytes.length - 1;
  if (bytes[end] !== LINE_FEED || bytes.indexOf(LINE_FEED) !== end || !isText(bytes)) return bytes;
  return bytes.subarray(0, bytes.at(-2) === CARRIAGE_RETURN ? end - 1 : end);
}

/** Valid UTF-8 without control characters: a key of raw bytes may end in 0x0a by chance, and must not lose it. */
function isText(bytes: Buffer): boolean {
  return isUtf8(bytes) && !bytes.some((byte) => (byte < 0x20 && !WHITESPACE.has(byte)) || byte === DELETE);
}

const MISSING = new Set<unknown>(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);
const DENIED = new Set<unknown>(['EACCES', 'EPERM']);

function failureOf(error: unknown, setting: string): SecretsError {
  const errno = error instanceof Error && 'code' in error ? error.code : undefined;
  if (MISSING.has(errno)) return failure('not-found', setting, 'does not exist', error);
  if (DENIED.has(errno))
    return failure('permission-denied', setting, 'may not be read by this process', error);
  return failure('unavailable', setting, 'could not be read', error);
}

/** Names the variable and not the path: somebody will put the secret itself into `NAME_FILE`. */
function failure(code: ErrorCode, setting: string, problem: string, cause?: unknown): SecretsError {
  return new SecretsError(code, {
    problem: `The file that ${setting} names ${problem}.`,
    remedy: `${setting} must hold the path of a file, not its content: check it and what is mounted there.`,
    cause,
  });
}
