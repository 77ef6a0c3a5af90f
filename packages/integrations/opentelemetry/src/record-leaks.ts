import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Hit } from '@keyturn/redact';
import { type Meter, metrics } from '@opentelemetry/api';

/** Where @keyturn/redact says that a live value turned up. */
const VALUE_MASKED = 'keyturn.value-masked';

/**
 * Counts live values that turned up where they should not, as `keyturn.redaction.leaks`, by `ref` and `sink`.
 *
 * Hears of every redactor of the process. Call it once the meter provider is set. Returns an undo.
 *
 * @param meter default that of the global meter provider
 */
export function recordLeaks(meter: Meter = metrics.getMeter('@keyturn/opentelemetry')): () => void {
  const leaks = meter.createCounter('keyturn.redaction.leaks', {
    description: 'Live secrets that were found in an output, and masked',
    unit: '{leak}',
  });
  const count = (message: unknown): void => {
    const { ref, sink } = message as Hit;
    leaks.add(1, sink === undefined ? { ref } : { ref, sink });
  };
  subscribe(VALUE_MASKED, count);
  return () => {
    unsubscribe(VALUE_MASKED, count);
  };
}
