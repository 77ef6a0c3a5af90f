/**
 * Leading blanks, empty statements and comments (none within another), then a command that leaves nothing behind when
 * it fails. All others may commit half-way on their own: `CALL`, `DO`, `CREATE INDEX CONCURRENTLY`, `VACUUM`, ….
 */
const LEAVES_NOTHING =
  /^(?:[\s;]|--[^\n\r]*(?:[\n\r]|$)|\/\*(?:(?!\/\*|\*\/)[\s\S])*\*\/)*\(*(?:select|with|values|table|insert|update|delete|merge|show|explain)\b/i;

/**
 * Whether what was given to `pool.query` can be sent again as it is.
 *
 * Cursors, streams and other submittables cannot: they hold the state of their first attempt. Nor can what may have
 * committed before it failed. A named statement without its text is unknown elsewhere.
 */
export function isRepeatable(query: unknown): boolean {
  if (typeof query === 'string') return LEAVES_NOTHING.test(query);
  if (typeof query !== 'object' || query === null) return false;
  const { text, submit } = query as { readonly text?: unknown; readonly submit?: unknown };
  return typeof submit !== 'function' && typeof text === 'string' && LEAVES_NOTHING.test(text);
}

/** The parts of a pg client that tell what its failed statement has done. */
export interface FailedClient {
  readonly _activeQuery?: unknown;
  /** The same, in versions of pg that do not warn of it. */
  readonly activeQuery?: unknown;
  getTransactionStatus?(): string | null;
}

/**
 * Whether the statement that `client` runs has left nothing behind, so that running it anew runs it once.
 *
 * True outside a transaction, as long as the server has not reported a command complete: a simple query is
 * committed only just before that report, and an extended one only after it. A connection that ends without
 * saying why proves nothing and is not asked about here.
 */
export function hasDoneNothing(client: FailedClient): boolean {
  const status = client.getTransactionStatus?.() ?? null;
  if (status === 'T' || status === 'E') return false;
  const query = '_activeQuery' in client ? client._activeQuery : client.activeQuery;
  const { _result: result, _results: results } = (query ?? {}) as {
    readonly _result?: { readonly command?: unknown };
    readonly _results?: unknown;
  };
  return result !== undefined && result.command === null && !Array.isArray(results);
}
