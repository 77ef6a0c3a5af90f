/**
 * The name that `wanted` is most likely a misspelling of: differs in case only, or in at most a quarter of its
 * letters. Undefined when none is near.
 */
export function nearestName(wanted: string, names: readonly string[]): string | undefined {
  const limit = Math.floor(wanted.length / 4);
  let nearest: string | undefined;
  let least = limit + 1;
  for (const name of names) {
    if (name === wanted) continue;
    const distance = editDistance(name.toUpperCase(), wanted.toUpperCase(), least);
    if (distance < least) {
      nearest = name;
      least = distance;
    }
  }
  return nearest;
}

/** How many letters to insert, delete or replace (Levenshtein), row by row; `limit` when it is at least that. */
function editDistance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) >= limit) return limit;
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return Math.min(row[to.length] ?? limit, limit);
}
