import { type ErrorCode, isSecretsError } from '@keyturn/core';
import { type FakeClock, fakeClock } from '@keyturn/core/testing';
import fc from 'fast-check';
// The breaker imports it at its first call, which must not take time of its own here.
import 'opossum';
import { describe, expect, it } from 'vitest';
import { ERROR_POLICY } from '../../src/errors/error-policy.js';
import { Breaker } from '../../src/resilience/breaker.js';
import { afterFailure, Failover } from '../../src/resilience/failover.js';
import { failure } from '../support/store.js';
import { until } from '../support/world.js';

const FIRST_REST_MS = 5_000;
const LIMIT_MS = 9_000;

type Outcome = 'ok' | 'hang' | ErrorCode;

interface Bench {
  readonly clock: FakeClock;
  readonly failover: Failover;
  /** The addresses that were called, with the moment. */
  readonly calls: { readonly address: string | undefined; readonly atMs: number }[];
  /** What each address does. */
  readonly does: Record<string, Outcome>;
  /** Calls once; what came of it, and where the calls went. */
  run(options?: { throughBreaker?: boolean; signal?: AbortSignal }): Promise<{
    readonly outcome: string;
    readonly called: string;
    readonly tookMs: number;
  }>;
}

function bench(...addresses: string[]): Bench {
  const clock = fakeClock();
  const policy = { minCalls: 5, failurePercent: 50, windowMs: 10_000, resetAfterMs: FIRST_REST_MS };
  const failover = new Failover(
    addresses.map((address) => ({ address, breaker: new Breaker(policy, clock, () => {}) })),
    FIRST_REST_MS,
  );
  const calls: Bench['calls'] = [];
  const does: Bench['does'] = {};
  return {
    clock,
    failover,
    calls,
    does,
    async run(options = {}) {
      const beganMs = clock.monotonicMs();
      const before = calls.length;
      const call = async ({ address, signal }: { address: string | undefined; signal: AbortSignal }) => {
        calls.push({ address, atMs: clock.monotonicMs() });
        const outcome = does[address ?? ''] ?? 'ok';
        if (outcome === 'hang') {
          return new Promise<never>((_, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason)),
          );
        }
        if (outcome !== 'ok') throw failure(outcome);
        return `ok of ${address}`;
      };
      const outcome = await until(
        clock,
        failover
          .run(call, { clock, limitMs: LIMIT_MS, ...options })
          .catch((error: unknown) => (isSecretsError(error) ? error.code : String(error))),
      );
      const called = calls.slice(before).map(({ address }) => address);
      return { outcome, called: called.join(), tookMs: clock.monotonicMs() - beganMs };
    },
  };
}

