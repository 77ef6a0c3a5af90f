import type { Secrets } from '@keyturn/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenBaoServer } from '../servers/openbao.js';
import { requireServer } from '../servers/require-server.js';
import { type ClusterStack, startClusterStack } from './cluster.js';
import { startLeaseReaders, startReaders, told } from './readers.js';

const KV = 'vault:secret/orders#key';
const LEASED = 'vault:database/creds/short';
const COLD = 'vault:secret/cold#key';

describe.skipIf(!requireServer('openbao', 'postgres'))('a cluster of three nodes under 50 readers', () => {
  let stack: ClusterStack;
  let secrets: Secrets;
  beforeAll(async () => {
    stack = await startClusterStack();
    await stack.engine.addDynamicRole('short', { ttl: '6s', maxTtl: '1h' });
    await stack.engine.addDynamicRole('cold', { ttl: '1h', maxTtl: '1h' });
    for (const name of ['orders', 'cold'])
      await stack.api('POST', `secret/data/${name}`, { data: { key: 'right' } });
  }, 120_000);
  afterAll(() => stack?.stop());

  async function load(first: OpenBaoServer) {
    secrets = stack.createSecrets(first, { cache: { ttl: '500ms' } });
    const kv = startReaders({
      readers: 25,
      read: () => secrets.getSecret(KV),
      isRight: (s) => s.reveal() === 'right',
    });
    const leased = startLeaseReaders(secrets, LEASED, stack.postgres, 25);
    const cold = startReaders({
      readers: 1,
      pauseMs: 50,
      read: () => secrets.rotate(COLD),
      isRight: (s) => s.reveal() === 'right',
    });
    const fresh = startReaders({
      readers: 1,
      pauseMs: 200,
      read: () => secrets.rotate('vault:database/creds/cold'),
      isRight: () => true,
    });
    await expect
      .poll(() => Math.min(...[kv, leased, cold, fresh].map((r) => r.figures.served)))
      .toBeGreaterThan(3);
    return { kv, leased, cold, fresh, all: [kv, leased, cold, fresh] };
  }

  it('leader killed', async () => {
    const leader = await stack.cluster.leader();
    const { kv, leased, cold, fresh, all } = await load(leader);
    for (const r of all) r.forgetGap();
    stack.forget();
    await leader.kill();
    const t = performance.now();
    const electionMs = await stack.electionMs();
    const during = stack.requests();
    const served = fresh.figures.served;
    await expect.poll(() => fresh.figures.served, { interval: 5 }).toBeGreaterThan(served);
    console.log('fresh served again after', performance.now() - t);
    await new Promise((r) => setTimeout(r, 3_000));
    await Promise.all(all.map((r) => r.stop()));
    console.log(
      `election ${electionMs} requests ${during} / ${stack.requests()}`,
      told('kv', kv),
      told('leased', leased),
      told('cold', cold),
      told('fresh', fresh),
      leased.servedLate(),
    );
    const c = performance.now();
    await secrets.close();
    console.log('close', performance.now() - c, await stack.roles());
    await leader.restart();
    await stack.whole();
  });
});
