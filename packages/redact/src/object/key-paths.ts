import { SecretsError } from '@keyturn/core/provider';

/** A step in the tree of all paths. */
export interface PathStep {
  /** A path ends here: what is here is masked. */
  ends: boolean;
  readonly next: Map<string, PathStep>;
}

/** Stands for any key or index. */
const ANY = '*';
const SEGMENT = /\.?([^.[\]"']+)|\[(\d+|\*)\]|\[(?:"([^"]*)"|'([^']*)')\]/y;

/**
 * Compiles paths such as `user.ssn`, `cards[*].number`, `*.pin` or `headers["x.y"]` into one tree.
 *
 * @throws SecretsError `invalid-config` for a path that cannot be read
 */
export function compilePaths(paths: readonly string[]): PathStep {
  const root: PathStep = { ends: false, next: new Map() };
  for (const path of paths) {
    let step = root;
    for (const segment of segmentsOf(path)) {
      let next = step.next.get(segment);
      if (next === undefined) {
        next = { ends: false, next: new Map() };
        step.next.set(segment, next);
      }
      step = next;
    }
    step.ends = true;
  }
  return root;
}

/** Where the walk stands in the tree after `key`, at once in all branches that fit. */
export function stepInto(steps: readonly PathStep[], key: string): PathStep[] {
  if (steps.length === 0) return [];
  return steps.flatMap(({ next }) => [next.get(key) ?? [], key === ANY ? [] : (next.get(ANY) ?? [])].flat());
}

function segmentsOf(path: string): string[] {
  const segments: string[] = [];
  SEGMENT.lastIndex = 0;
  while (SEGMENT.lastIndex < path.length) {
    const at = SEGMENT.lastIndex;
    const match = SEGMENT.exec(path);
    if (match === null || (at === 0 && path.startsWith('.'))) throw unreadable(path);
    segments.push((match[1] ?? match[2] ?? match[3] ?? match[4]) as string);
  }
  if (segments.length === 0) throw unreadable(path);
  return segments;
}

function unreadable(path: string): SecretsError {
  return new SecretsError('invalid-config', {
    problem: `The setting paths has one that cannot be read: ${JSON.stringify(path)}.`,
    remedy: 'Write keys with dots, indexes and odd keys in brackets: cards[*].number, headers["x.y"].',
  });
}
