import type { Span } from './span.js';

const START = '[REDACTED';
const LONGEST_LABEL = 200;

interface Region {
  readonly start: number;
  readonly end: number;
}

/** Writes masks, and knows them when it sees them. */
export interface Mask {
  /** The length of the longest mask. */
  readonly longest: number;
  /** `text` with each run of overlapping or adjacent spans replaced by one mask. */
  apply(text: string, spans: readonly Span[]): string;
  /** The mask over something with this label. */
  over(label: string): string;
  /**
   * `spans` without those that overlap a mask that is in `text` already; with `apart`, without those that touch
   * one, too. So that masking twice is masking once, even for a value that looks like a mask.
   */
  clear<Found extends Region>(text: string, spans: Found[], apart?: boolean): Found[];
}

/**
 * Masks that say `[REDACTED]`, or with `showRef` whose value it was: `[REDACTED vault:db#password]`.
 *
 * Only a label that was used counts as a mask, so that `[REDACTED ` in somebody's text hides nothing from us.
 */
export function createMask(showRef: boolean): Mask {
  const labels = new Map<string, string>();
  const over = (label: string): string => {
    if (!showRef || label === '') return `${START}]`;
    let mask = labels.get(label);
    if (mask === undefined) {
      mask = `${START} ${label.slice(0, LONGEST_LABEL).replace(/[^!#-Z^-~]|\\/g, '?')}]`;
      labels.set(label, mask);
      known.add(mask);
    }
    return mask;
  };
  const known = new Set([`${START}]`]);
  const longest = showRef ? START.length + LONGEST_LABEL + 2 : START.length + 1;
  const regions = (text: string): Region[] => {
    const found = [];
    for (let start = text.indexOf(START); start !== -1; start = text.indexOf(START, start + 1)) {
      const end = text.slice(start, start + longest).indexOf(']') + start + 1;
      if (end > start && known.has(text.slice(start, end))) found.push({ start, end });
    }
    return found;
  };
  return {
    longest,
    over,
    apply(text, spans) {
      let masked = '';
      let done = 0;
      for (let index = 0; index < spans.length; ) {
        const { start, label } = spans[index] as Span;
        let end = start;
        for (; index < spans.length && (spans[index] as Span).start <= Math.max(start, end); index++) {
          end = Math.max(end, (spans[index] as Span).end);
        }
        masked += text.slice(done, start) + over(label);
        done = end;
      }
      return masked + text.slice(done);
    },
    clear(text, spans, apart = false) {
      if (spans.length === 0 || !text.includes(START)) return spans;
      const masks = regions(text);
      const margin = apart ? 1 : 0;
      return spans.filter(({ start, end }) => {
        const mask = masks[firstEndingAfter(masks, start - margin)];
        return mask === undefined || mask.start >= end + margin;
      });
    },
  };
}

/** The index of the first of `regions`, which are in order, whose end lies beyond `at`. */
function firstEndingAfter(regions: readonly Region[], at: number): number {
  let low = 0;
  let high = regions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((regions[middle] as Region).end > at) high = middle;
    else low = middle + 1;
  }
  return low;
}
