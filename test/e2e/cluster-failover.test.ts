import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OpenBaoServer } from '../servers/openbao.js';
import { requireServer } from '../servers/require-server.js';
import { type ClusterStack, SHORT, startClusterStack } from './cluster.js';
import { expectSound, RIGHT, startLiveReaders } from './live-readers.js';
import { type Readers, startReaders } from './readers.js';

describe.skipIf(!requireServer('openbao', 'postgres'))('three nodes of a store under 50 readers', () => {
  let stack: ClusterStack;
  beforeAll(async () => {
    stack = await startClusterStack();
  }, 120_000);
  afterAll(() => stack?.stop());

  let running: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop();
    running = [];
    for (const node of stack.cluster.nodes) await stack.proxyOf(node).set('pass');
    await stack.whole();
  });

  /** A service that prefers `first`. */
  async function startService(first: OpenBaoServer) {
    const secrets = stack.createSecrets(first, {
      cache: { ttl: '500ms' },
      resilience: { breakerReset: '1s' },
    });
    secrets.on('refresh-failed', () => {});
    const live = await startLiveReaders(secrets, { creds: SHORT, postgres: stack.postgres });
    const service = {
      secrets,
      live,
      async stop() {
        await live.stop();
        await secrets.close();
      },
    };
    running.push(service);
    expect(stack.proxyOf(first).requests().length).toBeGreaterThan(0);
    live.forgetGaps();
    stack.forget();
    return service;
  }

  /** The same, and two callers that ask the store again and again. */
  async function startAsking(first: OpenBaoServer) {
    const { secrets, live } = await startService(first);
    const read = startReaders({
      name: 'read at the store',
      readers: 1,
      pauseMs: 100,
      read: () => secrets.rotate('vault:secret/orders#key'),
      isRight: (secret) => secret.reveal() === RIGHT,
    });
    const leased = startReaders({
      name: 'leased by the store',
      readers: 1,
      pauseMs: 200,
      read: () => secrets.rotate('vault:database/creds/app'),
      isRight: () => true,
    });
    const service = {
      secrets,
      live,
      read,
      leased,
      told: () => `${live.told()}\n  ${read.told()}\n  ${leased.told()}`,
      async stop() {
        await Promise.all([live, read, leased].map((one) => one.stop()));
        await secrets.close();
      },
    };
    running.push(service);
    await again(leased);
    for (const one of [live.kv, live.leased, read, leased]) one.forgetGap();
    stack.forget();
    return service;
  }

  /** Waits for one more success. */
  async function again({ figures }: Readers): Promise<void> {
    const before = figures.served;
    await expect.poll(() => figures.served, { interval: 20 }).toBeGreaterThan(before + 1);
  }

  async function expectNothingLeft(service: { stop(): Promise<void> }): Promise<void> {
    await service.stop();
    await expect.poll(() => stack.roles()).toBe(0);
    await expect.poll(() => stack.leases()).toBe(0);
  }

  it('F18: the leader is killed: what was held serves on, leases come again within a second of the election', async () => {
    const leader = await stack.cluster.leader();
    const service = await startAsking(leader);
    await leader.kill();
    const electionMs = await stack.electionMs();
    const during = stack.requests();
    stack.forget();
    await again(service.leased);
    const { live, read, leased } = service;
    await Promise.all([live.stop(), read.stop(), leased.stop()]);
    console.log(
      `leader killed: election ${Math.round(electionMs)} ms; requests at the store: ${during} during, ` +
        `${stack.requests()} until leased again\n${service.told()}`,
    );
    expectSound(live);
    expect(live.kv.figures.failed.size).toBe(0);
    expect(read.figures.longestGapMs).toBeLessThan(electionMs + 1_000);
    expect(leased.figures.longestGapMs).toBeLessThan(electionMs + 1_000);
    expect(live.leased.figures.longestGapMs).toBeLessThan(electionMs + 1_000);
    expect(during).toBeLessThan(60 * (electionMs / 1_000) + 60);
    await expectNothingLeft(service);
  });

  it('F1: the follower in use is killed: nothing fails, and the next node is called at once', async () => {
    const [follower] = (await stack.cluster.standbys()) as [OpenBaoServer];
    const service = await startAsking(follower);
    await follower.kill();
    const rotations = service.live.leased.handedOut().length;
    await again(service.leased);
    let renewed = 0;
    service.secrets.on('lease-renewed', ({ ref }) => {
      if (ref.endsWith('short')) renewed++;
    });
    await expect.poll(() => renewed).toBeGreaterThan(0);
    const { live, read, leased } = service;
    await Promise.all([live.stop(), read.stop(), leased.stop()]);
    const atDead = stack.proxyOf(follower).requests().length;
    console.log(`follower killed: ${atDead} requests at it, ${stack.requests()} in all\n${service.told()}`);
    expectSound(live);
    expect(atDead).toBeLessThan(5);
    for (const { figures } of [live.kv, live.leased, read, leased]) {
      expect([...figures.failed]).toEqual([]);
      expect(figures.longestGapMs).toBeLessThan(1_000);
    }
    expect(live.leased.handedOut().length).toBe(rotations);
    await expectNothingLeft(service);
  });

  it('F1: the node in use is sealed: nothing fails, and it is called again when it is unsealed', async () => {
    const [node] = (await stack.cluster.standbys()) as [OpenBaoServer];
    const service = await startService(node);
    const { secrets, live } = service;
    let renewed = 0;
    secrets.on('lease-renewed', () => renewed++);
    await node.seal();
    stack.forget();
    await expect.poll(() => renewed).toBeGreaterThan(0);
    const sealed = stack.proxyOf(node).requests().length;
    await node.unseal();
    stack.forget();
    await expect.poll(() => stack.proxyOf(node).requests().length).toBeGreaterThan(2);
    await live.stop();
    console.log(`node in use sealed: ${sealed} requests at it until a lease was renewed\n${live.told()}`);
    expectSound(live);
    for (const { figures } of [live.kv, live.leased]) {
      expect([...figures.failed]).toEqual([]);
      expect(figures.longestGapMs).toBeLessThan(1_000);
    }
    expect(sealed).toBeLessThan(5);
    await expectNothingLeft(service);
  });

  it('F2 F18: all nodes are sealed: values serve on, leases to their end and not past it, and no herd follows', async () => {
    const service = await startService(await stack.cluster.leader());
    const { live } = service;
    for (const node of [...(await stack.cluster.standbys()), await stack.cluster.leader()]) await node.seal();
    const sealedMs = performance.now();
    stack.forget();
    await expect.poll(() => live.leased.figures.failed.size, { interval: 10 }).toBeGreaterThan(0);
    const endedMs = performance.now() - sealedMs;
    const failedBefore = sum(live.leased.figures.failed);
    await expect.poll(() => sum(live.leased.figures.failed)).toBeGreaterThan(failedBefore + 500);
    const during = stack.requests();
    const forMs = performance.now() - sealedMs;
    await Promise.all(stack.cluster.nodes.map((node) => node.unseal()));
    await stack.whole();
    const backMs = performance.now();
    stack.forget();
    await again(live.leased);
    const recoveredMs = performance.now() - backMs;
    const renewed = new Promise((resolve) => service.secrets.on('lease-renewed', resolve));
    await renewed;
    const after = stack.requests();
    await live.stop();
    console.log(
      `all sealed for ${Math.round(forMs)} ms: leased values served for ${Math.round(endedMs)} ms of it, and again ` +
        `${Math.round(recoveredMs)} ms after the store was back; requests at the store: ${during} during, ` +
        `${after} until the new lease was renewed\n${live.told()}`,
    );
    expectSound(live);
    expect([...live.kv.figures.failed]).toEqual([]);
    expect(live.kv.figures.stale).toBeGreaterThan(0);
    expect(endedMs).toBeLessThan(6_000);
    for (const code of live.leased.figures.failed.keys()) {
      expect(['unavailable', 'timeout', 'circuit-open']).toContain(code);
    }
    expect(during).toBeLessThan(15 * (forMs / 1_000) + 30);
    expect(after).toBeLessThan(60);
    expect(recoveredMs).toBeLessThan(7_000);
    await expectNothingLeft(service);
  });

  it('F20: what was read at one node is never older at the next', async () => {
    const leader = await stack.cluster.leader();
    const read: string[] = [];
    for (let version = 1; version <= 8; version++) {
      await using secrets = stack.createSecrets(leader);
      await secrets.preload(['vault:secret/orders#key']);
      await leader.api('POST', 'secret/data/moving', { data: { key: `version ${version}` } });
      const first = await secrets.getSecret('vault:secret/moving#key');
      await stack.proxyOf(leader).set('reset');
      const next = await secrets.rotate('vault:secret/moving#key');
      await stack.proxyOf(leader).set('pass');
      read.push(`${first.reveal()}, ${next.reveal()}`);
    }
    expect(read).toEqual(Array.from({ length: 8 }, (_, n) => `version ${n + 1}, version ${n + 1}`));
  });

  it('a standby that answers 400 while it catches up with a new mount is passed over', async () => {
    const [standby] = (await stack.cluster.standbys()) as [OpenBaoServer];
    const { policy, policyText } = stack.engine;
    const allowed = `${policyText}\npath "fresh/data/*" { capabilities = ["read"] }`;
    await stack.api('PUT', `sys/policies/acl/${policy}`, { policy: allowed });
    await using secrets = stack.createSecrets(standby);
    await secrets.preload(['vault:secret/orders#key']);
    await stack.api('POST', 'sys/mounts/fresh', { type: 'kv', options: { version: '2' } });
    const written = async () =>
      (await stack.api('POST', 'fresh/data/orders', { data: { key: RIGHT } }).catch(() => undefined)) !==
      undefined;
    await expect.poll(written, { interval: 5 }).toBe(true);
    const status = async () => (await standby.call('GET', 'fresh/data/orders')).status;
    await expect.poll(status, { interval: 5 }).toBe(400);
    stack.forget();
    expect((await secrets.getSecret('vault:fresh/orders#key')).reveal()).toBe(RIGHT);
    expect(stack.proxyOf(standby).count('GET', '/v1/fresh/data/orders')).toBe(1);
    expect(await status()).toBe(400);
  });
});

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
