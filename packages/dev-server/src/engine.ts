import type { Route } from './routing/route.js';

/** A secret engine or an auth method: endpoints below a mount. */
export interface Engine {
  /** In the order in which they are tried. */
  readonly routes: readonly Route[];
  /** Stops what the engine does by itself. Idempotent. */
  readonly close?: () => void;
}
