import type { ProviderRef } from '@keyturn/core/provider';
import type { SecretFacts } from './key-vault-client.js';
import { pathOf, secretName } from './secret-name.js';

/**
 * Names the enabled secrets of `listing` whose names begin with `prefix`; with a `separator`, those below the folder
 * `prefix`. Page by page as the caller goes on, each request guarded by `call`.
 *
 * What is disabled cannot be read and is left out, as is a name that no path stands for.
 */
export async function* namesBelow(
  prefix: string,
  separator: string | undefined,
  listing: AsyncIterable<SecretFacts>,
  call: <Result>(start: () => Promise<Result>) => Promise<Result>,
): AsyncIterable<ProviderRef> {
  const folder = separator === undefined || prefix === '' ? prefix : `${prefix.replace(/\/$/, '')}/`;
  const iterator = listing[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await call(() => iterator.next());
    if (done === true) return;
    const path = pathOf(value.name ?? '', separator);
    if (value.enabled !== false && path.startsWith(folder) && hasName(path, separator)) yield { path };
  }
}

function hasName(path: string, separator: string | undefined): boolean {
  try {
    return secretName(path, separator) !== '' && !path.split('/').includes('');
  } catch {
    return false;
  }
}
