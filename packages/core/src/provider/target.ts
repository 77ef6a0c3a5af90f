import { formatRef, type SecretRef, wholeRef } from '../model/secret-ref.js';
import type { ProviderRef } from './contract.js';

/** What is fetched, cached and leased: a whole secret at one provider. Fields of it share one target. */
export interface Target {
  /** The canonical reference without its field; also the cache key: version and stage are part of it. */
  readonly ref: string;
  readonly alias: string;
  readonly at: ProviderRef;
}

/** The target of a reference. */
export function targetOf(ref: SecretRef): Target {
  const { alias, ...at } = wholeRef(ref);
  return { ref: formatRef(wholeRef(ref)), alias, at };
}
