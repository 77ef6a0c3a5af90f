import { fakeClock } from '@keyturn/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('the fake clock', () => {
  it('stands still until it is moved, and rings what falls due in between, each at its moment', async () => {
    const clock = fakeClock({ wallMs: 1_000 });
    const rang: [string, number][] = [];
    const ring = (name: string) => () => void rang.push([name, clock.monotonicMs()]);
    clock.arm(30, ring('c'));
    clock.arm(10, ring('a'));
    clock.arm(10, ring('b'));
    clock.arm(10, ring('never')).cancel();
    expect([clock.monotonicMs(), clock.wallMs(), clock.pending]).toEqual([0, 1_000, 3]);
    await clock.advance(29);
    expect(rang).toEqual([
      ['a', 10],
      ['b', 10],
    ]);
    await clock.advance(1);
    expect(rang.at(-1)).toEqual(['c', 30]);
    expect([clock.monotonicMs(), clock.wallMs(), clock.pending]).toEqual([30, 1_030, 0]);
  });

  it('lets what follows an alarm settle, and rings what that arms, before it goes on', async () => {
    const clock = fakeClock();
    const times: number[] = [];
    const sleeper = (async () => {
      for (let turn = 0; turn < 3; turn++) {
        await clock.sleep(10);
        times.push(clock.monotonicMs());
      }
    })();
    await clock.advance(30);
    await sleeper;
    expect(times).toEqual([10, 20, 30]);
  });

  it('F35: frozen, lets time pass and rings only after it, with the overdue at the late hour', async () => {
    const clock = fakeClock();
    const rang: number[] = [];
    clock.arm(10, () => void rang.push(clock.monotonicMs()));
    await clock.freeze(1_000);
    expect(rang).toEqual([1_000]);
  });

  it('F36: moves the wall clock alone', async () => {
    const clock = fakeClock({ wallMs: 5_000 });
    clock.jumpWall(-3_600_000);
    expect([clock.wallMs(), clock.monotonicMs()]).toEqual([5_000 - 3_600_000, 0]);
    await clock.advance(7);
    expect(clock.wallMs()).toBe(5_007 - 3_600_000);
  });

  it('wakes a sleeper whose caller has left, and forgets the alarm', async () => {
    const clock = fakeClock();
    const leaving = new AbortController();
    const asleep = clock.sleep(1_000, { signal: leaving.signal });
    leaving.abort(new Error('enough'));
    await expect(asleep).rejects.toThrow('enough');
    await expect(clock.sleep(1, { signal: leaving.signal })).rejects.toThrow('enough');
    expect(clock.pending).toBe(0);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])(
    'F10: refuses to arm what a host cannot: %d',
    (delayMs) => {
      expect(() => fakeClock().arm(delayMs, () => {})).toThrow(RangeError);
    },
  );

  it('draws the same chance for the same seed, in [0, 1)', () => {
    const draw = (seed: number) => {
      const clock = fakeClock({ seed });
      return Array.from({ length: 50 }, () => clock.random());
    };
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const drawn = draw(seed);
        expect(drawn).toEqual(draw(seed));
        expect(drawn.every((chance) => chance >= 0 && chance < 1)).toBe(true);
        expect(new Set(drawn).size).toBeGreaterThan(40);
      }),
    );
    expect(draw(1)).not.toEqual(draw(2));
  });
});
