import { spawnSync } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fakeClock } from '@keyturn/core/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { createRedactor, guardStdio, type Redactor } from '../src/index.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const entry = pathToFileURL(fileURLToPath(new URL('../src/index.ts', import.meta.url))).href;

/** Runs a script in a process of its own in which stdout and stderr are guarded. */
function run(script: string): { stdout: string; stderr: string } {
  const source = `
    import { createRedactor, guardStdio } from ${JSON.stringify(entry)};
    const redactor = createRedactor({ onHit: ({ ref, sink }) => hits.push(ref + '@' + sink) });
    const hits = [];
    redactor.add('the-database-password', 'vault:db');
    const undo = guardStdio(redactor);
    ${script}`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', source],
    { cwd: root, encoding: 'utf8' },
  );
  return { stdout, stderr };
}

describe('guarded stdout and stderr', () => {
  test('console, write and inspect are masked', () => {
    const { stdout, stderr } = run(`
      console.log('one', { password: 'the-database-password' });
      process.stdout.write(Buffer.from('two the-database-pass'));
      process.stdout.write('word\\n', 'utf8', () => process.stdout.write('called back\\n'));
      console.error(new Error('three the-database-password'));
    `);
    expect(stdout).toBe("one { password: '[REDACTED]' }\ntwo [REDACTED]\ncalled back\n");
    expect(stderr).toMatch(/^Error: three \[REDACTED\]\n/);
    expect(stdout + stderr).not.toContain('the-database-password');
  });

  test('what is held back comes out when the process ends by itself or by exit', () => {
    expect(run("process.stdout.write('no line end: the-database-password')").stdout).toBe(
      'no line end: [REDACTED]',
    );
    expect(run("process.stdout.write('no line end'); process.exit(3)").stdout).toBe('no line end');
  });

  test('after the undo everything passes, and the hit was reported', () => {
    const { stdout } = run(`
      console.log('the-database-password');
      undo();
      undo();
      console.log('the-database-password', JSON.stringify(hits));
    `);
    expect(stdout).toBe('[REDACTED]\nthe-database-password ["vault:db@stdout"]\n');
  });

  test('a listener that logs the value does not recurse', () => {
    const { stdout } = run(`
      const noisy = createRedactor({ onHit: () => console.log('leak of the-database-password') });
      noisy.add('the-database-password', 'vault:db');
      undo();
      guardStdio(noisy);
      console.log('the-database-password');
    `);
    expect(stdout.split('\n').sort()).toEqual(['', '[REDACTED]', 'leak of [REDACTED]']);
  });
});

describe('the guard in this process', () => {
  const original = process.stdout.write;
  afterEach(() => {
    process.stdout.write = original;
  });

  test('a prompt comes out after the idle time; a wrapper put over it stays', async () => {
    const clock = fakeClock();
    const redactor = createRedactor({ clock });
    const written: string[] = [];
    process.stdout.write = ((chunk: Uint8Array) =>
      written.push(Buffer.from(chunk).toString()) > 0) as typeof original;
    const undo = guardStdio(redactor, { idleMs: 20 });
    const guarded = process.stdout.write;
    process.stdout.write('Name: ');
    expect(written).toEqual([]);
    await clock.advance(40);
    expect(written).toEqual(['Name: ']);
    const wrapper: typeof original = (...args: unknown[]) => Reflect.apply(guarded, process.stdout, args);
    process.stdout.write = wrapper;
    undo();
    expect(process.stdout.write).toBe(wrapper);
    process.stdout.write('through\n');
    expect(written).toEqual(['Name: ', 'through\n']);
    expect(clock.pending).toBe(0);
  });

  test('something that only looks like a redactor is refused', () => {
    expect(() => guardStdio({ redact: (text: string) => text } as Redactor)).toThrow(
      expect.objectContaining({ code: 'invalid-config' }),
    );
  });
});
