import { inspect } from 'node:util';
import { assertNoLeak, createRedactor, type Redactor } from '@keyturn/redact';
import type { AnyValue } from '@opentelemetry/api-logs';
import type { LogRecordProcessor, ReadableLogRecord } from '@opentelemetry/sdk-logs';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { redactLogs } from '../src/index.js';
import { startCollector } from './collector.js';
import { sdks } from './sdks.js';

const SECRET = 'p@ss "word"/1';

let redactor: Redactor;
beforeEach(() => {
  redactor = createRedactor();
  redactor.add(SECRET, 'vault:db');
  redactor.add('12345678', 'vault:pin');
});

describe.each(sdks)('$name', ({ name: generation, logs, loggerProvider, OTLPLogExporter }) => {
  function logged(by = redactor) {
    const exporter = new logs.InMemoryLogRecordExporter();
    const live: ReadableLogRecord[] = [];
    const watcher: LogRecordProcessor = {
      onEmit: (record) => void live.push(record),
      async forceFlush() {},
      async shutdown() {},
    };
    const provider = loggerProvider([redactLogs(by, simple(exporter)), watcher]);
    return { logger: provider.getLogger('test'), exported: () => exporter.getFinishedLogRecords(), live };
  }
  /** The generations take the exporter differently. */
  function simple(exporter: InstanceType<typeof logs.InMemoryLogRecordExporter>): LogRecordProcessor {
    const Simple = logs.SimpleLogRecordProcessor as unknown as new (given: unknown) => LogRecordProcessor;
    return new Simple(generation === 'SDK 1' ? exporter : { exporter });
  }

  const body: AnyValue = {
    text: `x ${SECRET}`,
    list: [SECRET, { deep: { [SECRET]: 1 } }],
    password: 'hunter2',
    bytes: Buffer.from(SECRET),
    number: 12345678,
    plain: { n: 1, b: true, none: null, harmless: new Uint8Array([1, 2]) },
  };
  const attributes = {
    note: SECRET,
    'http.request.header.set-cookie': ['a=hunter2'],
    'exception.message': `thrown ${SECRET}`,
    'exception.stacktrace': `Error: thrown ${SECRET}\n    at x`,
    count: 3,
  };

  test('masks the body at any depth, attributes, exceptions and the severity', () => {
    const { logger, exported } = logged();
    logger.emit({ body, attributes, severityText: SECRET });
    logger.emit({ body: `text ${SECRET}` });
    const [first, second] = exported();
    expect(first?.body).toEqual({
      text: 'x [REDACTED]',
      list: ['[REDACTED]', { deep: { '[REDACTED]': 1 } }],
      password: '[REDACTED]',
      bytes: '[REDACTED]',
      number: '[REDACTED]',
      plain: { n: 1, b: true, none: null, harmless: new Uint8Array([1, 2]) },
    });
    expect(first?.attributes).toEqual({
      note: '[REDACTED]',
      'http.request.header.set-cookie': '[REDACTED]',
      'exception.message': 'thrown [REDACTED]',
      'exception.stacktrace': 'Error: thrown [REDACTED]\n    at x',
      count: 3,
    });
    expect(first?.severityText).toBe('[REDACTED]');
    expect(second?.body).toBe('text [REDACTED]');
    assertNoLeak(inspect(exported(), { depth: 6, showHidden: true }), redactor);
  });

  test.skipIf(generation === 'SDK 1')('masks an exception and the name of an event', () => {
    const { logger, exported } = logged();
    logger.emit({ exception: new Error(SECRET), eventName: `event ${SECRET}` });
    const [record] = exported();
    expect(record?.attributes).toMatchObject({
      'exception.type': 'Error',
      'exception.message': '[REDACTED]',
    });
    expect(record?.eventName).toBe('event [REDACTED]');
    assertNoLeak(inspect(record, { depth: 6, showHidden: true }), redactor);
  });

  test('does not change the record that other processors see, nor what it was given', () => {
    const { logger, live } = logged();
    logger.emit({ body, attributes });
    expect(live[0]?.body).toBe(body);
    expect(body).toMatchObject({ text: `x ${SECRET}`, password: 'hunter2' });
    expect(live[0]?.attributes).toMatchObject({ note: SECRET });
  });

  test('hands on the record itself when there is nothing to mask', () => {
    const { logger, live, exported } = logged();
    logger.emit({ body: { a: [1, 'x', { b: null }] }, attributes: { n: 1 }, severityText: 'INFO' });
    expect(exported()[0]).toBe(live[0]);
  });

  test('a body that contains itself comes to an end', () => {
    const { logger, exported } = logged();
    const circle: Record<string, AnyValue> = { note: SECRET };
    circle.self = circle;
    logger.emit({ body: circle });
    assertNoLeak(inspect(exported()[0]?.body, { depth: 50 }), redactor);
  });

  test('no byte that reaches a collector shows anything', async () => {
    const collector = await startCollector();
    const exporter = new OTLPLogExporter({ url: collector.url });
    const Batch = logs.BatchLogRecordProcessor as unknown as new (given: unknown) => LogRecordProcessor;
    const batch = new Batch(generation === 'SDK 1' ? exporter : { exporter });
    const provider = loggerProvider([redactLogs(redactor, batch)]);
    provider.getLogger('test').emit({ body, attributes });
    await provider.forceFlush();
    provider.getLogger('test').emit({ body: SECRET });
    await provider.shutdown();
    expect(collector.bodies).toHaveLength(2);
    assertNoLeak(collector.bodies, redactor);
    const output = collector.bodies.join();
    expect(output).not.toContain('hunter2');
    expect(output).toContain('thrown [REDACTED]');
    await collector.stop();
  });

  test('passes on what else a processor is asked', async () => {
    const asked: string[] = [];
    const inner: LogRecordProcessor = {
      onEmit: () => void asked.push('emit'),
      enabled: () => false,
      forceFlush: async () => void asked.push('flush'),
      shutdown: async () => void asked.push('shutdown'),
    };
    const processor = redactLogs(redactor, inner);
    await processor.forceFlush();
    await processor.shutdown();
    expect(asked).toEqual(['flush', 'shutdown']);
    const question = { context: {} } as unknown as Parameters<NonNullable<LogRecordProcessor['enabled']>>[0];
    expect(processor.enabled?.(question)).toBe(false);
    const { enabled: _, ...without } = inner;
    expect(redactLogs(redactor, without).enabled?.(question)).toBe(true);
  });

  test('any secret in any nesting stays out; without one nothing changes', () => {
    const tree = fc.letrec<{ node: AnyValue }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<AnyValue>('HERE', 'x HERE', 'plain', 7, true, null),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'HERE'), tie('node'), { maxKeys: 3 }),
      ),
    })).node;
    const secret = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 8, maxLength: 30 }),
      fc.string({ unit: 'binary', minLength: 8, maxLength: 20 }),
    );
    fc.assert(
      fc.property(
        secret,
        tree,
        fc.dictionary(fc.constantFrom('a', 'HERE'), tree),
        (text, anyBody, anyAttributes) => {
          const hidden = text.trim();
          fc.pre(hidden.length >= 8 && !/HERE|REDACTED/.test(hidden));
          const known = createRedactor();
          known.add(hidden, 'vault:any');
          const put = <Value>(whole: Value, by: string): Value =>
            JSON.parse(JSON.stringify(whole).replaceAll('HERE', () => JSON.stringify(by).slice(1, -1)));
          const { logger, exported, live } = logged(known);
          logger.emit({ body: put(anyBody, hidden), attributes: put(anyAttributes, hidden) });
          logger.emit({ body: put(anyBody, 'harmless'), attributes: put(anyAttributes, 'harmless') });
          assertNoLeak(JSON.stringify(exported().map((record) => [record.body, record.attributes])), known);
          expect(exported()[1]).toBe(live[1]);
        },
      ),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 200) },
    );
  });
});
