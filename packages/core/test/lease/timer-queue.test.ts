import { fakeClock } from '@keyturn/core/testing';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type Task, TimerQueue } from '../../src/lease/timer-queue.js';
import { steadyClock } from '../../src/time/steady-clock.js';

const HOUR_MS = 3_600_000;

describe('the timer queue', () => {
  it('runs tasks in order of time, at their time', async () => {
    const clock = fakeClock();
    const queue = new TimerQueue(clock);
    const ran: [string, number][] = [];
    for (const [name, atMs] of [
      ['c', 3_000],
      ['a', 1_000],
      ['b', 2_000],
    ] as const) {
      queue.schedule(atMs, () => ran.push([name, clock.monotonicMs()]));
    }
    await clock.advance(5_000);
    expect(ran).toEqual([
      ['a', 1_000],
      ['b', 2_000],
      ['c', 3_000],
    ]);
  });

  it('F10: waits 768 hours without overflowing a timer', async () => {
    const clock = fakeClock();
    const arm = vi.spyOn(clock, 'arm');
    const queue = new TimerQueue(clock);
    let ranMs = 0;
    queue.schedule(768 * HOUR_MS, () => {
      ranMs = clock.monotonicMs();
    });
    await clock.advance(768 * HOUR_MS);
    expect(ranMs).toBe(768 * HOUR_MS);
    expect(Math.max(...arm.mock.calls.map(([delayMs]) => delayMs))).toBe(60_000);
  });

  it('ten thousand tasks cost one host timer, and an idle queue none', async () => {
    const clock = fakeClock();
    const queue = new TimerQueue(clock);
    const tasks = Array.from({ length: 10_000 }, (_, number) => queue.schedule(1_000 + number, () => {}));
    expect([queue.size, clock.pending]).toEqual([10_000, 1]);
    for (const task of tasks) queue.cancel(task);
    expect([queue.size, clock.pending]).toEqual([0, 0]);
  });

  it('cancelling twice, or after it ran, is harmless', async () => {
    const clock = fakeClock();
    const queue = new TimerQueue(clock);
    const ran: string[] = [];
    const [a, b] = ['a', 'b'].map((name) => queue.schedule(1_000, () => ran.push(name))) as [Task, Task];
    queue.cancel(a);
    queue.cancel(a);
    await clock.advance(1_000);
    queue.cancel(b);
    queue.cancel(undefined);
    expect(ran).toEqual(['b']);
    expect([queue.has(a), queue.has(b)]).toEqual([false, false]);
  });

  it('a task may schedule and cancel others, those that are due with it included', async () => {
    const clock = fakeClock();
    const queue = new TimerQueue(clock);
    const ran: string[] = [];
    const victim = queue.schedule(1_001, () => ran.push('victim'));
    queue.schedule(1_000, () => {
      queue.cancel(victim);
      queue.schedule(500, () => ran.push('overdue'));
      queue.schedule(2_000, () => ran.push('later'));
    });
    await clock.freeze(1_500);
    expect(ran).toEqual(['overdue']);
    await clock.advance(500);
    expect(ran).toEqual(['overdue', 'later']);
  });

  it('F37: after the event loop was blocked, what is overdue runs in order', async () => {
    const clock = fakeClock();
    const queue = new TimerQueue(clock);
    const ran: number[] = [];
    for (const atMs of [30_000, 10_000, 20_000, 90_000]) queue.schedule(atMs, () => ran.push(atMs));
    await clock.freeze(HOUR_MS);
    expect(ran).toEqual([10_000, 20_000, 30_000, 90_000]);
  });

  it('F35: notices within a minute that the host was suspended', async () => {
    const host = fakeClock();
    const queue = new TimerQueue(steadyClock(host));
    let ran = false;
    queue.schedule(HOUR_MS, () => {
      ran = true;
    });
    host.jumpWall(2 * HOUR_MS);
    await host.advance(60_000);
    expect(ran).toBe(true);
  });

  it('F48: drops everything when it is closed, and takes nothing more', async () => {
    const clock = fakeClock();
    const queue = new TimerQueue(clock);
    const ran = vi.fn();
    const task = queue.schedule(1_000, ran);
    queue.close();
    queue.schedule(1_000, ran);
    await clock.advance(HOUR_MS);
    expect([ran.mock.calls.length, clock.pending, queue.has(task)]).toEqual([0, 0, false]);
  });

  it('does what a sorted list would do, cancels and all, with one timer at most', async () => {
    const steps = fc.oneof(
      { weight: 4, arbitrary: fc.nat(200_000).map((inMs) => ({ inMs })) },
      { weight: 2, arbitrary: fc.nat(1_000).map((cancel) => ({ cancel })) },
      { weight: 1, arbitrary: fc.nat(90_000).map((advance) => ({ advance })) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 80 }), async (script) => {
        const clock = fakeClock();
        const queue = new TimerQueue(clock);
        const ran: number[] = [];
        const tasks: Task[] = [];
        let list: { readonly id: number; readonly atMs: number }[] = [];
        const expected: number[] = [];
        for (const step of [...script, { advance: 300_000 }]) {
          if ('inMs' in step) {
            const id = tasks.length;
            const atMs = clock.monotonicMs() + step.inMs;
            tasks.push(queue.schedule(atMs, () => ran.push(atMs)));
            list.push({ id, atMs });
          } else if ('cancel' in step) {
            const id = step.cancel % Math.max(1, tasks.length);
            queue.cancel(tasks[id]);
            list = list.filter((task) => task.id !== id);
          } else {
            await clock.advance(step.advance);
            const due = list.filter((task) => task.atMs <= clock.monotonicMs());
            expected.push(...due.map((task) => task.atMs).sort((a, b) => a - b));
            list = list.filter((task) => !due.includes(task));
          }
          expect(queue.size).toBe(list.length);
          expect(clock.pending).toBe(list.length > 0 ? 1 : 0);
        }
        expect(ran).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});
