import type { Redactor } from '@keyturn/redact';
import type { Context } from '@opentelemetry/api';
import { AttributeMask } from './attribute-mask.js';
import { variantOf } from './variant-of.js';

/** What a log record says that may hold a secret. A log record of any version of the SDK is one. */
export interface LogRecordContent {
  readonly body?: unknown;
  readonly attributes: object;
  readonly severityText?: string | undefined;
  readonly eventName?: string | undefined;
}

/** A log record processor of any version of the SDK. */
export interface LogProcessor<LogRecord, Question = never> {
  onEmit(logRecord: LogRecord, context?: Context): void;
  enabled?(question: Question): boolean;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/**
 * A log record processor that hands each record to `processor` with everything secret in it masked: body, attributes
 * with what they say of exceptions, severity text, and event name.
 *
 * ```js
 * processors: [redactLogs(redactor, new BatchLogRecordProcessor(exporter))]
 * ```
 *
 * The record itself does not change: other processors see it as it is. Wrap each that exports.
 *
 * @throws SecretsError `invalid-config` for something that is not a redactor
 */
export function redactLogs<LogRecord extends LogRecordContent, Question>(
  redactor: Redactor,
  processor: LogProcessor<LogRecord, Question>,
): LogProcessor<LogRecord, Question> {
  const mask = new AttributeMask(redactor, 'log record');
  return {
    onEmit: (record, context) => processor.onEmit(maskRecord(mask, record), context),
    enabled: (question) => processor.enabled?.(question) ?? true,
    forceFlush: () => processor.forceFlush(),
    shutdown: () => processor.shutdown(),
  };
}

function maskRecord<LogRecord extends LogRecordContent>(mask: AttributeMask, record: LogRecord): LogRecord {
  return variantOf(record, {
    body: mask.value(record.body),
    attributes: mask.attributes(record.attributes),
    severityText: mask.value(record.severityText),
    eventName: mask.value(record.eventName),
  });
}
