/**
 * Pino options that mask every line before it reaches a destination or a transport.
 *
 * @module
 */
export { redacted } from './redacted.js';
