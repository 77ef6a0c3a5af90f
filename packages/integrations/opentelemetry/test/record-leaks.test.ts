import { createRedactor } from '@keyturn/redact';
import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { afterEach, expect, test } from 'vitest';
import { recordLeaks } from '../src/index.js';

const providers: MeterProvider[] = [];
afterEach(async () => {
  metrics.disable();
  for (const provider of providers.splice(0)) await provider.shutdown();
});

function meters() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] });
  providers.push(provider);
  const counted = async (): Promise<unknown[]> => {
    await provider.forceFlush();
    const scopes = exporter.getMetrics().at(-1)?.scopeMetrics ?? [];
    return scopes.flatMap(({ metrics: all }) =>
      all.flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => [descriptor.name, attributes, value]),
      ),
    );
  };
  return { provider, counted };
}

test('counts live values by reference and sink, until the undo', async () => {
  const { provider, counted } = meters();
  const undo = recordLeaks(provider.getMeter('test'));
  const redactor = createRedactor();
  redactor.add('first-password', 'vault:one');
  redactor.add('second-password', 'vault:two');
  redactor.redact('first-password first-password', 'app log');
  redactor.redact('first-password', 'app log');
  redactor.redactObject({ a: 'second-password' });
  redactor.retire('second-password', 'vault:two');
  redactor.redact('second-password {"password":"x"} nothing');
  undo();
  redactor.redact('first-password', 'app log');
  expect(await counted()).toEqual([
    ['keyturn.redaction.leaks', { ref: 'vault:one', sink: 'app log' }, 2],
    ['keyturn.redaction.leaks', { ref: 'vault:two' }, 1],
  ]);
});

test('takes the meter of the global provider by default', async () => {
  const { provider, counted } = meters();
  metrics.setGlobalMeterProvider(provider);
  const undo = recordLeaks();
  const redactor = createRedactor();
  redactor.add('first-password', 'vault:one');
  redactor.redact('first-password', 'x');
  undo();
  expect(await counted()).toEqual([['keyturn.redaction.leaks', { ref: 'vault:one', sink: 'x' }, 1]]);
});
