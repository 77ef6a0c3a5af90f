import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join, normalize, relative } from 'node:path';

/** One file to project. */
export interface ProjectedFile {
  readonly data: string | Uint8Array;
  readonly mode: number;
}

/** What a volume shall hold: content by path relative to it. */
export type Payload = Readonly<Record<string, ProjectedFile>>;

const DATA = '..data';
const NEW_DATA = '..data_tmp';
const MAX_PATH = 4096;
const MAX_NAME = 255;

/**
 * Writes a Kubernetes secret volume as the kubelet does (kubernetes/pkg/volume/util/atomic_writer.go): the payload
 * into a new `..TIMESTAMP` folder, `..data` swung to it by a rename, links that the user sees created and stale
 * ones removed, the previous payload deleted. In that order.
 */
export class AtomicWriter {
  readonly #target: string;

  constructor(target: string) {
    this.#target = target;
    mkdirSync(target, { recursive: true });
  }

  /** Projects `payload`. Returns whether anything had to be written. Throws for an invalid path, touching nothing. */
  write(payload: Payload): boolean {
    const clean = cleaned(payload);
    const old = this.#currentPayload();
    const stale = old === undefined ? new Set<string>() : this.#stalePaths(clean, old);
    const changed = old === undefined || stale.size > 0 || this.#differs(clean, old);
    if (changed) {
      const folder = mkdtempSync(join(this.#target, `..${timestamp()}.`));
      chmodSync(folder, 0o755);
      for (const [path, file] of clean) {
        mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o755 });
        writeFileSync(join(folder, path), file.data, { mode: file.mode });
        chmodSync(join(folder, path), file.mode);
      }
      symlinkSync(relative(this.#target, folder), join(this.#target, NEW_DATA));
      renameSync(join(this.#target, NEW_DATA), join(this.#target, DATA));
    }
    this.#createVisible(clean);
    this.#removeVisible(stale);
    if (changed && old !== undefined) rmSync(join(this.#target, old), { recursive: true, force: true });
    return changed;
  }

  #currentPayload(): string | undefined {
    try {
      return readlinkSync(join(this.#target, DATA));
    } catch {
      return undefined;
    }
  }

  #stalePaths(clean: ReadonlyMap<string, ProjectedFile>, old: string): Set<string> {
    const folder = join(this.#target, old);
    const present = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const wanted = new Set<string>();
    for (const path of clean.keys()) {
      for (let at = path; at !== '.' && at !== ''; at = dirname(at)) wanted.add(at);
    }
    return new Set(present.filter((path) => !wanted.has(path)));
  }

  #differs(clean: ReadonlyMap<string, ProjectedFile>, old: string): boolean {
    return Array.from(clean).some(([path, { data }]) => {
      try {
        return !readFileSync(join(this.#target, old, path)).equals(Buffer.from(data));
      } catch {
        return true;
      }
    });
  }

  #createVisible(clean: ReadonlyMap<string, ProjectedFile>): void {
    for (const path of clean.keys()) {
      const first = path.split('/')[0] as string;
      const visible = join(this.#target, first);
      if (lstatSync(visible, { throwIfNoEntry: false }) === undefined)
        symlinkSync(join(DATA, first), visible);
    }
  }

  /** Only entries of the volume's own folder are links; those below vanished with their payload. */
  #removeVisible(stale: ReadonlySet<string>): void {
    for (const path of stale) {
      if (!path.includes('/')) rmSync(join(this.#target, path), { force: true });
    }
  }
}

function cleaned(payload: Payload): Map<string, ProjectedFile> {
  const clean = new Map<string, ProjectedFile>();
  for (const [path, file] of Object.entries(payload)) {
    const segments = path.split('/');
    if (path === '' || isAbsolute(path) || path.length > MAX_PATH) throw new Error(`invalid path ${path}`);
    if (segments.some((segment) => segment === '..' || segment.length > MAX_NAME)) {
      throw new Error(`invalid path ${path}`);
    }
    if (segments[0]?.startsWith('..')) throw new Error(`reserved path ${path}`);
    clean.set(normalize(path), file);
  }
  return clean;
}

/** As the kubelet names them: 2006_01_02_15_04_05. */
function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replace(/[-T:]/g, '_');
}
