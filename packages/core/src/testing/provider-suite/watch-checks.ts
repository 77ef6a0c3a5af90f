import { isSecretsError } from '../../errors/secrets-error.js';
import type { ProviderRef } from '../../provider/contract.js';
import { assertThat } from '../assert-that.js';
import type { FakeClock } from '../fake-clock.js';
import { heldBy } from '../held-by.js';
import { holdsWithin } from '../pass-time.js';
import { HintFollower } from './hint-follower.js';
import { PROMPT_MS, type ProviderBench } from './provider-bench.js';
import type { ProviderCheck } from './provider-check.js';

/** How late a hint may come: a watch may fall back to polling. */
const HINT_MS = 15_000;
/** How long a watch must be silent to count as waiting. */
const QUIET_MS = 200;

/** Hints that a secret may have changed. They carry nothing, may be too many, and must not be missing. */
export const WATCH_CHECKS: readonly ProviderCheck[] = [
  {
    name: 'watch: tells of a change, each time, and of one that came while nobody listened',
    needs: ['watch'],
    run: (bench) =>
      watching(bench, 'suite-watch', async (watch, ref) => {
        for (let turn = 0; turn < 2; turn++) {
          await bench.put('suite-watch');
          await assertHint(bench, watch, 'a change');
          await bench.fetch(ref);
          await watch.quiet(QUIET_MS);
        }
        await bench.put('suite-watch');
        await bench.put('suite-watch');
        await assertHint(bench, watch, 'changes that come at once');
        await bench.fetch(ref);
        await bench.put('suite-watch');
        await assertHint(bench, watch, 'a change while nobody waits for a hint');
        await bench.fetch(ref);
      }),
  },
  {
    name: 'watch: is silent while nothing changes',
    needs: ['watch'],
    run: (bench) =>
      watching(bench, 'suite-still', async (watch) => {
        const spoke = await watch.quiet(QUIET_MS);
        assertThat(spoke === 0, 'a watch that speaks without end makes the core fetch without end');
      }),
  },
  {
    name: 'watch: ends when its caller leaves, while it waits',
    needs: ['watch'],
    run: (bench) =>
      watching(bench, 'suite-left', async (watch) => {
        const last = watch.news(PROMPT_MS);
        watch.leave();
        await assertOver(watch, await last);
      }),
  },
  {
    name: 'watch: ends when its caller leaves after a hint, as by a break',
    needs: ['watch'],
    run: (bench) =>
      watching(bench, 'suite-break', async (watch) => {
        await bench.put('suite-break');
        await assertHint(bench, watch, 'a change');
        await bench.settled(watch.end(), 'to leave a watch', PROMPT_MS);
      }),
  },
  {
    name: 'watch: two of one secret are independent',
    needs: ['watch'],
    run: (bench) =>
      watching(bench, 'suite-two', async (one, ref) => {
        const two = new HintFollower(bench.provider, ref, bench.options);
        await two.quiet(QUIET_MS);
        const last = one.news(PROMPT_MS);
        one.leave();
        await last;
        await bench.put('suite-two');
        try {
          await assertHint(bench, two, 'a change after another watch has ended');
        } finally {
          two.leave();
          await two.news(PROMPT_MS);
        }
      }),
  },
  {
    name: 'watch: holds no timer and no process, and leaves nothing when it ends',
    needs: ['watch'],
    async run(bench) {
      const before = alarms(bench);
      const { ref } = await bench.put('suite-held');
      await bench.fetch(ref);
      await heldBy(
        () => begun(bench, ref),
        async (watch, held) => {
          const holdsNothing = await holdsWithin(bench.clock, PROMPT_MS, () => held() === 0);
          await left(watch);
          assertThat(holdsNothing, 'a watch must not keep the process alive: unref its timers and watchers');
        },
      );
      const leavesNothing = await holdsWithin(bench.clock, PROMPT_MS, () => alarms(bench) <= before);
      assertThat(leavesNothing, 'a watch that has ended must leave no timer on the clock');
    },
  },
];

/** Runs `body` with a watch that waits for a change, as the core's does: after a fetch. Then leaves it. */
async function watching(
  bench: ProviderBench,
  name: string,
  body: (watch: HintFollower, ref: ProviderRef) => Promise<void>,
): Promise<void> {
  const { ref } = await bench.put(name);
  await bench.fetch(ref);
  const watch = await begun(bench, ref);
  try {
    await body(watch, ref);
  } finally {
    await left(watch);
  }
}

/** A watch that waits. */
async function begun(bench: ProviderBench, ref: ProviderRef): Promise<HintFollower> {
  const watch = new HintFollower(bench.provider, ref, bench.options);
  await watch.quiet(QUIET_MS);
  return watch;
}

async function left(watch: HintFollower): Promise<void> {
  watch.leave();
  await watch.news(PROMPT_MS);
}

async function assertHint(bench: ProviderBench, watch: HintFollower, what: string): Promise<void> {
  const news = await watch.news(HINT_MS);
  bench.look(watch.failed, 'the error of a watch');
  assertThat(news === 'hint', `${what} must be told of within ${HINT_MS} ms, but: ${news}`);
  assertThat(watch.carried === undefined, 'a hint must carry nothing');
}

async function assertOver(watch: HintFollower, news: string): Promise<void> {
  const rejectsRightly = watch.failed === watch.reason || isSecretsError(watch.failed);
  const isOver = news === 'end' || (news === 'failure' && rejectsRightly);
  assertThat(isOver, `a watch must end when its caller leaves, but: ${news}`);
}

/** The timers that wait on a fake clock. */
function alarms({ clock }: ProviderBench): number {
  return 'pending' in clock ? (clock as FakeClock).pending : 0;
}
