import type { Engine } from '../../engine.js';
import type { Store } from '../../store.js';
import { capabilityRoutes } from './capability-routes.js';
import { leaseRoutes } from './lease-routes.js';
import { mountRoutes } from './mount-routes.js';
import { policyRoutes } from './policy-routes.js';
import { quotaRoutes } from './quota-routes.js';
import { wrappingRoutes } from './wrapping-routes.js';

/** `sys/`: the server's own endpoints, but for those about its health, which are answered before any token is read. */
export function createSystem(store: Store): Engine {
  return {
    routes: [
      ...mountRoutes(store),
      ...policyRoutes(store.policies),
      ...capabilityRoutes(store),
      ...leaseRoutes(store),
      ...wrappingRoutes(store),
      ...quotaRoutes(store),
    ],
  };
}