describe('a backend at several addresses', () => {
  it('is called at the preferred one alone while that answers', async () => {
    const { run, failover, clock } = bench('a', 'b', 'c');
    expect(await run()).toMatchObject({ outcome: 'ok of a', called: 'a' });
    expect(await run()).toMatchObject({ outcome: 'ok of a', called: 'a' });
    expect(failover.preferred(clock.monotonicMs())).toBe('a');
  });

  const codes = Object.keys(ERROR_POLICY) as ErrorCode[];
  const passedOn: readonly ErrorCode[] = ['unavailable', 'timeout', 'circuit-open'];

  it.each(passedOn)('is called at the next one at once after %s', async (code) => {
    const { run, does } = bench('a', 'b', 'c');
    does.a = code;
    expect(await run()).toEqual({ outcome: 'ok of b', called: 'a,b', tookMs: 0 });
  });

  it.each(codes.filter((code) => !passedOn.includes(code)))('takes %s for an answer', async (code) => {
    const { run, does, failover, clock } = bench('a', 'b');
    does.a = code;
    expect(await run()).toEqual({ outcome: code, called: 'a', tookMs: 0 });
    expect(failover.preferred(clock.monotonicMs())).toBe('a');
  });

  it('takes what is no error of ours for a fault of the caller, and goes no further', async () => {
    const { failover, clock, calls } = bench('a', 'b');
    const broken = failover.run(
      async ({ address }) => {
        calls.push({ address, atMs: 0 });
        throw new TypeError('a bug');
      },
      { clock, limitMs: LIMIT_MS },
    );
    await expect(broken).rejects.toThrow('a bug');
    expect(calls).toHaveLength(1);
  });

  it('shares the time of one attempt equally among those that are left', async () => {
    const { run, does, calls } = bench('a', 'b', 'c');
    Object.assign(does, { a: 'hang', b: 'hang', c: 'hang' });
    const { outcome, tookMs } = await run();
    expect(outcome).toBe('timeout');
    expect(calls.map(({ atMs }) => atMs)).toEqual([0, 3_000, 6_000]);
    expect(tookMs).toBe(LIMIT_MS);
  });

  it('gives the time that one did not need to the others', async () => {
    const { run, does, calls } = bench('a', 'b', 'c');
    Object.assign(does, { a: 'unavailable', b: 'hang', c: 'ok' });
    expect(await run()).toMatchObject({ outcome: 'ok of c', tookMs: 4_500 });
    expect(calls.map(({ atMs }) => atMs)).toEqual([0, 0, 4_500]);
  });

  it('tells why the first one could not answer when none can', async () => {
    const { run, does } = bench('a', 'b');
    Object.assign(does, { a: 'hang', b: 'unavailable' });
    expect(await run()).toMatchObject({ outcome: 'timeout', called: 'a,b' });
    const other = bench('a', 'b');
    Object.assign(other.does, { a: 'circuit-open', b: 'unavailable' });
    expect(await other.run()).toMatchObject({ outcome: 'unavailable', called: 'a,b' });
  });

  it('gives the answer of the next one though it is a refusal', async () => {
    const { run, does } = bench('a', 'b', 'c');
    Object.assign(does, { a: 'unavailable', b: 'not-found' });
    expect(await run()).toMatchObject({ outcome: 'not-found', called: 'a,b' });
  });

  it('goes no further once its caller has left', async () => {
    const { run, does, calls, clock, failover } = bench('a', 'b');
    const controller = new AbortController();
    does.a = 'hang';
    const running = run({ signal: controller.signal });
    await clock.settle();
    controller.abort(failure('aborted'));
    expect(await running).toMatchObject({ outcome: 'aborted', called: 'a' });
    expect(calls).toHaveLength(1);
    expect(failover.preferred(clock.monotonicMs())).toBe('a');
  });

  it('with one address, or none named, is called as before', async () => {
    const { run, does } = bench('a');
    does.a = 'unavailable';
    for (let turn = 0; turn < 3; turn++) {
      expect(await run()).toMatchObject({ outcome: 'unavailable', called: 'a' });
    }
    does.a = 'hang';
    expect(await run()).toMatchObject({ outcome: 'timeout', tookMs: LIMIT_MS });
  });
});

