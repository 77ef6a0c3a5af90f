import { type ErrorCode, isSecretsError } from '@keyturn/core';
import { type FakeClock, fakeClock } from '@keyturn/core/testing';
import fc from 'fast-check';
// The breaker imports it at its first call, which must not take time of its own here.
import 'opossum';
import { describe, expect, it } from 'vitest';
import { ERROR_POLICY } from '../../src/errors/error-policy.js';
import { Breaker, type BreakerState } from '../../src/resilience/breaker.js';
import { failure } from '../support/store.js';

const POLICY = { minCalls: 5, failurePercent: 50, windowMs: 10_000, resetAfterMs: 5_000 };

interface Bench {
  readonly clock: FakeClock;
  readonly states: BreakerState[];
  readonly calls: number[];
  /** Calls through the breaker; the outcome is what the caller sees. */
  run(outcome: 'ok' | ErrorCode): Promise<'ok' | ErrorCode>;
}

function bench(): Bench {
  const clock = fakeClock();
  const states: BreakerState[] = [];
  const calls: number[] = [];
  const breaker = new Breaker(POLICY, clock, (state) => states.push(state));
  return {
    clock,
    states,
    calls,
    run: (outcome) =>
      breaker
        .run(async () => {
          calls.push(clock.monotonicMs());
          if (outcome !== 'ok') throw failure(outcome);
          return outcome;
        })
        .catch((error: unknown) => (isSecretsError(error) ? error.code : 'unavailable')),
  };
}

const times = async (count: number, act: () => Promise<unknown>) => {
  for (let turn = 0; turn < count; turn++) await act();
};

describe('the breaker', () => {
  it('opens after five failures and then calls nothing', async () => {
    const { run, calls, states } = bench();
    await times(5, () => run('unavailable'));
    expect(states).toEqual(['open']);
    await times(100, async () => expect(await run('ok')).toBe('circuit-open'));
    expect(calls).toHaveLength(5);
  });

  it('does not open while half or more succeed', async () => {
    const { run, states } = bench();
    await times(20, async () => {
      await run('ok');
      await run('unavailable');
    });
    expect(states).toEqual([]);
  });

  it.each<ErrorCode>(['not-found', 'permission-denied', 'rate-limited', 'aborted', 'unauthenticated'])(
    'takes %s for the answer of a healthy store',
    async (code) => {
      const { run, states } = bench();
      await times(50, () => run(code));
      expect(states).toEqual([]);
    },
  );

  it('F18: lets one call through after its time, and closes when that succeeds', async () => {
    const { run, clock, calls, states } = bench();
    await times(5, () => run('unavailable'));
    await clock.advance(4_999);
    expect(await run('ok')).toBe('circuit-open');
    await clock.advance(1);
    const herd = await Promise.all(Array.from({ length: 100 }, () => run('ok')));
    expect(herd.filter((outcome) => outcome === 'ok')).toHaveLength(1);
    expect(calls).toHaveLength(6);
    expect(states).toEqual(['open', 'half-open', 'closed']);
    expect(await run('ok')).toBe('ok');
  });

  it('F18: sealed for hours costs one call every five seconds at most, and no listener each', async () => {
    const { run, clock, calls, states } = bench();
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on('warning', warn);
    await times(5, () => run('unavailable'));
    await times(2 * 720, async () => {
      await clock.advance(5_000);
      await times(3, () => run('unavailable'));
    });
    await new Promise(setImmediate);
    process.off('warning', warn);
    expect(calls).toHaveLength(5 + 2 * 720);
    expect(warnings).toEqual([]);
    await clock.advance(5_000);
    expect(await run('ok')).toBe('ok');
    expect(states.at(-1)).toBe('closed');
  });

  it('an abandoned trial proves nothing: it stays open', async () => {
    const { run, clock, states } = bench();
    await times(5, () => run('unavailable'));
    await clock.advance(5_000);
    expect(await run('aborted')).toBe('aborted');
    expect(states.at(-1)).toBe('open');
    await clock.advance(5_000);
    expect(await run('ok')).toBe('ok');
    expect(states.at(-1)).toBe('closed');
  });

  it('forgets failures once they are older than its window', async () => {
    const { run, clock, states } = bench();
    await times(4, () => run('unavailable'));
    await clock.advance(11_000);
    await times(4, () => run('unavailable'));
    expect(states).toEqual([]);
  });

  it('behaves as its model does, whatever comes', async () => {
    const outcomes = fc.oneof(
      { weight: 3, arbitrary: fc.constant<'ok'>('ok') },
      { weight: 6, arbitrary: fc.constantFrom<ErrorCode>('unavailable', 'timeout', 'bad-response') },
      { weight: 1, arbitrary: fc.constantFrom<ErrorCode>('not-found', 'aborted', 'rate-limited') },
    );
    const steps = fc.oneof(
      { weight: 5, arbitrary: outcomes.map((outcome) => ({ outcome })) },
      { weight: 1, arbitrary: fc.constantFrom(1_000, 2_500, 5_000, 30_000).map((waitMs) => ({ waitMs })) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 60 }), async (script) => {
        const { run, clock, states } = bench();
        const model = new Model();
        for (const step of script) {
          if ('waitMs' in step) await clock.advance(step.waitMs);
          else expect(await run(step.outcome)).toBe(model.run(step.outcome, clock.monotonicMs()));
          expect(states.at(-1) ?? 'closed').toBe(model.state);
        }
      }),
    );
  });
});

/** What a breaker is, in its simplest words. */
class Model {
  state: BreakerState = 'closed';
  #openUntilMs = 0;
  #log: { readonly bucket: number; readonly failed: boolean }[] = [];

  run(outcome: 'ok' | ErrorCode, nowMs: number): 'ok' | ErrorCode {
    if (this.state === 'open' && nowMs < this.#openUntilMs) return 'circuit-open';
    const isTrial = this.state === 'open';
    if (isTrial) this.#log = [];
    const failed = outcome !== 'ok' && ERROR_POLICY[outcome].tripsBreaker;
    const bucket = Math.floor(nowMs / 1_000);
    this.#log.push({ bucket, failed });
    const recent = this.#log.filter((call) => bucket - call.bucket < 10);
    const failures = recent.filter((call) => call.failed).length;
    const opens = failed && (isTrial || (recent.length >= 5 && failures / recent.length > 0.5));
    if (opens || (isTrial && outcome === 'aborted')) {
      this.state = 'open';
      this.#openUntilMs = nowMs + 5_000;
    } else if (isTrial) this.state = 'closed';
    return outcome;
  }
}
