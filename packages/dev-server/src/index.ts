/**
 * An in-process secret store that speaks Vault's HTTP API, for demos and tests.
 *
 * @module
 */
export type { DatabaseSetup, DevServerOptions, DynamicRoleSetup, StaticRoleSetup } from './configuration.js';
export { createDevServer } from './create-dev-server.js';
export type { AdminAnswer, DevServer } from './dev-server.js';
export type { Fault, FaultAction, FaultScope } from './faults.js';
export type { LoggedRequest, RequestFilter } from './request-log.js';
