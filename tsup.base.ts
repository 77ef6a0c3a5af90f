import type { Options } from 'tsup';

/** How every package is built: ESM and CJS with declarations, one file for each public entry. */
export function packageConfig(entries: readonly string[], extra: Options = {}): Options {
  return {
    entry: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
    format: ['esm', 'cjs'],
    dts: true,
    clean: true,
    target: 'node20',
    platform: 'node',
    splitting: true,
    sourcemap: true,
    ...extra,
  };
}
