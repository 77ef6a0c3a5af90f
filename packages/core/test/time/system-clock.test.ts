import { getEventListeners } from 'node:events';
import { systemClock } from '@keyturn/core/provider';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { dateOf } from '../../src/time/system-clock.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

describe('the host’s clock', () => {
  it('tells both times, and draws', () => {
    expect(Math.abs(systemClock.wallMs() - Date.now())).toBeLessThan(1_000);
    expect(systemClock.monotonicMs()).toBeLessThanOrEqual(performance.now());
    expect(systemClock.random()).toBeLessThan(1);
    expect(dateOf(0).toISOString()).toBe('1970-01-01T00:00:00.000Z');
  });

  it('sleeps, and leaves no listener', async () => {
    const { signal } = new AbortController();
    const slept = vi.fn();
    const asleep = systemClock.sleep(1_000, { signal }).then(slept);
    await vi.advanceTimersByTimeAsync(999);
    expect(slept).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await asleep;
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('wakes with the reason as soon as its signal aborts, and leaves no timer', async () => {
    const caller = new AbortController();
    const asleep = systemClock.sleep(1_000, { signal: caller.signal });
    const reason = new Error('enough');
    caller.abort(reason);
    await expect(asleep).rejects.toBe(reason);
    await expect(systemClock.sleep(1_000, { signal: caller.signal })).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('calls back once, unless it is cancelled', async () => {
    const [rang, cancelled] = [vi.fn(), vi.fn()];
    systemClock.arm(1_000, rang);
    systemClock.arm(1_000, cancelled).cancel();
    await vi.advanceTimersByTimeAsync(5_000);
    expect([rang.mock.calls.length, cancelled.mock.calls.length]).toEqual([1, 0]);
  });

  it('F48: holds the process only while a caller waits', () => {
    const armed = vi.spyOn(globalThis, 'setTimeout');
    void systemClock.sleep(1_000);
    void systemClock.sleep(1_000, { hold: true });
    systemClock.arm(1_000, () => {});
    const holds = armed.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef());
    expect(holds).toEqual([false, true, false]);
  });
});
