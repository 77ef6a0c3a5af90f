import { systemClock } from '../../time/system-clock.js';
import { assertThat } from '../assert-that.js';
import type { IntegrationBench } from './integration-bench.js';
import type { IntegrationUnderTest, OpenedIntegration } from './integration-under-test.js';

/** One thing that users of an integration rely on. */
export interface IntegrationCheck {
  readonly name: string;
  /** Why it does not apply; undefined when it does. */
  notApplicable?(underTest: IntegrationUnderTest, opened: OpenedIntegration): string | undefined;
  /** Rejects when it does not hold. */
  run(bench: IntegrationBench): Promise<void>;
}

const ROTATIONS = 10;

export const INTEGRATION_CHECKS: readonly IntegrationCheck[] = [
  {
    name: 'opens with the first credential, and only when it is used',
    async run(bench) {
      const first = bench.newest;
      assertThat(
        (await bench.opened.use()) === first.holder,
        'it must come as the holder of the first credential',
      );
      assertThat(bench.source.fetched === 1, 'one fetch must be enough for the first use');
    },
  },
  {
    name: 'no operation fails while credentials rotate under load, and each comes into use',
    async run(bench) {
      const { holders } = await bench.underLoad(async (load) => {
        for (let rotation = 0; rotation < ROTATIONS; rotation++) {
          await bench.rotate();
          await progress(bench, load);
        }
      });
      assertThat(holders.has(bench.newest.holder), 'the last credential must have come into use');
      assertThat(
        holders.size > ROTATIONS / 2,
        `of ${ROTATIONS} credentials only ${holders.size} came into use`,
      );
    },
  },
  {
    name: 'never opens more connections than its limit, also during a rotation',
    notApplicable: ({ max }) => (max === undefined ? 'it has no limit' : undefined),
    async run(bench) {
      const { max = Number.POSITIVE_INFINITY } = bench.underTest;
      let peak = 0;
      await bench.underLoad(async (load) => {
        for (let turn = 0; turn < ROTATIONS / 2; turn++) {
          const rotating = { isOver: false };
          const rotation = bench.rotate().finally(() => {
            rotating.isOver = true;
          });
          while (!rotating.isOver) {
            peak = Math.max(peak, await bench.connections());
            await systemClock.sleep(1, { hold: true });
          }
          await rotation;
          await progress(bench, load);
        }
      });
      assertThat(peak <= max, `${peak} connections were open at once, and at most ${max} may be`);
    },
  },
  {
    name: 'lets go of the old credential before that is revoked',
    async run(bench) {
      const old = bench.newest;
      await bench.opened.use();
      await bench.rotate();
      assertThat(
        bench.cutOff.length === 0,
        'it must acknowledge only when no connection of the old one is left',
      );
      assertThat((await bench.connections(old)) === 0, 'no connection of the old credential may be left');
      await bench.assertTurnsTo(bench.newest);
    },
  },
  {
    name: 'a new credential that does not work leaves the old one in service',
    notApplicable: ({ without }) =>
      without?.includes('proof') ? 'it does not prove credentials' : undefined,
    async run(bench) {
      const good = bench.newest;
      await bench.opened.use();
      const bad = await bench.issue();
      await bench.revoke(bad.data, { fromOutside: true });
      await bench.failure(
        () => bench.source.rotate(bad.data),
        'a rotation to a credential that does not work',
      );
      const { holders } = await bench.underLoad((load) => progress(bench, load));
      const isOld = holders.size === 1 && holders.has(good.holder);
      assertThat(isOld, 'the old credential must stay in use');
      await bench.rotate();
      await bench.assertTurnsTo(bench.newest);
    },
  },
  {
    name: 'work that is under way survives a swap, on the credential that it began with',
    notApplicable: (_, { begin }) => (begin === undefined ? 'it has no work that lasts' : undefined),
    async run(bench) {
      const old = bench.newest;
      const work = await bench.opened.begin?.();
      assertThat(work !== undefined, 'begin must give work');
      assertThat((await work.use()) === old.holder, 'work must begin on the first credential');
      const next = await bench.issue();
      const { drained } = await bench.source.publish(next.data);
      await bench.assertTurnsTo(next);
      assertThat((await work.use()) === old.holder, 'work must go on as what it began as');
      const isKept = !bench.letGo.includes(old.holder);
      assertThat(isKept, 'it must not say that it has let go of the old credential while work is under way');
      await work.end();
      await drained;
      assertThat(bench.cutOff.length === 0, 'the connection of work that has ended must be let go of');
    },
  },
  {
    name: 'a rotation that was missed heals itself, by one fetch for all',
    notApplicable: ({ without }) => (without?.includes('healing') ? 'it does not heal itself' : undefined),
    async run(bench) {
      const old = bench.newest;
      await bench.opened.use();
      const { fetched } = bench.source;
      bench.source.offer((await bench.issue()).data);
      await bench.revoke(old.data, { fromOutside: true });
      await bench.underLoad((load) => progress(bench, load));
      const more = bench.source.fetched - fetched;
      assertThat(more <= 1, `all who are refused must share one fetch, but there were ${more}`);
    },
  },
  {
    name: 'goes on while the store is down',
    async run(bench) {
      await bench.opened.use();
      bench.source.chaos.outage();
      await bench.underLoad((load) => progress(bench, load));
      bench.source.chaos.heal();
    },
  },
  {
    name: 'close closes every connection, twice as once, and follows the secret no more',
    async run(bench) {
      await bench.opened.use();
      await bench.opened.close();
      await bench.opened.close();
      const areClosed = await bench.comesToHold(async () => (await bench.connections()) === 0);
      assertThat(areClosed, 'no connection may be left after close');
      assertThat(bench.source.consumers === 0, 'the secret must not be followed after close');
      await bench.rotate();
      assertThat((await bench.connections()) === 0, 'no connection may be opened after close');
      await bench.failure(() => bench.opened.use(), 'to use it after close');
    },
  },
  {
    name: 'shows no credential: not in what it hands out, in an error, in what it prints',
    async run(bench) {
      await bench.opened.use();
      bench.look(bench.opened.exposed, 'what the integration hands out');
      const bad = await bench.issue();
      await bench.revoke(bad.data, { fromOutside: true });
      await bench.source
        .rotate(bad.data)
        .catch((error: unknown) => bench.look(error, 'the error of a rotation'));
      bench.look(bench.source.secrets.inventory(), 'the inventory');
      await bench.opened.close();
      await bench.opened.use().catch((error: unknown) => bench.look(error, 'the error after close'));
    },
  },
];

/** Lets every worker of `load` have a few more turns. */
async function progress(bench: IntegrationBench, load: { readonly done: number }): Promise<void> {
  const goal = load.done + 3 * bench.workers;
  const isDone = await bench.comesToHold(() => load.done >= goal);
  assertThat(isDone, 'operations must get their turn');
}
