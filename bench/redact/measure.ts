import type { Row } from '../harness.js';

/** What is published is measured: run from its sources, the loops lose what the build lets the compiler know. */
const built = new URL('../../packages/redact/dist/index.js', import.meta.url);
export const { createRedactor } = (await import(built.href)) as typeof import('@keyturn/redact');

/** Something to measure: one operation, or its steps. */
export interface Case {
  /** What it computes must not be optimized away: return something of it. */
  readonly run: () => unknown;
  /** Called before each round, outside the time that counts. */
  readonly prepare?: () => void;
  /** Operations in a round; found by trial when absent. */
  readonly batch?: number;
}

/** What was measured of the cases, by name. */
export interface Measured<Name extends string> {
  /** Median nanoseconds of one operation. */
  ns(name: Name): number;
  /**
   * How much longer `name` takes than `peer`: the median of the ratios within each round, in which both had the same
   * noise beside them.
   */
  ratio(name: Name, peer: Name): number;
  /** A row of a report, in microseconds. */
  row(name: Name, peer?: Name, atMost?: number): Row;
}

const ROUND_NS = 3e6;

/** Measures the cases in turn, `rounds` times, beginning each round with another. */
export function measure<Name extends string>(
  rounds: number,
  cases: Readonly<Record<Name, Case>>,
): Measured<Name> {
  const entries = (Object.entries(cases) as [Name, Case][]).map(([name, one]) => ({
    name,
    one,
    batch: batchOf(one),
  }));
  const taken = new Map<Name, number[]>(entries.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < entries.length; turn++) {
      const { name, one, batch } = entries[(round + turn) % entries.length] as (typeof entries)[number];
      one.prepare?.();
      taken.get(name)?.push(nsOf(one, batch));
    }
  }
  const of = (name: Name): number[] => taken.get(name) ?? [];
  const ns = (name: Name): number => median(of(name));
  const ratio = (name: Name, peer: Name): number =>
    median(of(name).map((one, round) => one / (of(peer)[round] as number)));
  return {
    ns,
    ratio,
    row: (name, peer, atMost) => ({
      name,
      value: ns(name) / 1_000,
      unit: 'µs',
      ...(peer === undefined ? {} : { ratio: ratio(name, peer) }),
      ...(atMost === undefined ? {} : { budget: { atMost } }),
    }),
  };
}

function batchOf(one: Case): number {
  if (one.batch !== undefined) return one.batch;
  one.prepare?.();
  for (let batch = 1; ; batch *= 2) if (nsOf(one, batch) * batch >= ROUND_NS) return batch;
}

function nsOf({ run }: Case, batch: number): number {
  const began = process.hrtime.bigint();
  for (let count = 0; count < batch; count++) run();
  return Number(process.hrtime.bigint() - began) / batch;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
