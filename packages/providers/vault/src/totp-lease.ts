import { type Clock, isSecretsError, jsonNumber, type Lease, type ProviderRef } from '@keyturn/core/provider';
import type { Caller, VaultClient } from './client.js';
import type { Mount } from './mounts.js';

/** What both servers give a key that is made without one, in seconds. */
const DEFAULT_PERIOD_S = 30;

/**
 * How long the code is good that `ref` (`totp/code/orders`) gives when it is read now: to the end of the period of its
 * key, by the wall clock, as TOTP counts them (RFC 6238).
 *
 * To be asked before the code is read: when the period ends meanwhile, the code counts as over rather than as new.
 * The period is what the store says of the key, where the policy lets it, else 30 s.
 */
export async function totpLease(
  client: VaultClient,
  { ref, mount, caller, clock }: TotpRead,
): Promise<Lease | undefined> {
  const code = `${mount.path}/code/`;
  if (!ref.path.startsWith(code)) return undefined;
  const periodMs =
    (await periodS(client, `${mount.path}/keys/${ref.path.slice(code.length)}`, caller)) * 1_000;
  return { ttlMs: periodMs - (clock.wallMs() % periodMs), end: 'rotates' };
}

/** A read in a TOTP engine. */
export interface TotpRead {
  readonly ref: ProviderRef;
  readonly mount: Mount;
  readonly caller: Caller;
  readonly clock: Pick<Clock, 'wallMs'>;
}

async function periodS(client: VaultClient, path: string, caller: Caller): Promise<number> {
  try {
    const { data } = await client.call({ purpose: 'read', path, ...caller });
    const period = jsonNumber(data?.period) ?? 0;
    return period > 0 ? period : DEFAULT_PERIOD_S;
  } catch (error) {
    if (isSecretsError(error) && error.code === 'permission-denied') return DEFAULT_PERIOD_S;
    throw error;
  }
}
