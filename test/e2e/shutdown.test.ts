import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startLoad } from '../../scripts/demo/load.mjs';
import { startService } from '../../scripts/demo/service.mjs';
import { requireServer } from '../servers/require-server.js';
import { type Stack, startStack } from './stack.js';

type Service = Awaited<ReturnType<typeof startService>>;

describe.skipIf(!requireServer('openbao', 'postgres'))('the example service as a process', () => {
  let stack: Stack;
  let services: Service[] = [];
  beforeAll(async () => {
    stack = await startStack();
    await stack.engine.addDynamicRole('orders', { ttl: '6s', maxTtl: '60s' });
  });
  afterEach(async () => {
    for (const service of services) service.signal('SIGKILL');
    await Promise.all(services.map((service) => service.exited));
    services = [];
  });
  afterAll(() => stack?.stop());

  async function start(): Promise<Service> {
    const service = await startService(
      'server.js',
      {
        VAULT_ADDR: stack.proxy.address,
        VAULT_ROLE_ID: stack.engine.approle.roleId,
        VAULT_SECRET_ID: stack.engine.approle.secretId,
        PGHOST: stack.postgres.host,
        PGPORT: String(stack.postgres.port),
        PGDATABASE: stack.postgres.database,
      },
      () => {},
    );
    services.push(service);
    return service;
  }

  it('F46 F48: SIGTERM under load: in-flight requests finish, leases are revoked, exit code 0, no role is left', async () => {
    const service = await start();
    const load = startLoad({ port: service.port, workers: 10, pauseMs: 1 });
    await expect.poll(() => load.figures.served).toBeGreaterThan(500);
    expect(await stack.roles()).toBe(1);
    const tokens = await accessors(stack);
    // The load goes on over connections that are kept alive: it must not keep the service alive.
    service.signal('SIGTERM');
    expect(await service.exited).toBe(0);
    await load.stop();
    // A connection that is refused or closed before a request is taken is the end of the service, not a failure of it.
    const failures = [...load.figures.reasons.keys()].filter(
      (reason) => !['ECONNREFUSED', 'ECONNRESET'].includes(reason),
    );
    expect(failures).toEqual([]);
    expect(await stack.roles()).toBe(0);
    expect(await accessors(stack)).toBeLessThan(tokens);
  });

  it('SIGHUP rotates by hand, and the service goes on', async () => {
    const service = await start();
    const versions = async () => {
      const answer = await fetch(`http://127.0.0.1:${service.port}/status`);
      const { secrets } = (await answer.json()) as { secrets: { version: string }[] };
      return secrets.map(({ version }) => version).join();
    };
    await fetch(`http://127.0.0.1:${service.port}/orders`);
    const before = await versions();
    service.signal('SIGHUP');
    await expect.poll(versions).not.toBe(before);
    service.signal('SIGTERM');
    expect(await service.exited).toBe(0);
  });

  it('an idle connection that the database ends does no harm', async () => {
    const service = await start();
    const load = startLoad({ port: service.port, workers: 4, pauseMs: 1 });
    await expect.poll(() => load.figures.served).toBeGreaterThan(100);
    await load.stop();
    const { postgres } = stack;
    const ended = await postgres.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'v-%' AND state = 'idle'",
    );
    expect(ended.length).toBeGreaterThan(0);
    const again = startLoad({ port: service.port, workers: 4, pauseMs: 1 });
    await expect.poll(() => again.figures.served).toBeGreaterThan(100);
    await again.stop();
    expect(again.figures.failed).toBe(0);
    service.signal('SIGTERM');
    expect(await service.exited).toBe(0);
  });

  it('SIGKILL: the store’s own expiry cleans up, and the restarted service is at work within a second', async () => {
    const first = await start();
    const load = startLoad({ port: first.port, workers: 4, pauseMs: 1 });
    await expect.poll(() => load.figures.served).toBeGreaterThan(100);
    first.signal('SIGKILL');
    await load.stop();
    await first.exited;
    expect(await stack.roles()).toBe(1);

    const startedMs = performance.now();
    const second = await start();
    const again = startLoad({ port: second.port, workers: 4, pauseMs: 1 });
    await expect.poll(() => again.figures.served, { interval: 5 }).toBeGreaterThan(0);
    const tookMs = performance.now() - startedMs;
    console.log(`restarted and at work after ${Math.round(tookMs)} ms`);
    expect(await stack.roles()).toBe(2);
    await expect.poll(() => stack.roles(), { timeout: 15_000 }).toBe(1);
    await again.stop();
    expect(again.figures.failed).toBe(0);
    second.signal('SIGTERM');
    expect(await second.exited).toBe(0);
    expect(await stack.roles()).toBe(0);
  });
});

/** How many tokens the store knows. */
async function accessors(stack: Stack): Promise<number> {
  return (await stack.store.api('LIST', 'auth/token/accessors')).data.keys.length;
}
