import type { Lease } from '../../model/lease.js';
import { assertThat } from '../assert-that.js';
import { fieldsOf, type GivenLease, type ProviderBench, sameFields } from './provider-bench.js';
import type { ProviderCheck } from './provider-check.js';

/** What is leased on request, and how it is kept and given back. */
export const LEASE_CHECKS: readonly ProviderCheck[] = [
  {
    name: 'leases: each fetch gives a credential, a version and a lease of its own',
    needs: ['leased'],
    async run(bench) {
      const { leased } = bench.underTest;
      if (leased === undefined) return;
      const [one, two] = [await bench.fetch(leased), await bench.fetch(leased)];
      assertThat(one.version !== two.version, 'each lease must be a version of its own');
      assertThat(!sameFields(fieldsOf(one), fieldsOf(two)), 'each lease must be for a credential of its own');
      for (const { lease } of [one, two]) assertLength(lease, 'the lease of a credential');
      const ids = [one, two].map(({ lease }) => lease?.handle?.id ?? '');
      assertThat(
        ids.every((id) => typeof id === 'string' && id !== ''),
        'a lease must have an id',
      );
      assertThat(ids[0] !== ids[1], 'each lease must have an id of its own');
    },
  },
  {
    name: 'leases: a renewal grants time, again and again',
    needs: ['leased', 'renew'],
    async run(bench) {
      const lease = await bench.lease();
      assertThat(lease.renewable, 'the test must be given a path whose leases are renewable');
      let { id } = lease;
      for (let turn = 0; turn < 3; turn++) {
        const renewed = await renew(bench, { ...lease, id });
        assertLength(renewed, 'a renewed lease');
        id = renewed.handle?.id ?? id;
      }
    },
  },
  {
    name: 'leases: the renewal of an unknown lease is lease-lost',
    needs: ['leased', 'renew'],
    async run(bench) {
      const lease = await bench.lease();
      const unknown = { ...lease, id: `${lease.id}-that-is-not-there` };
      await bench.failure(() => renew(bench, unknown), 'to renew an unknown lease', ['lease-lost']);
    },
  },
  {
    name: 'leases: a revoked lease is over, and only that one',
    needs: ['leased', 'renew', 'revoke'],
    async run(bench) {
      const [one, other] = [await bench.lease(), await bench.lease()];
      await bench.provider.revoke?.(one.id, bench.options);
      await bench.failure(() => renew(bench, one), 'to renew a revoked lease', ['lease-lost']);
      assertLength(await renew(bench, other), 'the other lease');
    },
  },
  {
    name: 'leases: to revoke twice is to revoke once, and an unknown lease is revoked already',
    needs: ['leased', 'revoke'],
    async run(bench) {
      const { id } = await bench.lease();
      for (const each of [id, id, `${id}-that-is-not-there`]) {
        const outcome = await bench.settled(
          (async () => bench.provider.revoke?.(each, bench.options))(),
          'to revoke a lease that is over',
        );
        assertThat(outcome.status === 'fulfilled', 'to revoke a lease that is over must resolve');
      }
    },
  },
];

/** Renews `lease` for as long as it had at first. */
export async function renew(
  bench: ProviderBench,
  { id, ttlMs }: GivenLease,
  options = bench.options,
): Promise<Lease> {
  const { renew: renewal } = bench.provider;
  assertThat(renewal !== undefined, 'the provider must be able to renew');
  return renewal.call(bench.provider, id, { ...options, ttlMs });
}

/** A lease without a length is renewed without end, or never. */
export function assertLength(lease: Lease | undefined, what: string): asserts lease is Lease {
  const ttlMs = lease?.ttlMs ?? Number.NaN;
  assertThat(Number.isFinite(ttlMs) && ttlMs > 0, `${what} must have a ttl above zero, in milliseconds`);
}
