import type { Secrets, SecretsConfig } from '@keyturn/core';
import { systemClock } from '@keyturn/core/provider';
import { approle, vault } from '@keyturn/vault';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { requireServer } from '../servers/require-server.js';
import { expectSound, type LiveReaders, RIGHT, startLiveReaders } from './live-readers.js';
import { type Stack, startStack } from './stack.js';

const LEASED = 'database/creds/short';

describe.skipIf(!requireServer('openbao', 'postgres'))('a login and its leases under 50 readers', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
    await stack.engine.addDynamicRole('short', { ttl: '6s', maxTtl: '1h' });
    await stack.store.api('POST', 'secret/data/orders', { data: { key: RIGHT } });
  });
  afterAll(() => stack?.stop());

  let running: { secrets: Secrets; live: LiveReaders }[] = [];
  afterEach(async () => {
    for (const { live, secrets } of running) {
      await live.stop();
      await secrets.close();
    }
    running = [];
  });

  async function startService(config: Partial<SecretsConfig> = {}) {
    const secrets = stack.createSecrets({ cache: { ttl: '500ms' }, ...config });
    const events: string[] = [];
    for (const event of ['session-started', 'session-lost', 'secret-rotated', 'lease-renewed'] as const) {
      secrets.on(event, (payload) => {
        if (!('ref' in payload) || payload.ref === `vault:${LEASED}`) events.push(event);
      });
    }
    secrets.on('refresh-failed', () => {});
    const live = await startLiveReaders(secrets, { creds: LEASED, postgres: stack.postgres });
    running.push({ secrets, live });
    live.forgetGaps();
    stack.proxy.forget();
    return { secrets, live, count: (event: string) => events.filter((one) => one === event).length };
  }

  /** Ends a service, and proves that the store has nothing left of it. */
  async function expectNothingLeft({
    secrets,
    live,
  }: {
    secrets: Secrets;
    live: LiveReaders;
  }): Promise<void> {
    await live.stop();
    await secrets.close();
    expect(await stack.roles()).toBe(0);
    expect((await stack.store.call('LIST', `sys/leases/lookup/${LEASED}`)).status).toBe(404);
    expect(await logins(stack)).toEqual([]);
  }

  it('F14: the token is revoked from outside: one new login, its leases replaced, no value wrong or missing', async () => {
    const service = await startService();
    const { live, count } = service;
    const [accessor] = await logins(stack);
    const revokedMs = performance.now();
    await stack.store.api('POST', 'auth/token/revoke-accessor', { accessor });
    await expect.poll(() => count('secret-rotated'), { interval: 5 }).toBe(1);
    const tookMs = performance.now() - revokedMs;
    await live.stop();
    console.log(
      `token revoked: replaced after ${Math.round(tookMs)} ms, ${stack.proxy.requests().length} requests\n${live.told()}`,
    );
    expectSound(live);
    for (const { figures } of [live.kv, live.leased]) expect([...figures.failed]).toEqual([]);
    expect(tookMs).toBeLessThan(2_000);
    expect(stack.proxy.count('POST', '/v1/auth/approle/login')).toBe(1);
    expect(stack.proxy.count('GET', `/v1/${LEASED}`)).toBe(1);
    await expectNothingLeft(service);
  });

  it('F15: a token at its explicit maximum: a new login and new leases before it ends, and nothing fails', async () => {
    const login = await stack.engine.addAppRole('4s', '8s');
    const provider = vault({ address: stack.proxy.address, auth: approle(login) });
    const service = await startService({ providers: { vault: provider } });
    const { live, count } = service;
    const startedMs = performance.now();
    await expect.poll(() => count('secret-rotated')).toBeGreaterThan(1);
    const twoLivesMs = performance.now() - startedMs;
    await live.stop();
    console.log(
      `tokens of at most 8 s: ${stack.proxy.count('POST', '/v1/auth/approle/login')} new logins and ` +
        `${count('secret-rotated')} rotations in ${Math.round(twoLivesMs)} ms, ` +
        `${stack.proxy.requests().length} requests\n${live.told()}`,
    );
    expectSound(live);
    for (const { figures } of [live.kv, live.leased]) {
      expect([...figures.failed]).toEqual([]);
      expect(figures.longestGapMs).toBeLessThan(1_000);
    }
    expect(count('session-lost')).toBe(0);
    await expectNothingLeft(service);
  });

  it('F12: every lease is revoked by its prefix: replaced once, at the first renewal', async () => {
    const service = await startService();
    const { live, count } = service;
    await stack.engine.revokeAll();
    await expect.poll(() => count('secret-rotated')).toBe(1);
    await expect.poll(() => count('lease-renewed')).toBe(1);
    await live.stop();
    console.log(
      `prefix revoked: ${stack.proxy.requests().length} requests until renewed again\n${live.told()}`,
    );
    expectSound(live);
    for (const { figures } of [live.kv, live.leased]) expect([...figures.failed]).toEqual([]);
    expect(stack.proxy.count('GET', `/v1/${LEASED}`)).toBe(1);
    expect(stack.proxy.count('POST', '/v1/auth/approle/login')).toBe(0);
    await expectNothingLeft(service);
  });

  it('F19: a rate-limit quota answers 429: values serve on, and the store is asked less than it allows to refuse', async () => {
    const service = await startService();
    const { live } = service;
    await stack.store.api('POST', 'sys/quotas/rate-limit/tight', {
      path: 'secret/',
      rate: 0.001,
      interval: '1h',
    });
    // What the quota has left is used up by others.
    const ask = async () => (await stack.store.call('GET', 'secret/data/orders')).status;
    await expect.poll(ask, { interval: 1 }).toBe(429);
    stack.proxy.forget();
    const limitedMs = performance.now();
    const staleBefore = live.kv.figures.stale;
    await expect.poll(() => stack.proxy.count('GET', '/v1/secret/data/orders')).toBeGreaterThan(2);
    const during = stack.proxy.requests().length;
    const forMs = performance.now() - limitedMs;
    await stack.store.api('DELETE', 'sys/quotas/rate-limit/tight');
    await expect
      .poll(() => service.secrets.peekSecret('vault:secret/orders#key')?.stale, { interval: 5 })
      .toBe(false);
    await live.stop();
    console.log(`429 for ${Math.round(forMs)} ms: ${during} requests\n${live.told()}`);
    expectSound(live);
    for (const { figures } of [live.kv, live.leased]) expect([...figures.failed]).toEqual([]);
    expect(live.kv.figures.stale).toBeGreaterThan(staleBefore);
    expect(during).toBeLessThan(2 * (forMs / 1_000) + 4);
    await expectNothingLeft(service);
  });

  it('F36: the wall clock jumps an hour forward, then back: leases are replaced once, and the old ones never served', async () => {
    let offsetMs = 0;
    const clock = { ...systemClock, wallMs: () => systemClock.wallMs() + offsetMs };
    const service = await startService({ clock });
    const { live, count, secrets } = service;
    const [old] = live.leased.handedOut();
    offsetMs = 3_600_000;
    const jumped = await secrets.getSecret(`vault:${LEASED}`);
    expect(jumped.field('username').reveal()).not.toBe(old);
    const served = live.leased.figures.served;
    await expect.poll(() => live.leased.figures.served).toBeGreaterThan(served + 200);
    const after = live.leased.handedOut();
    offsetMs = 0;
    await expect.poll(() => count('lease-renewed')).toBe(1);
    await live.stop();
    console.log(`wall clock +1 h, −1 h: ${stack.proxy.requests().length} requests\n${live.told()}`);
    expectSound(live);
    for (const { figures } of [live.kv, live.leased]) {
      expect([...figures.failed]).toEqual([]);
      expect(figures.longestGapMs).toBeLessThan(1_000);
    }
    expect(after.length).toBe(2);
    expect(live.leased.handedOut()).toEqual(after);
    await expectNothingLeft(service);
  });
});

/** The accessors of the tokens that the application's logins hold. */
async function logins({ store }: Stack): Promise<string[]> {
  const { data } = await store.api('LIST', 'auth/token/accessors');
  const facts = await Promise.all(
    data.keys.map((accessor: string) => store.call('POST', 'auth/token/lookup-accessor', { accessor })),
  );
  return facts.flatMap(({ body }) => (/^auth\/approle/.test(body?.data?.path) ? [body.data.accessor] : []));
}
