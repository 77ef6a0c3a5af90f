import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Data } from '../src/content.js';
import { createVersioner } from '../src/versioner.js';

const versionOf = createVersioner();

const data: fc.Arbitrary<Data> = fc.oneof(
  fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
  fc
    .dictionary(fc.string({ maxLength: 3 }), fc.uint8Array({ maxLength: 4 }), { maxKeys: 3 })
    .map((fields) => new Map(Object.entries(fields).map(([name, bytes]) => [name, Buffer.from(bytes)]))),
);

test('the version is equal exactly for equal data', async () => {
  await fc.assert(
    fc.asyncProperty(data, data, async (one, other) => {
      const equal = (await versionOf(one)) === (await versionOf(other));
      expect(equal).toBe(shapeOf(one) === shapeOf(other));
    }),
    { numRuns: 2_000 },
  );
});

test('the version tells apart fields whose bytes run together', async () => {
  const fields = (entries: Record<string, string>): Data =>
    new Map(Object.entries(entries).map(([name, text]) => [name, Buffer.from(text)]));
  const versions = await Promise.all(
    [
      fields({ a: 'bc', d: 'e' }),
      fields({ ab: 'c', d: 'e' }),
      fields({ a: 'b', cd: 'e' }),
      fields({ a: 'bcde' }),
      Buffer.from('abcde'),
      Buffer.from('fields:1:a4:bcde'),
    ].map(versionOf),
  );
  expect(new Set(versions).size).toBe(versions.length);
});

test('F49: the version cannot be computed without the key', async () => {
  const version = await versionOf(Buffer.from('hunter2'));
  expect(version).toMatch(/^[0-9a-f]{24}$/);
  expect(await createVersioner()(Buffer.from('hunter2'))).not.toBe(version);
  for (const hashed of ['hunter2', '7:hunter2']) {
    expect(createHash('sha256').update(hashed).digest('hex')).not.toContain(version);
  }
});

function shapeOf(data: Data): string {
  if (!(data instanceof Map)) return `single ${data.toString('hex')}`;
  return JSON.stringify(Array.from(data, ([name, bytes]) => [name, bytes.toString('hex')]));
}
