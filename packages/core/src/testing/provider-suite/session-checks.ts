import type { ErrorCode } from '../../errors/error-policy.js';
import type { SessionContract, SessionGrant } from '../../provider/contract.js';
import { assertThat } from '../assert-that.js';
import { assertLength, renew } from './lease-checks.js';
import type { ProviderBench } from './provider-bench.js';
import type { ProviderCheck } from './provider-check.js';

const DEAD: readonly ErrorCode[] = ['unauthenticated', 'permission-denied'];

/** How the provider logs in, and what a login is worth. */
export const SESSION_CHECKS: readonly ProviderCheck[] = [
  {
    name: 'session: a login has a credential, and a lease with a length where it ends',
    needs: ['session'],
    async run(bench) {
      const grant = await bench.login();
      assertThat(grant.credential !== undefined, 'a login must have a credential');
      assertThat(typeof grant.revocable === 'boolean', 'a login must say whether it is revocable');
      if (grant.lease !== undefined) assertLength(grant.lease, 'the lease of a login');
      if (bench.provider.session?.isAlive !== undefined)
        assertThat(await isAlive(bench, grant), 'it must be alive');
      const { ref } = await bench.put('suite-login');
      await bench.fetch(ref, bench.under(grant));
    },
  },
  {
    name: 'session: a login is extended, where its lease says that it can be',
    needs: ['session'],
    async run(bench) {
      const { lease, credential } = await bench.login();
      const { session } = bench.provider;
      if (lease?.handle?.renewable !== true) return;
      assertThat(session?.renew !== undefined, 'a session whose logins are renewable must have renew');
      for (let turn = 0; turn < 2; turn++) {
        const renewed = await session.renew(credential, { ...bench.base, ttlMs: lease.ttlMs });
        assertLength(renewed, 'a renewed login');
      }
    },
  },
  {
    name: 'session: a revoked login is known for dead, twice revoked as once, and no other with it',
    needs: ['session'],
    async run(bench) {
      const [dead, other] = [await bench.login(), await bench.login()];
      const { session } = bench.provider;
      if (!dead.revocable || session?.revoke === undefined) return;
      const { ref } = await bench.put('suite-revoked-login');
      await session.revoke(dead.credential, bench.base);
      await session.revoke(dead.credential, bench.base);
      const refused = () => bench.fetch(ref, bench.under(dead));
      const { code } = await bench.failure(refused, 'to fetch under a revoked login', DEAD);
      const toldApart = code === 'unauthenticated' || session.isAlive !== undefined;
      assertThat(
        toldApart,
        'a backend that denies dead logins needs isAlive, or it is never logged in to again',
      );
      if (session.isAlive !== undefined) {
        assertThat(!(await isAlive(bench, dead)), 'a revoked login must not be alive');
        assertThat(await isAlive(bench, other), 'another login must stay alive');
      }
      await bench.fetch(ref, bench.under(other));
      await assertNotRenewable(bench, session, dead);
    },
  },
  {
    name: 'session: leases die with their login exactly when it owns them',
    needs: ['session', 'leased', 'renew'],
    async run(bench) {
      const grant = await bench.login();
      const { session } = bench.provider;
      if (!grant.revocable || session?.revoke === undefined) return;
      const lease = await bench.lease(bench.under(grant));
      await session.revoke(grant.credential, bench.base);
      if (grant.ownsLeases === false)
        assertLength(await renew(bench, lease), 'a lease that outlives its login');
      else
        await bench.failure(() => renew(bench, lease), 'to renew a lease whose login is over', [
          'lease-lost',
        ]);
    },
  },
];

async function isAlive(bench: ProviderBench, { credential }: SessionGrant): Promise<boolean> {
  return (await bench.provider.session?.isAlive?.(credential, bench.base)) ?? true;
}

async function assertNotRenewable(
  bench: ProviderBench,
  session: SessionContract,
  { credential, lease }: SessionGrant,
): Promise<void> {
  const { renew: extend } = session;
  if (extend === undefined || lease?.handle?.renewable !== true) return;
  const renewal = () => extend.call(session, credential, { ...bench.base, ttlMs: lease.ttlMs });
  await bench.failure(renewal, 'to renew a revoked login', [...DEAD, 'lease-lost']);
}
