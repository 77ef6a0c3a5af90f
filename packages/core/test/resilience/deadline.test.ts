import { getEventListeners } from 'node:events';
import { fakeClock } from '@keyturn/core/testing';
import { describe, expect, it, vi } from 'vitest';
import { withDeadline } from '../../src/resilience/deadline.js';
import { failure } from '../support/store.js';
import { codeOf } from '../support/world.js';

const never = () => new Promise<never>(() => {});

describe('a deadline', () => {
  it('leaves a call that is in time alone, and no timer', async () => {
    const clock = fakeClock();
    expect(await withDeadline(async () => 'value', { limitMs: 1_000, clock })).toBe('value');
    await expect(
      withDeadline(() => Promise.reject(failure('not-found')), { limitMs: 1_000, clock }),
    ).rejects.toThrow('not-found');
    expect(clock.pending).toBe(0);
  });

  it('ends one that hangs, whether or not it heeds its signal, and names the setting', async () => {
    const clock = fakeClock();
    let given: AbortSignal | undefined;
    const late = withDeadline(
      (signal) => {
        given = signal;
        return never();
      },
      { limitMs: 1_000, clock, setting: 'rotation.proofTimeout' },
    );
    const outcome = expect(late).rejects.toThrow(/1000 ms.*rotation\.proofTimeout/);
    await clock.advance(1_000);
    await outcome;
    expect(given?.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('ends with the reason of the caller’s signal', async () => {
    const clock = fakeClock();
    const caller = new AbortController();
    const cut = withDeadline(never, { limitMs: 1_000, clock, signal: caller.signal });
    caller.abort(failure('closed'));
    expect(await codeOf(cut)).toBe('closed');
    expect(clock.pending).toBe(0);
    expect(await codeOf(withDeadline(never, { limitMs: 1, clock, signal: caller.signal }))).toBe('closed');
  });

  it('hands a result that came too late to whoever can let go of it, once', async () => {
    const clock = fakeClock();
    const onLate = vi.fn();
    let answer = (_: string) => {};
    const slow = () => new Promise<string>((resolve) => (answer = resolve));
    const late = codeOf(withDeadline(slow, { limitMs: 1_000, clock, onLate }));
    await clock.advance(1_000);
    expect(await late).toBe('timeout');
    answer('a lease');
    await clock.settle();
    expect(onLate.mock.calls).toEqual([['a lease']]);
  });

  it('swallows a failure that came too late', async () => {
    const clock = fakeClock();
    let fail = (_: Error) => {};
    const late = codeOf(
      withDeadline(() => new Promise((_, reject) => (fail = reject)), { limitMs: 1_000, clock }),
    );
    await clock.advance(1_000);
    fail(new Error('late'));
    expect(await late).toBe('timeout');
    await clock.settle();
  });

  it('F48: holds the process only while a caller waits', async () => {
    const clock = fakeClock();
    const sleep = vi.spyOn(clock, 'sleep');
    await withDeadline(async () => {}, { limitMs: 1, clock });
    await withDeadline(async () => {}, { limitMs: 1, clock, hold: false });
    expect(sleep.mock.calls.map(([, options]) => options?.hold)).toEqual([true, false]);
  });

  it('leaves no listener on a long-lived signal', async () => {
    const clock = fakeClock();
    const { signal } = new AbortController();
    for (let turn = 0; turn < 50; turn++) await withDeadline(async () => {}, { limitMs: 1, clock, signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
