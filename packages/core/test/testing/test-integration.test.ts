import { type IntegrationUnderTest, testIntegration } from '@keyturn/core/testing';
import { describe, expect, it } from 'vitest';
import { runSuite } from './run-suite.js';
import { type PoolFault, SmallPool, SmallServer } from './small-pool.js';

const MAX = 4;

function underTest(fault?: PoolFault): IntegrationUnderTest {
  const backend = new SmallServer();
  return {
    backend,
    max: MAX,
    settleMs: fault === undefined ? 5_000 : 150,
    open: (source, ref) => new SmallPool(backend, source, ref, MAX, fault),
  };
}

testIntegration({ describe, it }, 'a small pool', () => underTest());

const LOAD = 'no operation fails while credentials rotate under load, and each comes into use';
const CLOSE = 'close closes every connection, twice as once, and follows the secret no more';

/** Each fault, and the check that must find it. */
const FOUND_BY: Readonly<Record<PoolFault, string>> = {
  'comes as somebody else': 'opens with the first credential, and only when it is used',
  'cuts off what is busy': LOAD,
  'opens without a limit': 'never opens more connections than its limit, also during a rotation',
  'keeps old connections': 'lets go of the old credential before that is revoked',
  'acknowledges too early': 'work that is under way survives a swap, on the credential that it began with',
  'does not prove': 'a new credential that does not work leaves the old one in service',
  'gives up when it is refused': 'a rotation that was missed heals itself, by one fetch for all',
  'asks for each refusal': 'a rotation that was missed heals itself, by one fetch for all',
  'asks the store at each use': 'goes on while the store is down',
  'leaves connections open': CLOSE,
  'works on after close': CLOSE,
  'follows the secret after close': CLOSE,
  'shows its password': 'shows no credential: not in what it hands out, in an error, in what it prints',
};

describe('the integration suite', () => {
  it.each(Object.entries(FOUND_BY) as [PoolFault, string][])(
    'fails a pool that %s',
    async (fault, foundBy) => {
      const { failed, skipped, passed } = await runSuite(
        (test) => testIntegration(test, 'broken', () => underTest(fault)),
        (name) => name === foundBy,
      );
      expect({ passed, skipped: [...skipped.keys()], failed: [...failed.keys()] }).toEqual({
        passed: [],
        skipped: [],
        failed: [foundBy],
      });
      expect([...failed.values()].join()).not.toMatch(/canary-\d/);
    },
  );

  it('has a fault for each of its checks', () => {
    const names: string[] = [];
    testIntegration({ describe: (_, body) => body(), it: (name) => void names.push(name) }, 'any', underTest);
    expect(new Set(Object.values(FOUND_BY))).toEqual(new Set(names));
  });

  it('skips by name what does not apply, and says why', async () => {
    const { passed, failed, skipped } = await runSuite(
      (test) =>
        testIntegration(test, 'limited', () => {
          const { backend, open } = underTest();
          return {
            backend,
            without: ['proof', 'healing'],
            async open(source, ref) {
              const { exposed, ...pool } = await open(source, ref);
              void pool;
              const opened = await open(source, ref);
              return { use: () => opened.use(), close: () => opened.close(), exposed };
            },
          };
        }),
      (name) => !name.startsWith('close'),
    );
    expect([...failed.keys()]).toEqual([]);
    expect([...skipped.values()].sort()).toEqual([
      'it does not heal itself',
      'it does not prove credentials',
      'it has no limit',
      'it has no work that lasts',
    ]);
    expect(passed.length).toBe(5);
  });
});
