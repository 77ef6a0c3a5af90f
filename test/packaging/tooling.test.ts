import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { brokenRulesOf } from '../../scripts/tooling/source-rules.mjs';
import { closingLine, skippedFiles, tally } from '../../scripts/tooling/test-report.mjs';
import { rootDir, workspacePackages } from '../../scripts/tooling/workspace-packages.mjs';
import { readmeExamples } from './readme-example.js';

describe('the rules on sources', () => {
  const core = 'packages/core/src/resolver.ts';

  test.each([
    ['setTimeout(run, 5);', 'setTimeout'],
    ['const now = Date.now();', 'Date'],
    ['const when = new Date(0);', 'Date'],
    ['globalThis.setInterval(run, 5);', 'globalThis.setInterval'],
    ["globalThis['setTimeout'](run, 5);", 'globalThis.setTimeout'],
    ['const later = { setTimeout };', 'setTimeout'],
    ['const chance = Math.random();', 'Math.random'],
    ['const signal = AbortSignal.timeout(5);', 'AbortSignal.timeout'],
    ["import { setTimeout as sleep } from 'node:timers/promises';", 'node:timers/promises'],
    ["export { performance } from 'perf_hooks';", 'perf_hooks'],
    ["const timers = await import('timers');", 'timers'],
    ['const at = process.hrtime.bigint();', 'process.hrtime'],
  ])('%s names %s', (code, name) => {
    expect(brokenRulesOf(core, code).join()).toContain(`${core}:1: names ${name}`);
    expect(brokenRulesOf('packages/providers/vault/src/vault.ts', code)).not.toEqual([]);
    expect(brokenRulesOf('packages/core/src/time/system-clock.ts', code)).toEqual([]);
  });

  test.each([
    '/** Like setTimeout, but Date is wrong. */ const text = "performance";',
    'const clock = { performance: 1 }; clock.performance;',
    'interface Facts { readonly Date: string }',
    'clearTimeout(timer);',
  ])('%s names no host time', (code) => {
    expect(brokenRulesOf(core, code)).toEqual([]);
  });

  test('only what is for tests may wait for promises', () => {
    expect(brokenRulesOf('packages/core/src/testing/fake-clock.ts', 'setImmediate(run);')).toEqual([]);
    expect(brokenRulesOf(core, 'setImmediate(run);')).toHaveLength(1);
  });

  test('the core unwraps nothing', () => {
    for (const code of [
      'secret.reveal();',
      'const take = secret.revealFields;',
      "secret['revealBytes']();",
    ]) {
      expect(brokenRulesOf(core, code)).toHaveLength(1);
      expect(brokenRulesOf('packages/integrations/pg/src/pool.ts', code)).toEqual([]);
      expect(brokenRulesOf('packages/core/src/testing/leak-probe.ts', code)).toEqual([]);
    }
  });

  test('only lease/ arms a timer', () => {
    expect(brokenRulesOf(core, 'clock.arm(5, run);')).toHaveLength(1);
    expect(brokenRulesOf('packages/core/src/lease/timer-queue.ts', 'clock.arm(5, run);')).toEqual([]);
  });
});

describe('the closing line of the tests', () => {
  const file = (status: string, ...statuses: string[]) => ({
    name: '/root/a.test.ts',
    status,
    message: 'it broke',
    assertionResults: statuses.map((one) => ({ status: one })),
  });

  test('counts tests', () => {
    const report = { testResults: [file('failed', 'passed', 'failed', 'skipped'), file('passed', 'passed')] };
    expect(closingLine(tally(report, 1))).toBe('2 passed, 1 failed, 1 skipped');
    expect(closingLine(tally({ testResults: [file('passed', 'passed')] }, 0))).toBe('1 passed, 0 failed');
  });

  test('counts a file that could not run, with a reason', () => {
    const counts = tally({ testResults: [file('passed', 'passed'), file('failed', 'skipped')] }, 1);
    expect(counts).toMatchObject({ passed: 1, failed: 1, skipped: 1 });
    expect(counts.problems).toEqual(['/root/a.test.ts could not run: it broke']);
  });

  test.each([
    ['there is no report', undefined, 0],
    ['no test ran', { testResults: [] }, 0],
    ['all were skipped', { testResults: [file('passed', 'skipped')] }, 0],
    ['the run ended badly', { testResults: [file('passed', 'passed')] }, 1],
  ])('fails when %s', (_, report, exitCode) => {
    const counts = tally(report, exitCode);
    expect(counts.failed).toBe(1);
    expect(counts.problems).toHaveLength(1);
  });

  test('says why a file was skipped', () => {
    const report = { testResults: [file('passed', 'passed', 'skipped'), file('passed', 'passed')] };
    expect(skippedFiles(report, '/root/a.test.ts\tno server\n', '/root')).toEqual([
      'skipped: 1 of a.test.ts: no server',
    ]);
    expect(skippedFiles(report, '', '/root')).toEqual(['skipped: 1 of a.test.ts: by the test itself']);
  });
});

describe('the examples of a README', () => {
  const fence = (language: string, code: string) => `\`\`\`${language}\n${code}\n\`\`\`\n`;

  test('are its first block of code, and those with a comment', () => {
    const text = [
      fence('sh', 'npm install'),
      '<!-- example: needs postgres openbao -->',
      fence('js', 'first();'),
      fence('ts', 'fragment;'),
      '<!-- example -->\n',
      fence('ts', 'second();'),
      fence('js title', 'third();'),
    ].join('\n');
    expect(readmeExamples(text)).toEqual([
      { language: 'js', needs: ['postgres', 'openbao'], code: 'first();', line: 6 },
      { language: 'ts', needs: [], code: 'second();', line: 16 },
    ]);
  });

  test('may not need what there is no server for', () => {
    const text = `<!-- example: needs oracle -->\n${fence('js', '')}`;
    expect(() => readmeExamples(text)).toThrow('needs oracle');
    expect(() => readmeExamples('```js\nnever ends')).toThrow('does not end');
  });
});

test('packages are built after what they need', () => {
  const names = workspacePackages().map(({ name }) => name);
  for (const { name, needs } of workspacePackages()) {
    for (const needed of needs) expect(names.indexOf(needed)).toBeLessThan(names.indexOf(name));
  }
});

test('two setups at once take turns, and a lock left by a dead process does not block', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-turns-'));
  const log = join(folder, 'log');
  const name = `test-${process.pid}`;
  const module = JSON.stringify(join(rootDir, 'scripts/tooling/exclusively.mjs'));
  const script = (work: string) => `
    import { appendFileSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { exclusively } from ${module};
    await exclusively(${JSON.stringify(name)}, async () => { ${work} });`;
  const start = (work: string) =>
    new Promise((resolve) =>
      spawn(process.execPath, ['--input-type=module', '-e', script(work)], { stdio: 'ignore' }).on(
        'close',
        resolve,
      ),
    );
  writeFileSync(log, '');
  await start('process.kill(process.pid, "SIGKILL");');
  const turn = `appendFileSync(${JSON.stringify(log)}, 'in ');
    await sleep(100);
    appendFileSync(${JSON.stringify(log)}, 'out ');`;
  expect(await Promise.all([1, 2, 3].map(() => start(turn)))).toEqual([0, 0, 0]);
  expect(readFileSync(log, 'utf8')).toBe('in out in out in out ');
  rmSync(folder, { recursive: true });
});
