import { describe, expect, it } from 'vitest';
import { Bulkhead } from '../../src/resilience/bulkhead.js';
import { until, world } from '../support/world.js';

const { signal } = new AbortController();

/** A call that ends when it is told to. */
function pending() {
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { call: () => ended, end };
}

describe('a bulkhead', () => {
  it('lets so many run at a time, the others in their order', async () => {
    const bulkhead = new Bulkhead(2);
    const begun: number[] = [];
    const calls = [0, 1, 2, 3].map((number) => ({ number, ...pending() }));
    const running = calls.map(({ number, call }) =>
      bulkhead.run(() => {
        begun.push(number);
        return call();
      }, signal),
    );
    await Promise.resolve();
    expect(begun).toEqual([0, 1]);
    calls[1]?.end();
    await running[1];
    await Promise.resolve();
    expect(begun).toEqual([0, 1, 2]);
    for (const { end } of calls) end();
    await Promise.all(running);
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  it('gives a place on when a call fails', async () => {
    const bulkhead = new Bulkhead(1);
    const failed = bulkhead.run(() => Promise.reject(new Error('down')), signal);
    const next = bulkhead.run(async () => 'served', signal);
    await expect(failed).rejects.toThrow('down');
    expect(await next).toBe('served');
  });

  it('lets go of a caller who leaves, and of his turn', async () => {
    const bulkhead = new Bulkhead(1);
    const first = pending();
    const running = bulkhead.run(first.call, signal);
    const leaver = new AbortController();
    const left = bulkhead.run(() => expect.unreachable('he has left'), leaver.signal);
    const gone = bulkhead.run(() => expect.unreachable('he never came'), AbortSignal.abort('gone'));
    const last = bulkhead.run(async () => 'served', signal);
    leaver.abort('left');
    await expect(left).rejects.toBe('left');
    await expect(gone).rejects.toBe('gone');
    first.end();
    await running;
    expect(await last).toBe('served');
    expect(await bulkhead.run(async () => 'free', signal)).toBe('free');
  });

  it('keeps a cold start with a thousand references from being one burst', async () => {
    const { store, secrets, clock } = world({ config: { resilience: { concurrency: 8 } } });
    let [now, most] = [0, 0];
    const { fetch } = store.provider;
    store.provider.fetch = async (ref, options) => {
      most = Math.max(most, ++now);
      try {
        return await fetch(ref, options);
      } finally {
        now--;
      }
    };
    store.latencyMs.fetch = 10;
    for (let number = 0; number < 1_000; number++) store.put(`app-${number}`, 'one');
    const reads = Array.from({ length: 1_000 }, (_, number) => secrets.getSecret(`s:app-${number}`));
    await until(clock, Promise.all(reads));
    expect(most).toBe(8);
  });
});
