import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Duration, durationMs } from '../../src/time/duration.js';
import { problemOf } from '../support/problem.js';

it.each<[Duration, number]>([
  [0, 0],
  [250, 250],
  ['250ms', 250],
  ['5s', 5_000],
  ['1.5h', 5_400_000],
  ['5m', 300_000],
  ['2d', 172_800_000],
  ['768h', 2_764_800_000],
])('%s is %d ms', (duration, expected) => {
  expect(durationMs(duration, 'cache.ttl')).toBe(expected);
});

it.each([
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '',
  '5',
  'm',
  '5 m',
  '5min',
  '-5s',
  '1e3s',
  '٥m',
  `${'9'.repeat(400)}d`,
  null,
  {},
])('%j is no duration, and the message names the setting', (duration) => {
  const error = problemOf(() => durationMs(duration as Duration, 'cache.ttl'));
  expect(error.code).toBe('invalid-config');
  expect(error.message).toContain('cache.ttl');
});

it('a number with a unit is that many of it', () => {
  const units = fc.constantFrom(...(['ms', 's', 'm', 'h', 'd'] as const));
  const inMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  fc.assert(
    fc.property(fc.nat(100_000), units, (count, unit) => {
      expect(durationMs(`${count}${unit}`, 'x')).toBe(count * inMs[unit]);
    }),
  );
});
