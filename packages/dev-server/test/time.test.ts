import { fakeClock } from '@keyturn/core/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alarmAt } from '../src/time/alarm.js';
import { durationSeconds, goDuration, shortDuration } from '../src/time/go-duration.js';
import { rfc3339, sqlTimestamp } from '../src/time/rfc3339.js';

const YEAR_9999_MS = 253_402_300_799_999;

describe('rfc3339', () => {
  test('names the same moment as Date, with trailing zeros cut', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_135_596_800_000, max: YEAR_9999_MS }), (ms) => {
        const text = rfc3339(ms);
        expect(text).toBe(new Date(ms).toISOString().replace(/\.?0+Z$/, 'Z'));
        expect(sqlTimestamp(ms)).toBe(
          new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('T', ' ').replace('.000Z', '+0000'),
        );
      }),
      { examples: [[0], [951_782_400_000], [1_709_164_800_000], [-1], [1_700_000_000_120]] },
    );
  });
});

describe('durations', () => {
  test.each([
    [90, 90],
    ['90', 90],
    ['1h30m', 5_400],
    ['250ms', 0.25],
    ['1.5h', 5_400],
    ['2d', 172_800],
    ['-5s', -5],
    ['', 0],
  ])('%j is %d s', (text, seconds) => {
    expect(durationSeconds(text)).toBe(seconds);
  });

  test.each(['zz', '5 s', '1x', 's', '1h-5m'])('%s is none', (text) => {
    expect(() => durationSeconds(text)).toThrow(`time: invalid duration "${text}"`);
  });

  test.each([
    [0, '0s', '0s'],
    [9, '9s', '9s'],
    [90, '1m30s', '1m30s'],
    [60, '1m0s', '1m'],
    [3_600, '1h0m0s', '1h'],
    [3_601, '1h0m1s', '1h1s'],
    [2_764_800, '768h0m0s', '768h'],
    [-1, '-1s', '-1s'],
  ])('%d s reads %s and %s', (seconds, full, short) => {
    expect(goDuration(seconds)).toBe(full);
    expect(shortDuration(seconds)).toBe(short);
  });

  test('what is printed reads back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (seconds) => {
        expect(durationSeconds(goDuration(seconds))).toBe(seconds);
        expect(durationSeconds(shortDuration(seconds))).toBe(seconds);
      }),
    );
  });
});

describe('alarmAt', () => {
  test('F10: waits longer than a host timer can, in slices', async () => {
    const clock = fakeClock();
    let rang = 0;
    alarmAt(clock, clock.wallMs() + 40 * 86_400_000, () => {
      rang += 1;
    });
    await clock.advance(40 * 86_400_000 - 1);
    expect(rang).toBe(0);
    await clock.advance(1);
    expect(rang).toBe(1);
    expect(clock.pending).toBe(0);
  });

  test('F36: a wall clock set back does not ring early', async () => {
    const clock = fakeClock();
    let rang = 0;
    alarmAt(clock, clock.wallMs() + 60_000, () => {
      rang += 1;
    });
    clock.jumpWall(-3_600_000);
    await clock.advance(60_000);
    expect(rang).toBe(0);
    await clock.advance(3_600_000);
    expect(rang).toBe(1);
  });

  test('a cancelled one never rings, and leaves no timer', async () => {
    const clock = fakeClock();
    const alarm = alarmAt(clock, clock.wallMs() + 1_000, () => expect.unreachable());
    alarm.cancel();
    await clock.advance(10_000);
    expect(clock.pending).toBe(0);
  });
});
