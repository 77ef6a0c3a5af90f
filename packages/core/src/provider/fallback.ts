import type { Provider } from './contract.js';

const BRAND = Symbol.for('keyturn.Fallback');

/** Whether it is one, of this copy of the package or another. */
export function isFallback(thing: unknown): thing is Fallback {
  return typeof thing === 'object' && thing !== null && BRAND in thing;
}

/** Stores that stand in for each other under one alias. Made by {@link fallback}; taken wherever a provider is. */
export class Fallback {
  /** In the order in which they are asked. */
  readonly providers: readonly [Provider, ...Provider[]];

  /** Use {@link fallback}. */
  constructor(providers: readonly [Provider, ...Provider[]]) {
    Object.defineProperty(this, BRAND, { value: true });
    this.providers = providers;
  }
}

/**
 * Stores under one alias, of which the next is asked when the one before cannot answer: it is down, too slow,
 * throttled, answers nonsense, its breaker is open, or the login to it fails. That a secret is missing or denied is an answer.
 *
 * What it promises: as long as a value of an earlier store may be served, stale included, it is kept and no later
 * store is asked, so that an outage does not take a service back to what a replica holds. Every refresh asks the
 * first store first and so returns to it. Versions of different stores are different versions, even where the values
 * are equal, so a change of store is a rotation: pools prove it before they use it. A lease is renewed and revoked
 * where it came from. One attempt is made at each store but the last.
 *
 * ```ts
 * createSecrets({ providers: { main: fallback(vault({ address }), mountedFiles({ root: '/etc/secrets' })) } });
 * ```
 */
export function fallback(first: Provider, ...others: readonly Provider[]): Fallback {
  return new Fallback([first, ...others]);
}
