import type { LiteralIndex } from './known/literal-index.js';
import { createMask } from './mask.js';
import type { ShapeFinder } from './shapes/shape-finder.js';
import type { Span } from './span.js';
import { HeldText } from './stream/held-text.js';
import { TextSearch } from './text-search.js';

/**
 * Masks what a client gets to see.
 *
 * It is not told whose value it was, and what it sent itself is not masked: a form returns its own anti-forgery token,
 * a login its own session.
 */
export interface Outward {
  mask(text: string, sink: string): string;
  hold(sink: string): HeldText;
}

/** @param shapes what looks like a secret; absent: registered values alone */
export function createOutward(
  known: LiteralIndex,
  shapes: ShapeFinder | undefined,
  beforehand: () => void,
  report: (spans: readonly Span[], sink: string) => void,
): Outward {
  const mask = createMask(false);
  const indexes = [known];
  const search = new TextSearch(() => indexes, shapes, mask, beforehand);
  return {
    mask(text, sink) {
      const spans = search.find(text);
      if (spans.length === 0) return text;
      const masked = mask.apply(text, spans);
      report(spans, sink);
      return masked;
    },
    hold: (sink) => new HeldText(search, mask, (spans) => report(spans, sink)),
  };
}
