import { getEventListeners } from 'node:events';
import { SecretsError } from '@keyturn/core';
import { describe, expect, it } from 'vitest';
import { SingleFlight } from '../../src/concurrency/single-flight.js';
import { codeOf } from '../support/world.js';

/** Calls whose outcome the test decides. */
function calls() {
  const made: { signal: AbortSignal; resolve(value: string): void; reject(error: unknown): void }[] = [];
  const start = (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => made.push({ signal, resolve, reject }));
  return { made, start };
}

describe('single flight', () => {
  it('F24: a thousand callers share one call and its result', async () => {
    const flights = new SingleFlight<string>();
    const { made, start } = calls();
    const results = Array.from({ length: 1_000 }, () => flights.run('a', start));
    expect(made).toHaveLength(1);
    made[0]?.resolve('value');
    expect(new Set(await Promise.all(results))).toEqual(new Set(['value']));
    expect(flights.has('a')).toBe(false);
  });

  it('F24: a failure reaches all of them, and the next caller starts anew', async () => {
    const flights = new SingleFlight<string>();
    const { made, start } = calls();
    const results = Array.from({ length: 10 }, () => flights.run('a', start));
    made[0]?.reject(new Error('down'));
    const outcomes = await Promise.allSettled(results);
    expect(outcomes.every((outcome) => outcome.status === 'rejected')).toBe(true);
    void flights.run('a', start);
    expect(made).toHaveLength(2);
  });

  it('keeps keys apart', () => {
    const flights = new SingleFlight<string>();
    const { made, start } = calls();
    void flights.run('a', start);
    void flights.run('b', start);
    expect(made).toHaveLength(2);
  });

  it('a caller who leaves is told at once; the others are not disturbed', async () => {
    const flights = new SingleFlight<string>();
    const { made, start } = calls();
    const leaver = new AbortController();
    const stays = flights.run('a', start);
    const leaves = flights.run('a', start, leaver.signal);
    leaver.abort();
    expect(await codeOf(leaves)).toBe('aborted');
    expect(made[0]?.signal.aborted).toBe(false);
    made[0]?.resolve('value');
    expect(await stays).toBe('value');
  });

  it('when the last caller leaves, the call is aborted and forgotten', async () => {
    const flights = new SingleFlight<string>();
    const { made, start } = calls();
    const leavers = [new AbortController(), new AbortController()];
    const results = leavers.map(({ signal }) => codeOf(flights.run('a', start, signal)));
    for (const leaver of leavers) leaver.abort();
    expect(await Promise.all(results)).toEqual(['aborted', 'aborted']);
    expect(made[0]?.signal.aborted).toBe(true);
    const next = flights.run('a', start);
    made[0]?.resolve('late');
    made[1]?.resolve('value');
    expect(await next).toBe('value');
  });

  it('a caller who had left before does not start a call', async () => {
    const { made, start } = calls();
    expect(await codeOf(new SingleFlight<string>().run('a', start, AbortSignal.abort()))).toBe('aborted');
    expect(made).toHaveLength(0);
  });

  it('leaves no listener on a caller’s signal', async () => {
    const flights = new SingleFlight<string>();
    const { signal } = new AbortController();
    for (let turn = 0; turn < 20; turn++) await flights.run('a', async () => 'value', signal);
    await new Promise(setImmediate);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('aborts all that is under way, and waits for it to settle', async () => {
    const flights = new SingleFlight<string>();
    const { made, start } = calls();
    const result = codeOf(flights.run('a', start));
    const reason = new SecretsError('closed', { problem: 'p', remedy: 'r' });
    let isOver = false;
    const over = flights.abortAll(reason).then(() => {
      isOver = true;
    });
    await new Promise(setImmediate);
    expect([made[0]?.signal.reason, isOver]).toEqual([reason, false]);
    made[0]?.reject(reason);
    await over;
    expect(await result).toBe('closed');
  });

  it('tells when a call has settled, either way', async () => {
    const flights = new SingleFlight<string>();
    const { made, start } = calls();
    const result = codeOf(flights.run('a', start));
    const settled = flights.settled('a');
    made[0]?.reject(new SecretsError('timeout', { problem: 'p', remedy: 'r' }));
    await settled;
    expect(await result).toBe('timeout');
    await flights.settled('nothing');
  });
});
