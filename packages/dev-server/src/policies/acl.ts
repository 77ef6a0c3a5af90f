import { CAPABILITIES, type Capability, type PathRule } from './policy-document.js';

/** What a token may do, from all its policies together. */
export interface Acl {
  /** The capabilities on `path`, in the server's order; `['deny']` where there are none, `['root']` for root. */
  capabilities(path: string): readonly string[];
  allows(path: string, capability: Capability): boolean;
  /** Whether any rule grants anything on or below `prefix`. */
  reaches(prefix: string): boolean;
}

/** What the root policy may do: everything. */
export const ROOT_ACL: Acl = { capabilities: () => ['root'], allows: () => true, reaches: () => true };

interface Pattern {
  readonly path: string;
  readonly granted: ReadonlySet<Capability>;
  readonly matches: (path: string) => boolean;
  /** Where the first wildcard stands; the later, the stronger. */
  readonly firstWildcard: number;
  readonly isPrefix: boolean;
  readonly segmentWildcards: number;
}

/**
 * Joins policies into one decision.
 *
 * Rules for the same path add up, and `deny` among them wins. Of several paths that match, one decides: an exact
 * one; else the one whose first wildcard comes latest, then one without a `*`, then the one with fewer `+`, then the
 * longer, then the greater. (Vault's documentation, "Policies: priority matching".) For a path that ends with a
 * slash, as every LIST does, a rule without that slash is looked for too.
 */
export function createAcl(rules: readonly PathRule[]): Acl {
  const exact = new Map<string, Set<Capability>>();
  const patterns = new Map<string, Set<Capability>>();
  for (const rule of rules) {
    const isPattern = rule.path.endsWith('*') || rule.path.split('/').includes('+');
    const table = isPattern ? patterns : exact;
    table.set(rule.path, merged(table.get(rule.path), rule.capabilities));
  }
  const ranked = [...patterns].map(([path, granted]) => compile(path, granted)).sort(strongestFirst);

  const find = (path: string): ReadonlySet<Capability> | undefined => {
    const bare = path.endsWith('/') ? path.slice(0, -1) : path;
    return (
      exact.get(path) ??
      exact.get(bare) ??
      ranked.find(({ matches }) => matches(bare))?.granted ??
      ranked.find(({ matches }) => matches(path))?.granted
    );
  };
  return {
    capabilities(path) {
      const granted = find(path);
      const listed = CAPABILITIES.filter((name) => granted?.has(name));
      return listed.length === 0 || granted?.has('deny') ? ['deny'] : listed;
    },
    allows: (path, capability) => find(path)?.has(capability) ?? false,
    reaches(prefix) {
      return [...exact, ...patterns].some(
        ([path, granted]) => granted.size > 0 && !granted.has('deny') && overlaps(path, prefix),
      );
    },
  };
}

function merged(before: Set<Capability> | undefined, added: readonly Capability[]): Set<Capability> {
  const all = new Set([...(before ?? []), ...added]);
  return all.has('deny') ? new Set<Capability>(['deny']) : all;
}

function compile(path: string, granted: ReadonlySet<Capability>): Pattern {
  const isPrefix = path.endsWith('*');
  const body = isPrefix ? path.slice(0, -1) : path;
  const segments = body.split('/');
  const source = segments
    .map((segment) => (segment === '+' ? '[^/]*' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('/');
  const expression = new RegExp(`^${source}${isPrefix ? '' : '$'}`, 's');
  const plus = /(^|\/)\+(?=\/|$)/.exec(body);
  return {
    path,
    granted,
    matches: (candidate) => expression.test(candidate),
    firstWildcard: plus === null ? body.length : plus.index + (plus[1] as string).length,
    isPrefix,
    segmentWildcards: segments.filter((segment) => segment === '+').length,
  };
}

function strongestFirst(a: Pattern, b: Pattern): number {
  return (
    b.firstWildcard - a.firstWildcard ||
    Number(a.isPrefix) - Number(b.isPrefix) ||
    a.segmentWildcards - b.segmentWildcards ||
    b.path.length - a.path.length ||
    (a.path < b.path ? 1 : -1)
  );
}

/** Whether a rule's path can match something below `prefix`. */
function overlaps(path: string, prefix: string): boolean {
  const body = path.endsWith('*') ? path.slice(0, -1) : path;
  const wanted = prefix.split('/');
  const rule = body.split('/');
  const shared = Math.min(wanted.length, rule.length) - 1;
  for (let index = 0; index < shared; index++) {
    if (rule[index] !== '+' && rule[index] !== wanted[index]) return false;
  }
  return (
    rule.length >= wanted.length ||
    (path.endsWith('*') && (wanted[shared] as string).startsWith(rule[shared] as string))
  );
}
