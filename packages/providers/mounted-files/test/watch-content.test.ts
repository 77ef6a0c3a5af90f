import { type FakeClock, fakeClock } from '@keyturn/core/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bell } from '../src/bell.js';
import { watchContent } from '../src/watch-content.js';

const POLL_MS = 5_000;

interface Watching {
  /** What the last fetch saw before the watch began. */
  readonly fetched?: string | undefined;
  /** Whether each event is followed by a fetch, as the core does. */
  readonly fetches?: boolean;
}

/** A watch over a variable, with events that come only when the test rings. */
function watching({ fetched, fetches = true }: Watching = { fetched: 'v0' }) {
  const clock = fakeClock();
  const bell = new Bell();
  const end = new AbortController();
  const state = { content: 'v0', fetched, told: [] as string[], looks: 0, arms: 0, closes: 0 };
  const changes = watchContent({
    look: async () => {
      state.looks++;
      return state.content;
    },
    fetched: () => state.fetched,
    watcher: {
      arm: async () => void state.arms++,
      close: async () => void state.closes++,
    },
    bell,
    pollMs: POLL_MS,
    call: { clock, signal: end.signal },
  });
  const running = (async () => {
    for await (const _ of changes) {
      state.told.push(state.content);
      if (fetches) state.fetched = state.content;
    }
  })();
  return { clock, bell, end, state, changes, running };
}

async function stop({ end, running, clock, state }: ReturnType<typeof watching>): Promise<void> {
  end.abort(new Error('enough'));
  await running;
  await clock.settle();
  expect(clock.pending).toBe(0);
  expect(state.closes).toBe(1);
}

async function ring({ bell, clock }: { bell: Bell; clock: FakeClock }, times = 1): Promise<void> {
  for (let i = 0; i < times; i++) bell.ring('hint');
  await clock.advance(10);
}

test('a change is told 10 ms after its event, not before', async () => {
  const watch = watching();
  watch.state.content = 'v1';
  watch.bell.ring('hint');
  await watch.clock.advance(9);
  expect(watch.state.told).toEqual([]);
  await watch.clock.advance(1);
  expect(watch.state.told).toEqual(['v1']);
  await stop(watch);
});

test('F45: a change whose event was missed is told at the next poll', async () => {
  const watch = watching();
  watch.state.content = 'v1';
  await watch.clock.advance(POLL_MS - 1);
  expect(watch.state.told).toEqual([]);
  await watch.clock.advance(11);
  expect(watch.state.told).toEqual(['v1']);
  await watch.clock.advance(POLL_MS * 10);
  expect(watch.state.told).toEqual(['v1']);
  await stop(watch);
});

test('F45: doubled events tell of one change once', async () => {
  const watch = watching();
  watch.state.content = 'v1';
  for (let burst = 0; burst < 10; burst++) await ring(watch, 100);
  expect(watch.state.told).toEqual(['v1']);
  await stop(watch);
});

test('F45: events out of order, before or long after their change, tell of each change once', async () => {
  const watch = watching();
  await ring(watch);
  watch.state.content = 'v1';
  await ring(watch);
  await ring(watch);
  watch.state.content = 'v2';
  await watch.clock.advance(POLL_MS + 10);
  await ring(watch, 3);
  expect(watch.state.told).toEqual(['v1', 'v2']);
  await stop(watch);
});

