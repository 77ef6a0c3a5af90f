import { SecretsError } from '../errors/secrets-error.js';
import type { Protection } from '../resilience/guard.js';
import type { ProviderRuntime } from './provider-runtime.js';
import type { Target } from './target.js';

/** A provider with what protects its store. */
export interface Route extends Protection {
  readonly runtime: ProviderRuntime;
}

/** Finds the provider that a reference names by its alias. */
export class Router {
  readonly #routes: ReadonlyMap<string, Route>;

  constructor(routes: ReadonlyMap<string, Route>) {
    this.#routes = routes;
  }

  get routes(): Iterable<Route> {
    return this.#routes.values();
  }

  /**
   * The route of `target`.
   *
   * @throws SecretsError `invalid-ref` when no provider has that alias
   */
  route(target: Target): Route {
    const route = this.#routes.get(target.alias);
    if (route !== undefined) return route;
    // Without the path: what names no provider may be no reference at all, but a pasted user:password.
    throw new SecretsError('invalid-ref', {
      ref: `${target.alias}:…`,
      problem: `No provider is called ${target.alias}.`,
      remedy: `Configured are: ${[...this.#routes.keys()].join(', ')}. Check the part before the colon, or add it to providers.`,
    });
  }
}
