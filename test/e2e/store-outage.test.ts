import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { FaultMode } from '../servers/fault-proxy.js';
import { requireServer } from '../servers/require-server.js';
import { ALL_USES, startLoad } from './load.js';
import { type Stack, startStack } from './stack.js';

describe.skipIf(!requireServer('openbao', 'postgres'))(
  'a store that is away while the service serves',
  () => {
    let stack: Stack | undefined;
    afterEach(async () => {
      await stack?.stop();
      stack = undefined;
    });

    it('F1 F18: killed (SIGKILL) for 30 s, then restarted: nothing fails, and no burst follows', async () => {
      stack = await startStack({ storage: 'raft', ttl: '45s', maxTtl: '10m' });
      const { proxy, store } = stack;
      const secrets = stack.createSecrets();
      const pool = stack.createPool(secrets);
      await secrets.ready();
      let failed = 0;
      secrets.on('refresh-failed', () => failed++);
      let recovered = 0;
      secrets.on('lease-renewed', () => recovered++);
      secrets.on('secret-rotated', () => recovered++);
      const load = startLoad(pool, ALL_USES, 10);

      await sleep(5_000);
      await store.kill();
      proxy.forget();
      await sleep(30_000);
      const during = proxy.requests().length;
      proxy.forget();
      await store.restart();
      await expect.poll(() => recovered, { timeout: 10_000 }).toBeGreaterThan(0);
      await sleep(2_000);
      const after = proxy.requests().length;
      await load.stop();

      console.log(
        `killed for 30 s: ${load.done()} operations, ${load.failures.length} failed; ${failed} failed refreshes; ` +
          `requests at the store: ${during} during, ${after} after`,
      );
      expect(load.failures).toEqual([]);
      expect(failed).toBeGreaterThan(0);
      expect(during).toBeLessThanOrEqual(12);
      expect(after).toBeLessThanOrEqual(6);
      await pool.end();
      await secrets.close();
      expect(await stack.roles()).toBe(0);
    }, 150_000);

    it('F18 F21: sealed, slow, HTML, resets, one after the other: nothing fails', async () => {
      stack = await startStack({ ttl: '10s', maxTtl: '10m' });
      const { proxy } = stack;
      const secrets = stack.createSecrets();
      const pool = stack.createPool(secrets);
      await secrets.ready();
      const faults: [string, FaultMode][] = [
        ['sealed', { status: 503, body: { errors: ['Vault is sealed'] } }],
        ['slow', { latency: 2_500 }],
        ['html', 'html'],
        ['resets', 'reset'],
      ];
      let failed = 0;
      secrets.on('refresh-failed', () => failed++);
      const load = startLoad(pool, ALL_USES, 10);
      const met: string[] = [];
      for (const [name, mode] of faults) {
        // The fault begins with a fresh lease, covers its renewal at 6 to 7 s, and ends before the lease does.
        await secrets.rotate(`vault:${stack.engine.creds}`);
        const failedBefore = failed;
        await sleep(4_500);
        await proxy.set(mode);
        await sleep(3_000);
        await proxy.set('pass');
        if (failed > failedBefore) met.push(name);
      }
      await load.stop();
      console.log(
        `faults: ${load.done()} operations, ${load.failures.length} failed; met by ${met.join(', ')}`,
      );
      expect(load.failures).toEqual([]);
      expect(met).toEqual(expect.arrayContaining(['sealed', 'html', 'resets']));
      await pool.end();
      await secrets.close();
      expect(await stack.roles()).toBe(0);
    }, 120_000);
  },
);
