/**
 * Keeps live secrets out of logs: known values in all their forms, keys that name secrets, tokens by their look.
 *
 * @module
 */
export { assertNoLeak, type Canaries, type CaughtOutput } from './assert-no-leak.js';
export { guardConsole } from './console/guard-console.js';
export { type DebugModule, guardDebug } from './console/guard-debug.js';
export { createRedactor } from './create-redactor.js';
export { lineRedaction } from './line-redaction.js';
export type {
  Hit,
  Redactor,
  RedactorClock,
  RedactorOptions,
  RedactorWarning,
  RedactStreamOptions,
} from './redactor.js';
export type { TokenShape } from './shapes/token-shape.js';
export { type GuardStdioOptions, guardStdio } from './stream/guard-stdio.js';
