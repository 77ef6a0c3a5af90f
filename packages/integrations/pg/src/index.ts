/**
 * A `pg.Pool` whose user and password rotate underneath.
 *
 * @module
 */
export { createPool } from './create-pool.js';
export type { RotatingPoolConfig } from './pool-config.js';
