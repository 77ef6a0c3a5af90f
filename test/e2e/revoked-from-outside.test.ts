import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireServer } from '../servers/require-server.js';
import { STATEMENTS, startLoad, transaction } from './load.js';
import { type Stack, startStack } from './stack.js';

describe.skipIf(!requireServer('openbao', 'postgres'))(
  'a lease that is revoked from outside under load',
  () => {
    let stack: Stack;
    beforeAll(async () => {
      stack = await startStack();
    });
    afterAll(() => stack?.stop());

    it('F14 F12: statements do not fail, a transaction fails at most once for each connection', async () => {
      const secrets = stack.createSecrets();
      const pool = stack.createPool(secrets);
      await secrets.ready();
      const statements = startLoad(pool, STATEMENTS, 20);
      const transactions = startLoad(pool, [transaction], 5);
      const rounds = 5;
      for (let round = 1; round <= rounds; round++) {
        const before = secrets.peekSecret(`vault:${stack.engine.creds}`)?.version;
        const [statementsBefore, transactionsBefore] = [statements.done(), transactions.done()];
        await stack.engine.revokeAll();
        await expect.poll(() => secrets.peekSecret(`vault:${stack.engine.creds}`)?.version).not.toBe(before);
        // Less than the five seconds that a proof without a place in the pool would wait.
        await expect.poll(() => statements.done(), { timeout: 4_000 }).toBeGreaterThan(statementsBefore + 50);
        await expect.poll(() => transactions.done()).toBeGreaterThan(transactionsBefore + 50);
        expect(transactions.failures.length).toBeLessThanOrEqual(5 * round);
      }
      await statements.stop();
      await transactions.stop();
      console.log(
        `${rounds} revocations: ${statements.done()} statements, ${statements.failures.length} failed; ` +
          `${transactions.done()} transactions, ${transactions.failures.length} failed`,
      );
      expect(statements.failures).toEqual([]);
      await pool.end();
      await secrets.close();
      expect(await stack.roles()).toBe(0);
    }, 120_000);
  },
);
