import { lstat, readdir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { SecretsError } from '@keyturn/core/provider';
import { fileError } from './file-error.js';

/** Where a reference leads at one moment, without its content. */
export interface Survey {
  /** The files behind it: one without a name, or those of a folder, by name. */
  readonly files: readonly SurveyedFile[];
  readonly isFolder: boolean;
  /** Equal for two surveys when nothing was written, replaced, added or removed between them. */
  readonly identity: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface SurveyedFile {
  /** The field that it becomes; empty for a single file. */
  readonly name: string;
  /** Without links. */
  readonly realPath: string;
  /** Of this very file and this state of it. */
  readonly identity: string;
  readonly sizeBytes: number;
}

/** What of a file's status tells whether it is the same file in the same state. */
interface FileStatus {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/**
 * Looks at what `root/path` is right now: a regular file, or the regular files in a folder.
 *
 * A folder that is a Kubernetes volume is entered through its `..data` link, which is resolved once, so that all
 * its files are of one generation even when the link moves meanwhile.
 *
 * @throws SecretsError `not-found`; `permission-denied` also for a link that leads out of the root;
 * `bad-response` for what is neither file nor folder, or larger than `maxBytes`
 */
export async function survey(root: string, path: string, maxBytes: number): Promise<Survey> {
  const home = await realPathOf(root, `${root} (the setting root)`);
  const shown = join(root, path);
  const target = await resolved(shown, home);
  const status = await statusOf(target, shown);
  const isFolder = status.isDirectory();
  if (!isFolder && !status.isFile()) throw neither(shown);
  const files = isFolder
    ? await filesIn(await generationOf(target, shown, home), shown, home)
    : [surveyed('', target, status)];

  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (sizeBytes > maxBytes) throw tooLarge(shown, sizeBytes, maxBytes);
  const generation = files[0] && payloadFolder(home, files[0].realPath);
  return {
    files,
    isFolder,
    identity: [isFolder, ...files.map((file) => `${file.name}\0${file.identity}`)].join('\n'),
    metadata: { path: shown, ...(generation === undefined ? {} : { generation }) },
  };
}

/** Whether `inner` is `outer` or lies below it; both without links. */
export function isWithin(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
}

/** The folder of one generation of a Kubernetes volume that `realPath` lies in: the first segment that begins with two dots. */
export function payloadFolder(home: string, realPath: string): string | undefined {
  return relative(home, realPath)
    .split(sep)
    .find((segment) => segment.startsWith('..'));
}

/** Identity of one file in one state. The time of its last status change is part of it: it cannot be set back. */
export function identityOf(realPath: string, { dev, ino, size, mtimeNs, ctimeNs }: FileStatus): string {
  return [realPath, dev, ino, size, mtimeNs, ctimeNs].join(':');
}

async function generationOf(folder: string, shown: string, home: string): Promise<string> {
  const link = join(folder, '..data');
  const isVolume = await lstat(link).then(
    () => true,
    () => false,
  );
  return isVolume ? resolved(link, home, join(shown, '..data')) : folder;
}

async function filesIn(folder: string, shown: string, home: string): Promise<SurveyedFile[]> {
  const names = await readdir(folder).catch((error) => {
    throw fileError(error, shown);
  });
  const files: SurveyedFile[] = [];
  for (const name of names.filter((name) => !name.startsWith('..')).sort()) {
    const realPath = await resolved(join(folder, name), home, join(shown, name));
    const status = await statusOf(realPath, join(shown, name));
    if (status.isFile()) files.push(surveyed(name, realPath, status));
  }
  if (files.length > 0) return files;
  throw new SecretsError('not-found', {
    problem: `The folder ${shown} has no files.`,
    remedy: 'Check that its volume is mounted and has items; folders inside it have references of their own.',
  });
}

function surveyed(name: string, realPath: string, status: FileStatus): SurveyedFile {
  return { name, realPath, identity: identityOf(realPath, status), sizeBytes: Number(status.size) };
}

/** The path without links, which must not lead out of `home`. */
async function resolved(path: string, home: string, shown = path): Promise<string> {
  const realPath = await realPathOf(path, shown);
  if (isWithin(home, realPath)) return realPath;
  throw new SecretsError('permission-denied', {
    problem: `${shown} is a link that leads out of the setting root.`,
    remedy: 'Set root to a folder that holds both the link and its target, or mount the target below root.',
  });
}

function realPathOf(path: string, shown: string): Promise<string> {
  return realpath(path).catch((error) => {
    throw fileError(error, shown);
  });
}

function statusOf(realPath: string, shown: string) {
  return lstat(realPath, { bigint: true }).catch((error) => {
    throw fileError(error, shown);
  });
}

function neither(shown: string): SecretsError {
  return new SecretsError('bad-response', {
    problem: `${shown} is neither a regular file nor a folder.`,
    remedy: 'Pipes, sockets and devices are not read: point the reference at a regular file.',
  });
}

function tooLarge(shown: string, sizeBytes: number, maxBytes: number): SecretsError {
  return new SecretsError('bad-response', {
    problem: `${shown} has ${sizeBytes} bytes, and the setting maxBytes allows ${maxBytes}.`,
    remedy: 'Check that the reference names a secret, or raise maxBytes.',
  });
}