test('F45: whatever becomes of the events, two polls later the last content was told, and nothing twice', async () => {
  const step = fc.oneof(
    fc.record({ write: fc.constantFrom('a', 'b', 'c', 'failed: not-found', 'failed: bad-response') }),
    fc.record({ rings: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ waitMs: fc.integer({ min: 0, max: 6_000 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const watch = watching();
      let changes = 0;
      for (const { write, rings, waitMs } of steps as { write?: string; rings?: number; waitMs?: number }[]) {
        if (write !== undefined && write !== watch.state.content) {
          changes++;
          watch.state.content = write;
        }
        for (let i = 0; i < (rings ?? 0); i++) watch.bell.ring('hint');
        if (waitMs !== undefined) await watch.clock.advance(waitMs);
      }
      await watch.clock.advance(3 * POLL_MS);
      const { told, content } = watch.state;
      expect(told.at(-1) ?? 'v0').toBe(content);
      expect(told.length).toBeLessThanOrEqual(changes);
      expect(told.filter((version, i) => version === (told[i - 1] ?? 'v0'))).toEqual([]);
      await stop(watch);
    }),
    { numRuns: 200 },
  );
});

test('F44: a failure that passes is never told, nor is the return of the same content', async () => {
  const watch = watching();
  for (const failure of ['failed: not-found', 'failed: bad-response', 'failed: unavailable']) {
    watch.state.content = failure;
    await ring(watch, 3);
    await watch.clock.advance(POLL_MS);
    watch.state.content = 'v0';
    await ring(watch, 3);
    await watch.clock.advance(POLL_MS);
  }
  expect(watch.state.told).toEqual([]);
  await stop(watch);
});

test('F44: a failure that lasts for two polls is told once, and so is what follows it', async () => {
  const watch = watching();
  watch.state.content = 'failed: not-found';
  await ring(watch);
  await watch.clock.advance(POLL_MS);
  expect(watch.state.told).toEqual([]);
  await watch.clock.advance(POLL_MS);
  expect(watch.state.told).toEqual(['failed: not-found']);
  await watch.clock.advance(10 * POLL_MS);
  watch.state.content = 'v0';
  await ring(watch);
  expect(watch.state.told).toEqual(['failed: not-found', 'v0']);
  await stop(watch);
});

test('what changed between the last fetch and the start of the watch is told', async () => {
  const watch = watching({ fetched: 'the version before' });
  await ring(watch);
  expect(watch.state.told).toEqual(['v0']);
  await stop(watch);
});

test('F45: a hint that nobody followed is given again at each poll, until it is fetched', async () => {
  const watch = watching({ fetched: 'v0', fetches: false });
  watch.state.content = 'v1';
  await ring(watch, 3);
  expect(watch.state.told).toEqual(['v1']);
  await watch.clock.advance(2 * POLL_MS);
  expect(watch.state.told).toEqual(['v1', 'v1', 'v1']);
  watch.state.fetched = 'v1';
  await watch.clock.advance(10 * POLL_MS);
  expect(watch.state.told).toEqual(['v1', 'v1', 'v1']);
  await stop(watch);
});

test('without a fetch before it, the watch begins with what is there', async () => {
  const watch = watching({ fetched: undefined });
  await watch.clock.settle();
  expect(watch.state.looks).toBe(1);
  await ring(watch);
  expect(watch.state.told).toEqual([]);
  await stop(watch);
});

test('the folders are checked before each wait, so that a recreated one is watched again', async () => {
  const watch = watching();
  await watch.clock.advance(POLL_MS * 5 + 10);
  expect(watch.state.arms).toBe(6);
  await stop(watch);
});

test('F48: ends when its signal aborts: at once, while it waits, and in the debounce', async () => {
  const atOnce = watching();
  await stop(atOnce);

  const waiting = watching();
  await waiting.clock.settle();
  await stop(waiting);

  const debouncing = watching();
  debouncing.bell.ring('hint');
  await debouncing.clock.advance(5);
  await stop(debouncing);
});

test('F48: a signal that was aborted before begins nothing', async () => {
  const clock = fakeClock();
  const changes = watchContent({
    look: () => Promise.reject(new Error('looked')),
    fetched: () => undefined,
    watcher: { arm: () => Promise.reject(new Error('armed')), close: async () => {} },
    bell: new Bell(),
    pollMs: POLL_MS,
    call: { clock, signal: AbortSignal.abort() },
  });
  expect(await changes.next()).toEqual({ done: true, value: undefined });
  expect(clock.pending).toBe(0);
});

test('F48: leaving the loop ends the watch', async () => {
  const { clock, bell, changes, state, running } = watching();
  state.content = 'v1';
  bell.ring('hint');
  await clock.advance(10);
  expect(state.told).toEqual(['v1']);
  bell.ring('hint');
  const left = changes.return();
  state.content = 'v2';
  await clock.advance(10);
  await left;
  await running;
  expect(clock.pending).toBe(0);
  expect(state.closes).toBe(1);
});

test('a watcher that cannot be armed ends the watch with its error, and leaves nothing behind', async () => {
  const clock = fakeClock();
  const changes = watchContent({
    look: async () => 'v0',
    fetched: () => 'v0',
    watcher: { arm: () => Promise.reject(new Error('no watcher')), close: async () => {} },
    bell: new Bell(),
    pollMs: POLL_MS,
    call: { clock, signal: new AbortController().signal },
  });
  await expect(changes.next()).rejects.toThrow('no watcher');
  await clock.settle();
  expect(clock.pending).toBe(0);
});
