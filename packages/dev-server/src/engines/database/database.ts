import type { HostClock } from '@keyturn/core/provider';
import type { Background } from '../../background.js';
import type { Engine } from '../../engine.js';
import type { MountConfig } from '../../mounts.js';
import { createConnections } from './connections.js';
import { dynamicRoleRoutes } from './dynamic-roles.js';
import { createStaticRoles } from './static-roles.js';

/** The database engine: real PostgreSQL roles, created and dropped through the package `pg`. */
export function createDatabase(clock: HostClock, background: Background, limits: MountConfig): Engine {
  const connections = createConnections();
  const staticRoles = createStaticRoles(clock, background, connections);
  return {
    routes: [...connections.routes, ...dynamicRoleRoutes(clock, connections, limits), ...staticRoles.routes],
    close: staticRoles.close,
  };
}
