/**
 * A winston format that masks the finished line and the fields of each entry.
 *
 * @module
 */
export { redaction } from './redaction.js';
