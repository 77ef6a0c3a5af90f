import { createRequire } from 'node:module';
import type * as LogExporter from '@opentelemetry/exporter-logs-otlp-http';
import type * as TraceExporter from '@opentelemetry/exporter-trace-otlp-http';
import type * as Logs from '@opentelemetry/sdk-logs';
import type * as Trace from '@opentelemetry/sdk-trace-base';

const require = createRequire(import.meta.url);

/** The two generations of the SDK, whose classes differ. */
export const sdks = ['', '-1'].map((suffix) => {
  const load = (name: string): unknown =>
    require(suffix === '' ? `@opentelemetry/${name}` : `${name}${suffix}`);
  const trace = load('sdk-trace-base') as typeof Trace;
  const logs = load('sdk-logs') as typeof Logs;
  return {
    name: suffix === '' ? 'SDK 2' : 'SDK 1',
    trace,
    logs,
    OTLPTraceExporter: (load('exporter-trace-otlp-http') as typeof TraceExporter).OTLPTraceExporter,
    OTLPLogExporter: (load('exporter-logs-otlp-http') as typeof LogExporter).OTLPLogExporter,
    loggerProvider(processors: Logs.LogRecordProcessor[]): Logs.LoggerProvider {
      const provider = new logs.LoggerProvider({ processors });
      const older = provider as { addLogRecordProcessor?(processor: Logs.LogRecordProcessor): void };
      for (const processor of processors) older.addLogRecordProcessor?.(processor);
      return provider;
    },
  };
});
