import type { Redactor } from '@keyturn/redact';
import type { Context } from '@opentelemetry/api';
import { AttributeMask } from './attribute-mask.js';
import { variantOf } from './variant-of.js';

/** What a span says that may hold a secret. A `ReadableSpan` of any version of the SDK is one. */
export interface SpanContent {
  readonly name: string;
  readonly attributes: object;
  readonly status: { readonly message?: string };
  readonly events: readonly { readonly name: string; readonly attributes?: object }[];
  readonly links: readonly { readonly attributes?: object }[];
}

/** A span processor of any version of the SDK. */
export interface SpanProcessor<Started, Ended> {
  onStart(span: Started, parentContext: Context): void;
  onEnding?(span: Started): void;
  onEnd(span: Ended): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/**
 * A span processor that hands each ended span to `processor` with everything secret in it masked: name, attributes,
 * events with what they say of exceptions, links, and the message of the status.
 *
 * ```js
 * spanProcessors: [redactSpans(redactor, new BatchSpanProcessor(exporter))]
 * ```
 *
 * The span itself does not change: other processors see it as it is. Wrap each that exports.
 *
 * @throws SecretsError `invalid-config` for something that is not a redactor
 */
export function redactSpans<Started, Ended extends SpanContent>(
  redactor: Redactor,
  processor: SpanProcessor<Started, Ended>,
): SpanProcessor<Started, Ended> {
  const mask = new AttributeMask(redactor, 'span');
  return {
    onStart: (span, parentContext) => processor.onStart(span, parentContext),
    onEnding: (span) => processor.onEnding?.(span),
    onEnd: (span) => processor.onEnd(maskSpan(mask, span)),
    forceFlush: () => processor.forceFlush(),
    shutdown: () => processor.shutdown(),
  };
}

function maskSpan<Span extends SpanContent>(mask: AttributeMask, span: Span): Span {
  const { message } = span.status;
  return variantOf(span, {
    name: mask.text(span.name),
    attributes: mask.attributes(span.attributes),
    status: variantOf(span.status, message === undefined ? {} : { message: mask.text(message) }),
    events: allOrSame(span.events, (event) =>
      variantOf(event, {
        name: mask.text(event.name),
        ...(event.attributes && { attributes: mask.attributes(event.attributes) }),
      }),
    ),
    links: allOrSame(span.links, (link) =>
      variantOf(link, link.attributes ? { attributes: mask.attributes(link.attributes) } : {}),
    ),
  });
}

function allOrSame<Element>(
  list: readonly Element[],
  mask: (element: Element) => Element,
): readonly Element[] {
  const masked = list.map(mask);
  return masked.some((element, index) => element !== list[index]) ? masked : list;
}
