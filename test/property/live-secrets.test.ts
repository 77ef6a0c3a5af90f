import type { SecretInput } from '@keyturn/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { failure, type Operation, type StoreOptions } from '../../packages/core/test/support/store.js';
import { JOINT, REFS, Subject } from './subject.js';

/*
 * Live secrets under whatever may happen to them, in any order: reads, watches, pools, outages, clocks that jump,
 * hosts that stand still, leases and logins that somebody else ends. After each step everything that is promised
 * must hold; the promises are in Subject.
 *
 * KEYTURN_SEED repeats a run; KEYTURN_RUNS and KEYTURN_LIMIT_MS make it longer.
 */

const SEED = Number(process.env.KEYTURN_SEED ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = Number(process.env.KEYTURN_RUNS ?? 400);
const LIMIT_MS = Number(process.env.KEYTURN_LIMIT_MS ?? 20_000);

interface Model {
  isClosed: boolean;
}

class Step implements fc.AsyncCommand<Model, Subject> {
  readonly #name: string;
  readonly #act: (subject: Subject) => void | Promise<void>;

  constructor(name: string, act: (subject: Subject) => void | Promise<void>) {
    this.#name = name;
    this.#act = act;
  }

  check(model: Model): boolean {
    return !model.isClosed;
  }

  async run(model: Model, subject: Subject): Promise<void> {
    await this.#act(subject);
    if (subject.isClosed) model.isClosed = true;
    else await subject.check();
  }

  toString(): string {
    return this.#name;
  }
}

const ref = fc.constantFrom<SecretInput>(...REFS, JOINT, JOINT);
const shortMs = fc.integer({ min: 1, max: 3_000 });
const longMs = fc.constantFrom(10_000, 35_000, 61_000, 130_000, 400_000);
const byRef = (name: string, act: (subject: Subject, of: SecretInput) => void) =>
  ref.map((of) => new Step(`${name} ${of}`, (subject) => act(subject, of)));
const byMs = (name: string, lengths: fc.Arbitrary<number>, act: (subject: Subject, ms: number) => unknown) =>
  lengths.map((ms) => new Step(`${name} ${ms}`, async (subject) => void (await act(subject, ms))));
const plain = (name: string, act: (subject: Subject) => void | Promise<void>) =>
  fc.constant(new Step(name, act));
const pick = <Thing>(things: readonly Thing[], number: number): Thing | undefined =>
  things[number % things.length];

const steps = fc.oneof(
  { weight: 8, arbitrary: byRef('get', (subject, of) => subject.read(of, false)) },
  { weight: 3, arbitrary: byRef('rotate', (subject, of) => subject.read(of, true)) },
  { weight: 3, arbitrary: byRef('watch', (subject, of) => subject.watch(of)) },
  { weight: 3, arbitrary: byRef('open a pool on', (subject, of) => subject.pool(of)) },
  { weight: 8, arbitrary: byMs('advance', shortMs, ({ clock }, ms) => clock.advance(ms)) },
  { weight: 6, arbitrary: byMs('advance', longMs, ({ clock }, ms) => clock.advance(ms)) },
  { weight: 6, arbitrary: plain('advance to the next call', (subject) => subject.advanceToCall()) },
  { weight: 2, arbitrary: byMs('freeze', longMs, ({ clock }, ms) => clock.freeze(ms)) },
  { weight: 2, arbitrary: byMs('suspend', longMs, (subject, ms) => subject.suspend(ms)) },
  { weight: 1, arbitrary: byMs('set the clock forward', longMs, ({ clock }, ms) => clock.jumpWall(ms)) },
  { weight: 1, arbitrary: byMs('set the clock back', longMs, ({ clock }, ms) => clock.jumpWall(-ms)) },
  { weight: 3, arbitrary: plain('rotate at the store', (subject) => subject.rotateAtStore()) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        'unavailable',
        'timeout',
        'permission-denied',
        'rate-limited',
        'bad-response',
        'not-found',
      )
      .map((code) => new Step(`fail with ${code}`, ({ store }) => store.goDown(failure(code as 'timeout')))),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom<Operation>('fetch', 'renew', 'revoke', 'login', 'renew-session')
      .map((operation) => new Step(`hang ${operation}`, ({ store }) => void store.hanging.add(operation))),
  },
  {
    weight: 5,
    arbitrary: plain('heal', (subject) => {
      subject.store.heal();
      subject.hear();
    }),
  },
  { weight: 1, arbitrary: plain('turn deaf', (subject) => subject.turnDeaf()) },
  {
    weight: 2,
    arbitrary: fc.nat(99).map(
      (number) =>
        new Step(`end lease ${number} from outside`, ({ store }) => {
          const lease = pick(store.live(), number);
          if (lease !== undefined) store.revokeFromOutside(lease.version);
        }),
    ),
  },
  { weight: 1, arbitrary: plain('end the logins from outside', ({ store }) => store.revokeSessions()) },
  {
    weight: 2,
    arbitrary: fc
      .nat(99)
      .map((number) => new Step(`abort read ${number}`, ({ reads }) => pick(reads, number)?.caller.abort())),
  },
  {
    weight: 2,
    arbitrary: fc
      .nat(99)
      .map((number) => new Step(`stop watch ${number}`, ({ watches }) => pick(watches, number)?.stop())),
  },
  {
    weight: 1,
    arbitrary: fc
      .nat(99)
      .map((number) => new Step(`leave pool ${number}`, ({ pools }) => pick(pools, number)?.leave())),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(0, 100, 2_000, 15_000).map(
      (ms) =>
        new Step(`proofs take ${ms}`, ({ pools }) => {
          for (const { pool } of pools) pool.proofMs = ms;
        }),
    ),
  },
  {
    weight: 2,
    arbitrary: plain('make the pools busy', ({ pools }) => {
      for (const { pool } of pools) pool.isBusy = true;
    }),
  },
  {
    weight: 2,
    arbitrary: plain('let the pools go', ({ pools }) => {
      for (const { pool } of pools) pool.resume();
    }),
  },
  { weight: 1, arbitrary: plain('audit', (subject) => subject.audit()) },
  { weight: 1, arbitrary: plain('close', (subject) => subject.close()) },
);

const options: fc.Arbitrary<StoreOptions> = fc.constantFrom<StoreOptions>(
  {},
  { watches: true },
  { session: { ttlMs: 150_000, maxTtlMs: 500_000 } },
  { session: { ttlMs: 70_000, renewable: false, deadAnswer: 'permission-denied' }, watches: true },
  { session: { ttlMs: 100_000, maxTtlMs: 300_000, ownsLeases: false } },
);

it(
  `live secrets keep their promises, whatever happens (seed ${SEED})`,
  async () => {
    let checked = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.commands([steps], { maxCommands: 60, size: '+1' }),
        options,
        fc.nat(1_000),
        async (commands, storeOptions, seed) => {
          const subject = new Subject(seed, storeOptions);
          try {
            await fc.asyncModelRun(() => ({ model: { isClosed: false }, real: subject }), commands);
            if (!subject.isClosed) await subject.audit();
          } finally {
            if (!subject.isClosed) await subject.close();
          }
          checked++;
        },
      ),
      { seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: LIMIT_MS, markInterruptAsFailure: false },
    );
    expect(checked).toBeGreaterThan(0);
  },
  LIMIT_MS + 100_000,
);
