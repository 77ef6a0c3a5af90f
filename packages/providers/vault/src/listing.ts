import { isSecretsError, type ProviderRef } from '@keyturn/core/provider';
import type { Caller, VaultClient } from './client.js';
import type { Mount } from './mounts.js';

/** What a listing is made with. */
export interface ListingOptions {
  readonly mount: Mount;
  readonly caller: Caller;
}

/** Names every secret below `prefix`, folder by folder as the caller goes on: nothing is asked for ahead of it. */
export async function* listBelow(
  client: VaultClient,
  prefix: string,
  options: ListingOptions,
): AsyncIterable<ProviderRef> {
  for (const key of await keysOf(client, prefix, options)) {
    if (key.endsWith('/')) yield* listBelow(client, `${prefix}/${key.slice(0, -1)}`, options);
    else yield { path: `${prefix}/${key}` };
  }
}

async function keysOf(
  client: VaultClient,
  folder: string,
  { mount, caller }: ListingOptions,
): Promise<readonly string[]> {
  const below = folder.slice(mount.path.length);
  const path = mount.kind === 'kv2' ? `${mount.path}/metadata${below}` : folder;
  try {
    const { data } = await client.call({ purpose: 'list', path, ...caller });
    return Array.isArray(data?.keys) ? data.keys.filter((key) => typeof key === 'string') : [];
  } catch (error) {
    if (isSecretsError(error) && error.code === 'not-found') return [];
    throw error;
  }
}
