/** The first and the last line of something in armour. Made here, so that no test looks like it had a key in it. */
export function armour(kind: string): { readonly begin: string; readonly end: string } {
  return { begin: `-----BEGIN ${kind}-----`, end: `-----END ${kind}-----` };
}

/** Lines in armour. */
export function armoured(kind: string, lines: readonly string[]): string[] {
  const { begin, end } = armour(kind);
  return [begin, ...lines, end];
}
