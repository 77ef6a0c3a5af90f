import { fakeClock } from '@keyturn/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { steadyClock } from '../../src/time/steady-clock.js';

const HOUR_MS = 3_600_000;

describe('the steady clock', () => {
  it('runs with its host', async () => {
    const host = fakeClock();
    const clock = steadyClock(host);
    await host.advance(1_234);
    expect(clock.monotonicMs()).toBe(1_234);
    expect(clock.wallMs()).toBe(host.wallMs());
  });

  it('F35: counts the time that a host was suspended, when only its wall clock went on', async () => {
    const host = fakeClock();
    const clock = steadyClock(host);
    host.jumpWall(HOUR_MS);
    expect(clock.monotonicMs()).toBe(HOUR_MS);
    await host.advance(1_000);
    expect(clock.monotonicMs()).toBe(HOUR_MS + 1_000);
  });

  it('F36: a wall clock set forward makes things expire early; set back, it changes nothing', () => {
    const host = fakeClock();
    const clock = steadyClock(host);
    host.jumpWall(-HOUR_MS);
    expect(clock.monotonicMs()).toBe(0);
    host.jumpWall(HOUR_MS);
    expect(clock.monotonicMs()).toBe(HOUR_MS);
    host.jumpWall(-HOUR_MS);
    expect(clock.monotonicMs()).toBe(HOUR_MS);
  });

  it('lets small corrections pass, and believes them once they add up', () => {
    const host = fakeClock();
    const clock = steadyClock(host);
    host.jumpWall(4_000);
    expect(clock.monotonicMs()).toBe(0);
    host.jumpWall(4_000);
    expect(clock.monotonicMs()).toBe(8_000);
  });

  it('never goes back, never runs behind the monotonic clock, and ends no later than the wall clock says', async () => {
    const steps = fc.array(
      fc.oneof(
        fc.integer({ min: -2 * HOUR_MS, max: 2 * HOUR_MS }).map((byMs) => ({ jump: byMs })),
        fc.nat(HOUR_MS).map((forMs) => ({ advance: forMs })),
      ),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const host = fakeClock();
        const clock = steadyClock(host);
        let lastMs = clock.monotonicMs();
        let lastWallMs = host.wallMs();
        for (const step of script) {
          if ('jump' in step) host.jumpWall(step.jump);
          else await host.advance(step.advance);
          const nowMs = clock.monotonicMs();
          expect(nowMs).toBeGreaterThanOrEqual(lastMs);
          expect(nowMs).toBeGreaterThanOrEqual(host.monotonicMs());
          expect(nowMs - lastMs).toBeGreaterThanOrEqual(host.wallMs() - lastWallMs - 5_000);
          lastMs = nowMs;
          lastWallMs = host.wallMs();
        }
      }),
      { numRuns: 50 },
    );
  });
});
