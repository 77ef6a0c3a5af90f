/** One request that reached the server. No query, header, token or body is ever kept. */
export interface LoggedRequest {
  readonly method: string;
  /** Below `/v1/`, without its query; a segment that looks like a token is struck out. */
  readonly path: string;
  /** What was answered; 0 for a connection that was reset or left hanging. */
  readonly status: number;
  readonly atMs: number;
}

/** Which requests to count. All of them where nothing is said. */
export interface RequestFilter {
  readonly method?: string;
  readonly path?: string | RegExp;
  readonly status?: number;
}

/** Older requests are forgotten beyond this many. */
const MAX_ENTRIES = 10_000;

export interface RequestLog {
  readonly entries: readonly LoggedRequest[];
  add(request: LoggedRequest): void;
  matching(filter?: RequestFilter): LoggedRequest[];
  clear(): void;
}

export function createRequestLog(): RequestLog {
  const entries: LoggedRequest[] = [];
  return {
    entries,
    add(request) {
      entries.push({ ...request, path: withoutTokens(request.path) });
      if (entries.length > MAX_ENTRIES) entries.shift();
    },
    matching: ({ method, path, status } = {}) =>
      entries.filter(
        (entry) =>
          (method === undefined || entry.method === method.toUpperCase()) &&
          (status === undefined || entry.status === status) &&
          (path === undefined ||
            (typeof path === 'string' ? entry.path.startsWith(path) : path.test(entry.path))),
      ),
    clear: () => void entries.splice(0),
  };
}

function withoutTokens(path: string): string {
  return path.replace(/(^|\/)(?:s|b|hvs|hvb|r)\.[\w.-]{16,}(?=\/|$)/g, '$1***');
}
