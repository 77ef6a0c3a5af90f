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
  /** Nanoseconds of one operation, in the best quarter of the rounds. */
  ns(name: Name): number;
  /** How much longer `name` takes than `peer`. */
  ratio(name: Name, peer: Name): number;
  /** A row of a report, in microseconds. */
  row(name: Name, peer?: Name, atMost?: number): Row;
}

const ROUND_NS = 3e6;
/** So much processor time each case takes first: the compiler works beside us, and is slow on a busy machine. */
const WARM_UP_NS = 500e6;

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
  const ns = (name: Name): number => lowerQuartile(of(name));
  const ratio = (name: Name, peer: Name): number => ns(name) / ns(peer);
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
  one.prepare?.();
  for (let spent = 0; spent < WARM_UP_NS; ) spent += nsOf(one, one.batch ?? 100) * (one.batch ?? 100);
  if (one.batch !== undefined) return one.batch;
  for (let batch = 1; ; batch *= 2) if (nsOf(one, batch) * batch >= ROUND_NS) return batch;
}

/** Processor time, not the clock on the wall: on a machine with other work that would measure the other work. */
function nsOf({ run }: Case, batch: number): number {
  const began = process.cpuUsage();
  for (let count = 0; count < batch; count++) run();
  const { user, system } = process.cpuUsage(began);
  return ((user + system) * 1_000) / batch;
}

/**
 * What other work does to the caches only ever adds. The least of all would be luck, the median the load of the day.
 */
function lowerQuartile(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 2] ?? Number.NaN;
}
