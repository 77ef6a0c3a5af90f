import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireServer } from '../servers/require-server.js';
import { ALL_USES, startLoad, watchConnections } from './load.js';
import { type Stack, startStack } from './stack.js';

const ROTATIONS = 200;

describe.skipIf(!requireServer('openbao', 'postgres'))('a database password that rotates under load', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack?.stop());

  it(`${ROTATIONS} rotations under 20 workers: nothing fails, max is kept, old roles are dropped`, async () => {
    const secrets = stack.createSecrets();
    const pool = stack.createPool(secrets);
    await secrets.ready();
    let drained = 0;
    secrets.on('secret-drained', () => drained++);
    const connections = watchConnections(stack.postgres.query);
    const load = startLoad(pool, ALL_USES, 20);

    // Clients that stay checked out over several rotations each.
    const versions = new Set<string>();
    for (let rotation = 0; rotation < ROTATIONS; rotation += 5) {
      const held = await Promise.all([pool.connect(), pool.connect()]);
      for (let step = 0; step < 5; step++) {
        versions.add((await secrets.rotate(`vault:${stack.engine.creds}`)).version);
      }
      for (const client of held) {
        await client.query('select 1 from orders limit 1');
        client.release();
      }
    }
    await load.stop();
    const peak = await connections.stop();

    console.log(
      `${ROTATIONS} rotations: ${load.done()} operations, ${load.failures.length} failed, peak ${peak} connections`,
    );
    expect(load.failures).toEqual([]);
    expect(versions.size).toBe(ROTATIONS);
    expect(load.done()).toBeGreaterThan(ROTATIONS);
    expect(peak).toBeLessThanOrEqual(10);

    await expect.poll(() => stack.roles(), { timeout: 20_000 }).toBe(1);
    expect(drained).toBe(ROTATIONS);
    await pool.end();
    await secrets.close();
    expect(await stack.roles()).toBe(0);
  }, 240_000);
});
