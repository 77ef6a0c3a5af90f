import { spawnSync } from 'node:child_process';
import { medians, report } from './harness.js';

/*
 * Question: what does importing each package cost a process that starts?
 * Floor: an empty process. Budget: 10 ms for the core; no SDK or driver is loaded before its first use.
 */

/** Milliseconds that a process takes which does nothing but `script`. */
function startMs(script: string): number {
  const beganMs = performance.now();
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  if (status !== 0) throw new Error(`node -e "${script}" failed; run npm run build first`);
  return performance.now() - beganMs;
}

const took = await medians(21, {
  empty: () => startMs(''),
  '@keyturn/core': () => startMs("import '@keyturn/core'"),
  '@keyturn/core/provider': () => startMs("import '@keyturn/core/provider'"),
  '@keyturn/vault': () => startMs("import '@keyturn/vault'"),
  '@keyturn/mounted-files': () => startMs("import '@keyturn/mounted-files'"),
  '@keyturn/env': () => startMs("import '@keyturn/env'"),
  '@keyturn/redact': () => startMs("import '@keyturn/redact'"),
  pg: () => startMs("import 'pg'"),
  '@keyturn/pg (with pg)': () => startMs("import '@keyturn/pg'"),
});

report('import-cost', 'how much longer does a process take that imports …?', [
  { name: 'empty process', value: took.empty, unit: 'ms' },
  ...Object.entries(took)
    .filter(([name]) => name !== 'empty')
    .map(([name, value]) => ({
      name,
      value: value - took.empty,
      unit: 'ms more',
      ...(name === '@keyturn/core' ? { budget: { atMost: 10 } } : {}),
    })),
]);
