import { SecretsError } from '../errors/secrets-error.js';
import type { Protection } from '../resilience/guard.js';
import type { ProviderRuntime } from './provider-runtime.js';
import type { Target } from './target.js';

/** A provider with what protects its store. */
export interface Route extends Protection {
  readonly runtime: ProviderRuntime;
}

/** The routes of an alias: that of its provider, and then those that it falls back to. */
export type Routes = readonly [Route, ...Route[]];

/** Finds the provider that a reference names by its alias. */
export class Router {
  readonly #routes: ReadonlyMap<string, Routes>;

  constructor(routes: ReadonlyMap<string, Routes>) {
    this.#routes = routes;
  }

  /** Every route of every alias. */
  get all(): Route[] {
    return [...this.#routes.values()].flat();
  }

  /**
   * The routes of `target`, in the order in which they are tried.
   *
   * @throws SecretsError `invalid-ref` when no provider has that alias
   */
  routes(target: Target): Routes {
    const routes = this.#routes.get(target.alias);
    if (routes !== undefined) return routes;
    // Without the path: what names no provider may be no reference at all, but a pasted user:password.
    throw new SecretsError('invalid-ref', {
      ref: `${target.alias}:…`,
      problem: `No provider is called ${target.alias}.`,
      remedy: `Configured are: ${[...this.#routes.keys()].join(', ')}. Check the part before the colon, or add it to providers.`,
    });
  }
}
