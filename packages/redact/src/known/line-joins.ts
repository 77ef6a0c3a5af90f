import type { Span } from '../span.js';
import type { Hit } from './known-hits.js';
import type { Piece } from './literal.js';

/** How much may stand between two lines, in characters: 64 times the longest of {@link JOIN}. */
export const LONGEST_JOIN = 320;

/** What stands between two lines: white space, or how JSON (also inside JSON) and URLs write a line end. */
const JOIN = /(?:[\t-\r ]|\\{1,4}[nrt]|%0[AaDd]|%20){1,64}/y;

/**
 * Finds the lines of one value that follow each other in `text`, whatever stands for the line end.
 *
 * What is between them is masked with them, so that a key shows as one mask; and a line that proves nothing
 * alone counts when its neighbour is there.
 */
export function joinLines(text: string, hits: readonly Hit[]): { joined: Set<Hit>; gaps: Span[] } {
  const joined = new Set<Hit>();
  const gaps: Span[] = [];
  const byStart = new Map<number, Hit[]>();
  for (const hit of hits) {
    const others = byStart.get(hit.start);
    if (others === undefined) byStart.set(hit.start, [hit]);
    else others.push(hit);
  }
  for (const hit of hits) {
    const start = joinEnd(text, hit.end);
    if (start === hit.end) continue;
    for (const next of byStart.get(start) ?? []) {
      if (!follows(hit.piece, next.piece)) continue;
      joined.add(hit).add(next);
      gaps.push({ start: hit.end, end: start, label: hit.label });
    }
  }
  return { joined, gaps };
}

/** Where the text goes on after the white space, real or escaped, that stands at `start`. */
export function joinEnd(text: string, start: number): number {
  JOIN.lastIndex = start;
  return JOIN.test(text) ? JOIN.lastIndex : start;
}

/** Whether some value has `second` on the line after `first`. */
function follows(first: Piece, second: Piece): boolean {
  const [few, many, step] = first.owners.size < second.owners.size ? [first, second, 1] : [second, first, -1];
  for (const [value, lines] of few.owners) {
    const others = many.owners.get(value);
    if (others === undefined) continue;
    for (const line of lines) if (line >= 0 && others.has(line + step)) return true;
  }
  return false;
}
