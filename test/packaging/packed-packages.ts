import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from '../../scripts/build.mjs';
import { exclusively } from '../../scripts/tooling/exclusively.mjs';
import { inParallel } from '../../scripts/tooling/in-parallel.mjs';
import { staleBuilds } from '../../scripts/tooling/stale-builds.mjs';
import {
  rootDir,
  type WorkspacePackage,
  workspacePackages,
} from '../../scripts/tooling/workspace-packages.mjs';

const run = promisify(execFile);

/** What users get: the packages as `npm pack` makes them, installed without a registry. */
export interface PackedPackages {
  readonly packages: readonly WorkspacePackage[];
  /** Names of the files in a package's tarball. */
  files(name: string): readonly string[];
  /**
   * A fresh folder whose node_modules holds a package from its tarball and nothing but what it declares: its
   * dependencies and peers. What it imports without declaring it cannot be found there.
   */
  installAlone(name: string): string;
  /** A fresh folder with all packages and every dependency and peer of theirs. */
  installAll(): string;
  /** Adds packages from this repository's own node_modules to such a folder. */
  link(folder: string, names: readonly string[]): void;
  remove(): void;
}

/** Packs all packages, after building those whose sources are newer than their build. */
export async function packPackages(): Promise<PackedPackages> {
  await exclusively('setup', () => build(staleBuilds()));
  const packages = workspacePackages();
  const baseDir = mkdtempSync(join(tmpdir(), 'keyturn-packed-'));
  const contents = new Map<string, readonly string[]>();
  const extracted = new Map<string, string>();

  await inParallel(packages, async ({ name, dir }) => {
    const target = join(baseDir, 'packed', name);
    mkdirSync(target, { recursive: true });
    const { stdout } = await run(
      'npm',
      ['pack', '--json', '--ignore-scripts', `--pack-destination=${target}`],
      {
        cwd: dir,
      },
    );
    const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
    await run('tar', ['-xzf', packed.filename], { cwd: target });
    contents.set(
      name,
      packed.files.map(({ path }) => path),
    );
    extracted.set(name, join(target, 'package'));
  });

  let folders = 0;
  const install = (roots: readonly WorkspacePackage[]): string => {
    folders += 1;
    const top = join(baseDir, `folder-${folders}`, 'node_modules');
    const placed = new Set<string>();
    const place = (name: string, into: string) => {
      const ours = packages.find((one) => one.name === name);
      const target = join(ours === undefined ? into : top, name);
      if (placed.has(target)) return;
      placed.add(target);
      mkdirSync(dirname(target), { recursive: true });
      if (ours === undefined) {
        symlinkSync(join(rootDir, 'node_modules', name), target);
        return;
      }
      cpSync(extracted.get(name) ?? '', target, { recursive: true });
      for (const peer of Object.keys(ours.manifest.peerDependencies ?? {})) place(peer, top);
      // Beside itself alone, so that no other package can import it without declaring it.
      for (const own of Object.keys(ours.manifest.dependencies ?? {}))
        place(own, join(target, 'node_modules'));
    };
    for (const { name } of roots) place(name, top);
    return dirname(top);
  };

  return {
    packages,
    files: (name) => contents.get(name) ?? [],
    installAlone: (name) => install(packages.filter((one) => one.name === name)),
    installAll: () => install(packages),
    link(folder, names) {
      for (const name of names) {
        const target = join(folder, 'node_modules', name);
        mkdirSync(dirname(target), { recursive: true });
        if (!existsSync(target)) symlinkSync(join(rootDir, 'node_modules', name), target);
      }
    },
    remove: () => rmSync(baseDir, { recursive: true, force: true }),
  };
}
