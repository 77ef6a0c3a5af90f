import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { SecretValue } from '../../src/model/secret-value.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The memory that a value is kept in, seen without holding the value. */
const memoryOf = (value: SecretValue) => new Uint8Array(value.single('s:x').buffer);
const text = (memory: Uint8Array) => Buffer.from(memory).toString();

describe('the memory of a value', () => {
  it('is zeroed when nothing holds the value any more', async () => {
    const memory = (() => memoryOf(SecretValue.wrap('correct horse')))();
    await expect
      .poll(() => {
        collectGarbage();
        return text(memory);
      })
      .toBe('\0'.repeat(13));
  });

  it('stays as long as a field of it is held, or what it was given to', async () => {
    const given: Uint8Array[] = [];
    const held = (() => {
      const whole = SecretValue.wrap({ user: 'app', password: 'correct horse' });
      given.push(...whole.plaintexts(new Set()));
      return whole.field('password', 's:x');
    })();
    const other = (() => memoryOf(SecretValue.wrap('battery staple')))();
    await expect
      .poll(() => {
        collectGarbage();
        return text(other);
      })
      .toBe('\0'.repeat(14));
    expect(held.single('s:x').toString()).toBe('correct horse');
    expect(given.map(text)).toEqual(['app', 'correct horse']);
  });

  it('is its own, not a part of what Node shares among small buffers', () => {
    expect(memoryOf(SecretValue.wrap('x')).length).toBe(1);
  });
});
