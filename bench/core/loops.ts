import { setTimeout } from 'node:timers/promises';

/** Does the measured thing `count` times. Each is a function of its own, or the compiler could inline none of them. */
export type Loop = (count: number) => unknown;

/** The processor time that each loop takes before any counts: the compiler works beside us. */
const WARM_UP_NS = 400e6;
const ROUND_NS = 4e6;

/**
 * Nanoseconds of one pass of `loop`, each time that the returned function is called, once it is warm.
 *
 * Processor time, not the clock on the wall: that would measure what else the machine does.
 */
export async function timed(loop: Loop): Promise<() => Promise<number>> {
  for (let spentNs = 0; spentNs < WARM_UP_NS; ) spentNs += await spent(loop, 10_000);
  let count = 1_000;
  while ((await spent(loop, count)) < ROUND_NS) count *= 2;
  return async () => {
    // What the loop before has left to timers and later turns is not this one's.
    await setTimeout(2);
    return (await spent(loop, count)) / count;
  };
}

async function spent(loop: Loop, count: number): Promise<number> {
  const began = process.cpuUsage();
  await loop(count);
  const { user, system } = process.cpuUsage(began);
  return (user + system) * 1_000;
}
