import {
  type CallOptions,
  isSecretsError,
  type Lease,
  type RenewOptions,
  SecretsError,
} from '@keyturn/core/provider';
import type { Envelope } from './answer.js';
import type { VaultClient } from './client.js';
import { callerOf } from './session-token.js';

/** Whole seconds to ask for, at least one: the store counts in seconds, and 0 would mean its default. */
export function increment(ttlMs: number): number {
  return Math.max(1, Math.ceil(ttlMs / 1_000));
}

/**
 * Extends a lease. The id goes in the body: in the path it would stand in the access logs of proxies.
 *
 * @throws SecretsError `lease-lost` when the store does not know it, or it has come to its end
 */
export async function renewLease(
  client: VaultClient,
  leaseId: string,
  options: RenewOptions,
): Promise<Lease> {
  const answer = await client.call({
    purpose: 'renew-lease',
    path: 'sys/leases/renew',
    body: { lease_id: leaseId, increment: increment(options.ttlMs) },
    ...callerOf(options),
  });
  return renewedLease(answer, leaseId);
}

/** Ends a lease; one that the store does not know has ended already. Waits until the credential is gone. */
export async function revokeLease(client: VaultClient, leaseId: string, options: CallOptions): Promise<void> {
  try {
    await client.call({
      purpose: 'revoke-lease',
      path: 'sys/leases/revoke',
      body: { lease_id: leaseId, sync: true },
      ...callerOf(options),
    });
  } catch (error) {
    if (!isSecretsError(error) || error.code !== 'lease-lost') throw error;
  }
}

/** What a renewal granted. Its lease may go by another id than the one before. */
function renewedLease({ leaseId, leaseMs, renewable }: Envelope, askedId: string): Lease {
  if (leaseMs === undefined) {
    throw new SecretsError('bad-response', {
      problem: 'The answer to the renewal grants no lease.',
      remedy: 'Check what answers at address; the lease is as it was.',
    });
  }
  if (leaseMs <= 0) {
    throw new SecretsError('lease-lost', {
      problem: 'The lease has come to its maximum: the renewal granted no time.',
      remedy: 'A new one is fetched in its place.',
    });
  }
  return { ttlMs: leaseMs, handle: { id: leaseId === '' ? askedId : leaseId, renewable } };
}
