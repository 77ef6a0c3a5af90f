import { inspect } from 'node:util';
import { assertNoLeak, createRedactor, type Redactor } from '@keyturn/redact';
import {
  type Attributes,
  trace as api,
  type Context,
  ROOT_CONTEXT,
  SpanStatusCode,
  TraceFlags,
} from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { redactSpans } from '../src/index.js';
import { startCollector } from './collector.js';
import { sdks } from './sdks.js';

const SECRET = 'p@ss "word"/1';
const LINKED = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
};

let redactor: Redactor;
beforeEach(() => {
  redactor = createRedactor();
  redactor.add(SECRET, 'vault:db');
  redactor.add('12345678', 'vault:pin');
});

describe.each(sdks)('$name', ({ trace, OTLPTraceExporter }) => {
  /** Spans as they are exported with redaction, and as another processor sees them. */
  function traced(by = redactor) {
    const exporter = new trace.InMemorySpanExporter();
    const live: ReadableSpan[] = [];
    const watcher: SpanProcessor = {
      onStart() {},
      onEnd: (span) => void live.push(span),
      async forceFlush() {},
      async shutdown() {},
    };
    const provider = new trace.BasicTracerProvider({
      spanProcessors: [redactSpans(by, new trace.SimpleSpanProcessor(exporter)), watcher],
    });
    return {
      tracer: provider.getTracer('test'),
      exported: () => exporter.getFinishedSpans(),
      live,
      exporter,
    };
  }

  test('a query is masked as one, and an id of a session stays', () => {
    const { tracer, exported } = traced();
    const attributes = { 'url.query': 'token=abcd1234efgh&x=1', 'session.id': 'a1b2c3d4e5f6' };
    tracer.startSpan('GET', { attributes }).end();
    expect(exported()[0]?.attributes).toEqual({
      'url.query': 'token=[REDACTED]&x=1',
      'session.id': 'a1b2c3d4e5f6',
    });
  });

  function leak(tracer: ReturnType<typeof traced>['tracer']): void {
    const span = tracer.startSpan(`GET /${encodeURIComponent(SECRET)}`, {
      attributes: {
        'url.full': `https://app:${SECRET}@db/`,
        'app.list': ['a', SECRET],
        'app.number': 12345678,
        'http.request.header.authorization': ['Bearer x1'],
        'http.request.header.cookie': ['a=hunter2'],
        'db.password': 'hunter2',
        [`app.${SECRET}`]: true,
      },
      links: [{ context: LINKED, attributes: { 'link.note': SECRET } }],
    });
    span.addEvent(`event ${SECRET}`, { note: SECRET, token: 'x1' });
    span.recordException(new Error(`thrown ${SECRET}`));
    span.setStatus({ code: SpanStatusCode.ERROR, message: `failed: ${SECRET}` });
    span.end();
  }

  test('masks name, attributes, events, exceptions, links and status', () => {
    const { tracer, exported } = traced();
    leak(tracer);
    const [span] = exported();
    expect(span).toMatchObject({
      name: 'GET /[REDACTED]',
      attributes: {
        'url.full': 'https://app:[REDACTED]@db/',
        'app.list': ['a', '[REDACTED]'],
        'app.number': '[REDACTED]',
        'http.request.header.authorization': '[REDACTED]',
        'http.request.header.cookie': '[REDACTED]',
        'db.password': '[REDACTED]',
        'app.[REDACTED]': true,
      },
      events: [
        { name: 'event [REDACTED]', attributes: { note: '[REDACTED]', token: '[REDACTED]' } },
        { name: 'exception', attributes: { 'exception.message': 'thrown [REDACTED]' } },
      ],
      links: [{ context: LINKED, attributes: { 'link.note': '[REDACTED]' } }],
      status: { code: SpanStatusCode.ERROR, message: 'failed: [REDACTED]' },
      ended: true,
    });
    const shown =
      inspect(span, { depth: 3, showHidden: true }) + JSON.stringify([span?.events, span?.attributes]);
    assertNoLeak(shown, redactor);
  });

  test('does not change the span that other processors see', () => {
    const { tracer, live, exported } = traced();
    leak(tracer);
    expect(live[0]).toMatchObject({
      name: `GET /${encodeURIComponent(SECRET)}`,
      attributes: { 'db.password': 'hunter2', 'app.list': ['a', SECRET] },
      status: { message: `failed: ${SECRET}` },
    });
    expect(live[0]?.events[0]?.name).toBe(`event ${SECRET}`);
    expect(live[0]?.links[0]?.attributes).toEqual({ 'link.note': SECRET });
    const { spanContext, duration, resource, startTime } = exported()[0] as ReadableSpan;
    expect({ duration, resource, startTime }).toEqual({
      duration: live[0]?.duration,
      resource: live[0]?.resource,
      startTime: live[0]?.startTime,
    });
    expect(spanContext.call(exported()[0])).toEqual(live[0]?.spanContext());
  });

  test('hands on the span itself when there is nothing to mask, whatever the types of its attributes', () => {
    const { tracer, live, exported } = traced();
    const attributes = {
      'gen_ai.usage.input_tokens': 1200,
      'gen_ai.request.max_tokens': 4096,
      'http.response.status_code': 200,
      'aws.s3.key': 'path/to',
      'messaging.kafka.message.key': 'k',
      flags: [true, false],
      numbers: [1, 2.5],
      empty: [],
    };
    tracer.startSpan('GET /orders', { attributes }).addEvent('e', { n: 1 }).end();
    expect(exported()[0]).toBe(live[0]);
    expect(exported()[0]?.attributes).toEqual(attributes);
  });

  test('no byte that reaches a collector shows anything', async () => {
    const collector = await startCollector();
    const exporter = new OTLPTraceExporter({ url: collector.url });
    const provider = new trace.BasicTracerProvider({
      spanProcessors: [redactSpans(redactor, new trace.BatchSpanProcessor(exporter))],
    });
    const tracer = provider.getTracer('test');
    const parent = tracer.startSpan('parent');
    leak(tracer);
    tracer.startSpan(SECRET, {}, api.setSpan(ROOT_CONTEXT, parent)).end();
    await provider.forceFlush();
    expect(collector.bodies).toHaveLength(1);
    const body = String(collector.bodies[0]);
    const [{ scopeSpans }] = JSON.parse(body).resourceSpans;
    expect(scopeSpans[0].spans.map(({ name }: { name: string }) => name)).toEqual([
      'GET /[REDACTED]',
      '[REDACTED]',
    ]);
    expect(scopeSpans[0].spans[1].parentSpanId).toBe(parent.spanContext().spanId);
    parent.setAttribute('late', SECRET).end();
    await provider.shutdown();
    expect(collector.bodies).toHaveLength(2);
    assertNoLeak(collector.bodies, redactor);
    expect(collector.bodies.join()).not.toContain('hunter2');
    await collector.stop();
  });

  test('passes on what else a processor is asked', async () => {
    const asked: string[] = [];
    const inner: SpanProcessor = {
      onStart: (_, context: Context) => void asked.push(`start ${context === ROOT_CONTEXT}`),
      onEnd: () => void asked.push('end'),
      forceFlush: async () => void asked.push('flush'),
      shutdown: async () => void asked.push('shutdown'),
    };
    const provider = new trace.BasicTracerProvider({ spanProcessors: [redactSpans(redactor, inner)] });
    provider.getTracer('test').startSpan('x', {}, ROOT_CONTEXT).end();
    await provider.forceFlush();
    await provider.shutdown();
    expect(asked).toEqual(['start true', 'end', 'flush', 'shutdown']);
    const failing = redactSpans(redactor, { ...inner, forceFlush: () => Promise.reject(new Error('full')) });
    await expect(failing.forceFlush()).rejects.toThrow('full');
  });

  test('any secret in any attribute stays out; without one nothing changes', () => {
    const value = fc.constantFrom('HERE', 'x HERE', 'plain');
    const attribute = fc.oneof(value, fc.array(value), fc.integer({ max: 999, min: 0 }), fc.boolean());
    const attributes = fc.dictionary(fc.constantFrom('a', 'b.c', 'HERE', 'd.HERE'), attribute);
    const secret = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 8, maxLength: 30 }),
      fc.string({ unit: 'binary', minLength: 8, maxLength: 20 }),
    );
    fc.assert(
      fc.property(secret, value, attributes, attributes, (text, name, own, ofEvent) => {
        const hidden = text.trim();
        fc.pre(hidden.length >= 8 && !/HERE|REDACTED/.test(hidden));
        const known = createRedactor();
        known.add(hidden, 'vault:any');
        const put = <Value>(whole: Value, by: string): Value =>
          JSON.parse(JSON.stringify(whole).replaceAll('HERE', () => JSON.stringify(by).slice(1, -1)));
        const { tracer, exported, live } = traced(known);
        const run = (by: string): void => {
          const span = tracer.startSpan(put(name, by), { attributes: put<Attributes>(own, by) });
          span.addEvent(put(name, by), put<Attributes>(ofEvent, by)).recordException(put(name, by));
          span.setStatus({ code: SpanStatusCode.ERROR, message: put(name, by) }).end();
        };
        run(hidden);
        run('harmless');
        const shown = exported().map(({ name, attributes, events, status }) => ({
          name,
          attributes,
          events,
          status,
        }));
        assertNoLeak(JSON.stringify(shown), known);
        expect(exported()[1]).toBe(live[1]);
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 200) },
    );
  });
});

test('something that is no redactor is refused when the processor is made', () => {
  const [sdk] = sdks;
  const inner = new (sdk as (typeof sdks)[0]).trace.NoopSpanProcessor();
  expect(() => redactSpans({} as Redactor, inner)).toThrow(
    expect.objectContaining({ code: 'invalid-config' }),
  );
});
