import { AssertionError } from 'node:assert';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { assertNoLeak, createRedactor } from '../src/index.js';

const canary = 'canary-7f3a9c';

describe('the leak canary', () => {
  test.each([
    ['as it is', `x ${canary}`],
    ['in JSON', JSON.stringify([canary])],
    ['in base64', Buffer.from(`user:${canary}`).toString('base64')],
    ['in bytes', Buffer.from(canary)],
    ['in several texts', ['fine', `x ${canary}`]],
    ['cut in two texts', [canary.slice(0, 5), canary.slice(5)]],
  ])('finds a value %s, and does not print it', (_, output) => {
    let thrown: unknown;
    try {
      assertNoLeak(output, [canary]);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(AssertionError);
    expect(String((thrown as Error).stack)).toContain('values[0]');
    expect(String((thrown as Error).stack)).not.toContain(canary);
  });

  test('names the reference that a redactor knows', () => {
    const redactor = createRedactor();
    redactor.add(canary, 'vault:db');
    expect(() => assertNoLeak(`at ${canary}`, redactor)).toThrow(
      'A secret leaked: vault:db shows in the output at byte 3',
    );
    expect(() => assertNoLeak(redactor.redact(`at ${canary}`), redactor)).not.toThrow();
  });

  test('takes a stream', async () => {
    await expect(assertNoLeak(Readable.from(['a cana', 'ry-7f3a9c']), [canary])).rejects.toThrow(
      'A secret leaked',
    );
    await expect(assertNoLeak(Readable.from(['a cana', 'ry']), [canary])).resolves.toBeUndefined();
  });

  test('lets pass what only looks like a secret', () => {
    expect(() => assertNoLeak('{"password":"of somebody else"}', [canary])).not.toThrow();
  });

  test('refuses a value that it could not find', () => {
    expect(() => assertNoLeak('x', ['abc'])).toThrow(expect.objectContaining({ code: 'invalid-value' }));
  });
});
