/**
 * Span and log processors that mask what they hand to an exporter, and a counter of leaks.
 *
 * @module
 */
export { recordLeaks } from './record-leaks.js';
export { type LogProcessor, type LogRecordContent, redactLogs } from './redact-logs.js';
export { redactSpans, type SpanContent, type SpanProcessor } from './redact-spans.js';
