/**
 * Follows the leased roles and their connections at the database, and numbers them as they appear: generation 1
 * is the first that was seen.
 *
 * @param {{ query: (sql: string) => Promise<any[]> }} postgres
 */
export function createObserver({ query }) {
  const numbers = new Map();
  const generationOf = (oid) => {
    if (!numbers.has(oid)) numbers.set(oid, numbers.size + 1);
    return numbers.get(oid);
  };
  let peak = 0;

  return {
    /** Connections by generation, newest last, such as `#2 ×8  #3 ×2`. A dropped role has no name and keeps its number. */
    async connections() {
      const leased = await query("select oid::text from pg_roles where rolname like 'v-%' order by oid");
      for (const { oid } of leased) generationOf(oid);
      const rows = await query(
        `select usesysid::text as oid, count(*)::int as count from pg_stat_activity
         where backend_type = 'client backend' and usesysid <> 10 group by 1 order by 1`,
      );
      const total = rows.reduce((sum, { count }) => sum + count, 0);
      peak = Math.max(peak, total);
      return rows.map(({ oid, count }) => `#${generationOf(oid)} ×${count}`).join('  ') || 'none';
    },
    /** How many generations were seen. */
    generations: () => numbers.size,
    /** The most connections that were seen at once. */
    peak: () => peak,
    /** The leased roles that exist now. */
    async roles() {
      return (await query("select rolname from pg_roles where rolname like 'v-%'")).length;
    },
  };
}
