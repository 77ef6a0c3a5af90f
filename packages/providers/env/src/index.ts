/**
 * Secrets from environment variables, and from the files that `NAME_FILE` variables point to.
 *
 * @module
 */
export { type EnvOptions, env } from './env.js';
