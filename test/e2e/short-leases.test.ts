import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireServer } from '../servers/require-server.js';
import { ALL_USES, startLoad } from './load.js';
import { type Stack, startStack } from './stack.js';

const LIFE_MS = 120_000;

/** Sessions of roles that are gone, or whose last statement began after their lease had ended (VALID UNTIL less 5 s). */
const USED_AFTER_ITS_END = `
  select a.usesysid from pg_stat_activity a left join pg_roles r on r.oid = a.usesysid
  where a.backend_type = 'client backend' and a.datname = 'app' and a.usesysid <> 10
    and (r.oid is null or a.query_start > r.rolvaliduntil - interval '5 s')`;

describe.skipIf(!requireServer('openbao', 'postgres'))('leases of 5 s, at most 12 s, for two minutes', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ ttl: '5s', maxTtl: '12s' });
  });
  afterAll(() => stack?.stop());

  it('F7 F8: every credential is replaced before its end, and none is used after it', async () => {
    const secrets = stack.createSecrets();
    const pool = stack.createPool(secrets);
    await secrets.ready();
    const events = { renewed: 0, rotated: 0, expired: 0 };
    secrets.on('lease-renewed', () => events.renewed++);
    secrets.on('secret-rotated', () => events.rotated++);
    secrets.on('lease-expired', () => events.expired++);
    const load = startLoad(pool, ALL_USES, 4);
    const late: unknown[] = [];
    // Two minutes of real time are what is tested here: leases end by the store's own clock.
    for (let passedMs = 0; passedMs < LIFE_MS; passedMs += 250) {
      late.push(...(await stack.postgres.query(USED_AFTER_ITS_END)));
      await sleep(250);
    }
    await load.stop();
    console.log(
      `two minutes: ${load.done()} operations, ${load.failures.length} failed; ${events.renewed} renewals, ` +
        `${events.rotated} rotations, ${events.expired} expired, ${late.length} uses after the end`,
    );
    expect(load.failures).toEqual([]);
    expect(late).toEqual([]);
    expect(events.expired).toBe(0);
    expect(events.rotated).toBeGreaterThanOrEqual(LIFE_MS / 12_000);
    await pool.end();
    await secrets.close();
    expect(await stack.roles()).toBe(0);
  }, 200_000);
});
