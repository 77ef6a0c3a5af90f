import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RetryBudget } from '../../src/resilience/retry-budget.js';
import { world } from '../support/world.js';

describe('the retry budget', () => {
  it('F39: grants ten, and then one for ten calls', () => {
    const budget = new RetryBudget();
    const granted = (calls: number) => {
      let count = 0;
      for (let call = 0; call < calls; call++) {
        budget.earn();
        while (budget.spend()) count++;
      }
      return count;
    };
    expect(granted(1)).toBe(10);
    expect(granted(1_000)).toBeGreaterThanOrEqual(99);
    expect(granted(1_000)).toBeLessThanOrEqual(101);
  });

  it('never grants more than ten and a tenth of the calls, however they come', () => {
    const steps = fc.array(fc.boolean(), { maxLength: 500 });
    fc.assert(
      fc.property(steps, (isCall) => {
        const budget = new RetryBudget();
        let [calls, retries] = [0, 0];
        for (const call of isCall) {
          if (call) {
            calls++;
            budget.earn();
          } else if (budget.spend()) retries++;
          expect(retries).toBeLessThanOrEqual(10 + calls / 10 + 1e-6);
        }
      }),
    );
  });

  it('F39: keeps a thousand references that fail from becoming three thousand calls', async () => {
    const { store, secrets, clock } = world();
    store.goDown();
    const reads = Array.from({ length: 1_000 }, (_, number) =>
      secrets.getSecret(`s:app-${number}`).catch(() => {}),
    );
    await clock.advance(600_000);
    await Promise.all(reads);
    expect(store.count('fetch')).toBeLessThan(1_200);
  });
});