describe('an address that failed', () => {
  it('comes after the others for 5 s, and then first again', async () => {
    const { run, does, clock } = bench('a', 'b');
    does.a = 'unavailable';
    await run();
    does.a = 'ok';
    await clock.advance(4_999);
    expect((await run()).called).toBe('b');
    await clock.advance(1);
    expect((await run()).called).toBe('a');
  });

  it('is still called when the others fail as well', async () => {
    const { run, does } = bench('a', 'b');
    does.a = 'unavailable';
    await run();
    Object.assign(does, { a: 'ok', b: 'unavailable' });
    expect(await run()).toMatchObject({ outcome: 'ok of a', called: 'b,a' });
  });

  it('rests for twice as long after each failure in a row, up to a minute', async () => {
    const { run, does, clock, failover } = bench('a', 'b');
    does.a = 'unavailable';
    const rests: number[] = [];
    for (let turn = 0; turn < 6; turn++) {
      expect((await run({ throughBreaker: true })).called).toBe('a,b');
      const beganMs = clock.monotonicMs();
      while (failover.preferred(clock.monotonicMs()) !== 'a') await clock.advance(500);
      rests.push(clock.monotonicMs() - beganMs);
    }
    expect(rests).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it('begins again with 5 s once it has answered', async () => {
    const { run, does, clock } = bench('a', 'b');
    does.a = 'unavailable';
    await run();
    await clock.advance(5_000);
    await run();
    await clock.advance(10_000);
    does.a = 'ok';
    await run();
    does.a = 'unavailable';
    await run();
    await clock.advance(5_000);
    expect((await run()).called).toBe('a,b');
  });

  it('F18: rests for 5 s though many calls failed there at once', async () => {
    const { run, does, clock } = bench('a', 'b');
    does.a = 'unavailable';
    await Promise.all(Array.from({ length: 32 }, () => run({ throughBreaker: true })));
    does.a = 'ok';
    await clock.advance(5_000);
    expect((await run({ throughBreaker: true })).called).toBe('a');
  });

  it('comes before those that rest for longer', async () => {
    const { run, does, clock } = bench('a', 'b', 'c');
    does.a = 'unavailable';
    expect((await run()).called).toBe('a,b');
    await clock.advance(1_000);
    does.b = 'unavailable';
    expect((await run()).called).toBe('b,c');
    await clock.advance(1_000);
    does.c = 'unavailable';
    expect((await run()).called).toBe('c,a,b');
  });

  it('F38: rests for between the first time and a minute, however many failures there were', () => {
    fc.assert(
      fc.property(
        fc.nat(1_000_000),
        fc.integer({ min: 1, max: 10 * 60_000 }),
        fc.nat(1e9),
        (failures, firstMs, nowMs) => {
          const before = failures === 0 ? undefined : { failures, restsUntilMs: nowMs };
          const after = afterFailure(before, nowMs, firstMs);
          expect(after.failures).toBe(failures + 1);
          expect(after.restsUntilMs - nowMs).toBeGreaterThanOrEqual(firstMs);
          expect(after.restsUntilMs - nowMs).toBeLessThanOrEqual(Math.max(firstMs, 60_000));
        },
      ),
    );
  });
});

describe('the breaker of an address', () => {
  it('opens for that address alone, and is passed over at once', async () => {
    const { run, does, failover, calls } = bench('a', 'b');
    does.a = 'unavailable';
    does.b = 'unavailable';
    for (let turn = 0; turn < 5; turn++) await run();
    expect(failover.places.map(({ breaker }) => breaker.state)).toEqual(['open', 'open']);
    does.b = 'ok';
    expect(await run()).toEqual({ outcome: 'circuit-open', called: '', tookMs: 0 });
    expect(calls).toHaveLength(10);
  });

  it('stays closed where only another address fails', async () => {
    const { failover, clock } = bench('a', 'b');
    const call = async ({ address }: { address: string | undefined }) => {
      if (address === 'a') throw failure('unavailable');
      return 'ok';
    };
    // All at once: none knows yet that the others failed.
    await Promise.all(Array.from({ length: 10 }, () => failover.run(call, { clock, limitMs: LIMIT_MS })));
    expect(failover.places.map(({ breaker }) => breaker.state)).toEqual(['open', 'closed']);
  });

  it('neither refuses nor learns where a call goes through it', async () => {
    const { run, does, failover } = bench('a', 'b');
    Object.assign(does, { a: 'unavailable', b: 'unavailable' });
    for (let turn = 0; turn < 10; turn++) await run({ throughBreaker: true });
    expect(failover.places.map(({ breaker }) => breaker.state)).toEqual(['closed', 'closed']);
    for (let turn = 0; turn < 5; turn++) await run();
    expect(failover.places.map(({ breaker }) => breaker.state)).toEqual(['open', 'open']);
    Object.assign(does, { a: 'ok', b: 'ok' });
    expect(await run({ throughBreaker: true })).toMatchObject({ called: 'a' });
  });
});
